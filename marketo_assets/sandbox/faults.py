"""Trouble on order: each fault names a route, how many calls it lets pass, how many it strikes, and how."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from starlette.types import Message, Send

KINDS: Mapping[str, Mapping[str, Any]] = {
    # kind: its parameters with their defaults
    "error": {"code": "611", "message": None},
    "http": {"status": 502, "body": "<html><body>Bad Gateway</body></html>", "content_type": "text/html"},
    "not_json": {"body": "<html><body>We will be back soon</body></html>"},
    "drop": {"after_bytes": 0},
    "truncate": {"bytes": 0},
    "corrupt": {"offset": 0},
    "slow": {"seconds": 1.0},
    "token_revoked": {"code": "601"},
    "job_failed": {"message": "Export failed: internal error"},
    "job_lost": {},
    "file_lost": {},
}
"""What can be ordered.

`error`: a Marketo error instead of the answer. `http`: an HTTP status with a body instead. `not_json`: HTTP 200 with a
body that is no JSON. `drop`: the connection ends after so many bytes of the true answer (the call has had its effect).
`truncate`: the body ends after so many bytes and Content-Length agrees. `corrupt`: one bit of the body's byte at
*offset* is turned. `slow`: the answer takes so many seconds longer (of life, not of the sandbox's time).
`token_revoked`: every token ends before this call is looked at; 601, or 602 at its first use. `job_failed`: the job
enqueued by this call ends Failed. `job_lost`: the job this call names is gone. `file_lost`: its file is gone for good.
"""


@dataclass
class Fault:
    """One order of trouble."""

    route: str
    """Pattern for method and path: `GET /bulk/*/file.json`, `* /rest/*`."""
    kind: str
    """One of KINDS."""
    parameters: dict[str, Any]
    """What the kind takes."""
    count: int | None = 1
    """How many calls it strikes; None is all."""
    skip: int = 0
    """How many matching calls pass first."""
    seen: int = 0
    """Matching calls so far."""
    struck: int = 0
    """Calls struck so far."""

    def strikes(self, label: str) -> bool:
        """Return whether this call is struck, and count it."""
        if not fnmatchcase(label, self.route):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.count is not None and self.struck >= self.count):
            return False
        self.struck += 1
        return True


def parse_fault(order: Mapping[str, Any]) -> Fault:
    """Return the fault that *order* describes: `route`, `kind`, `count`, `skip` and the kind's parameters.

    Raises: ValueError saying what is wrong with it.
    """
    kind, route = str(order.get("kind")), order.get("route", "*")
    count, skip = order.get("count", 1), order.get("skip", 0)
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    given = {name: value for name, value in order.items() if name not in ("kind", "route", "count", "skip")}
    unknown = sorted(set(given) - set(KINDS[kind]))
    if unknown:
        raise ValueError(f"{kind} takes {', '.join(KINDS[kind]) or 'no parameters'}, not {', '.join(unknown)}")
    if not isinstance(route, str) or not (count is None or _is_count(count)) or not _is_count(skip):
        raise ValueError("route is a text, count a whole number or null, skip a whole number")
    for name in ("bytes", "after_bytes", "offset", "status"):
        if name in given and not _is_count(given[name]):
            raise ValueError(f"{name} is a whole number of at least 0")
    return Fault(route, kind, {**KINDS[kind], **given}, count, skip)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Effects:
    """The faults that strike one call."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults

    def first(self, *kinds: str) -> Fault | None:
        """Return the first of these faults that is of one of *kinds*."""
        return next((fault for fault in self._faults if fault.kind in kinds), None)

    def parameters(self, kind: str) -> dict[str, Any] | None:
        """Return the parameters of the fault of *kind*, or None where none strikes."""
        fault = self.first(kind)
        return fault.parameters if fault else None

    def on(self, send: Send) -> Send:
        """Return *send* with the damage to the body built in; without any, *send* itself."""
        fault = self.first("drop", "truncate", "corrupt")
        return _Damage(fault, send) if fault else send


class _Damage:
    """Sends an answer's body cut or corrupted."""

    def __init__(self, fault: Fault, send: Send) -> None:
        self._kind = fault.kind
        self._most: int | None = fault.parameters.get("after_bytes", fault.parameters.get("bytes"))
        self._offset: int = fault.parameters.get("offset", -1)
        self._send = send
        self._sent = 0
        self._is_over = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(self._headed(message))
        elif not self._is_over:
            await self._send_body(message)

    def _headed(self, message: MutableMapping[str, Any]) -> Message:
        if self._kind != "truncate" or self._most is None:
            return message
        headers = dict(message["headers"])
        length = min(int(headers.get(b"content-length", b"0")), self._most)
        headers[b"content-length"] = str(length).encode()
        return {**message, "headers": list(headers.items())}

    async def _send_body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._most is not None and self._sent + len(body) >= self._most:
            body, self._is_over = body[: self._most - self._sent], True
            # A dropped connection never says that the body is over; a truncated one pretends that all is well.
            more = self._kind == "drop"
        at = self._offset - self._sent
        if self._kind == "corrupt" and 0 <= at < len(body):
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        self._sent += len(body)
        await self._send({**message, "body": body, "more_body": more})


class Faults:
    """All faults on order."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def draw(self, label: str) -> Effects:
        """Return what strikes the call named *label* (method and path)."""
        return Effects([fault for fault in self.orders if fault.strikes(label)])

    def describe(self) -> list[dict[str, Any]]:
        """Return every order with how often it was seen and struck."""
        return [asdict(fault) for fault in self.orders]
