"""What a fault does to the body of an answer under way: ended early, corrupted, or held back."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.types import Message, Send

from marketo_assets.sandbox.faults import Fault

KINDS = ("drop", "truncate", "corrupt", "hold")


def damaged(send: Send, fault: Fault) -> Send:
    """Return *send* with the damage that *fault* orders built in."""
    return _Damage(fault, send)


class _Damage:
    """Passes an answer on until the byte at which trouble begins."""

    def __init__(self, fault: Fault, send: Send) -> None:
        self._fault = fault
        self._at: int = fault.parameters[{"truncate": "bytes", "corrupt": "offset"}.get(fault.kind, "after_bytes")]
        self._send = send
        self._sent = 0
        self._is_over = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(self._headed(message))
        elif not self._is_over:
            body, more = message.get("body", b""), message.get("more_body", False)
            place, self._sent = self._at - self._sent, self._sent + len(body)
            await self._send_body(body, more, place)

    def _headed(self, message: MutableMapping[str, Any]) -> Message:
        if self._fault.kind != "truncate":
            return message
        headers = dict(message["headers"])
        length = min(int(headers.get(b"content-length", b"0")), self._at)
        headers[b"content-length"] = str(length).encode()
        return {**message, "headers": list(headers.items())}

    async def _send_body(self, body: bytes, more: bool, place: int) -> None:
        is_here = 0 <= place <= len(body)
        if self._fault.kind == "corrupt" and 0 <= place < len(body):
            body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        elif self._fault.kind == "hold" and is_here:
            await self._pass(body[:place], more=True)
            await self._fault.hold()
            body = body[place:]
        elif self._fault.kind in ("drop", "truncate") and is_here:
            self._is_over = True
            # A dropped connection never says that the body is over; a truncated one pretends that all is well.
            body, more = body[:place], self._fault.kind == "drop"
        await self._pass(body, more)

    async def _pass(self, body: bytes, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
