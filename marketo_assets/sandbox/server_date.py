"""The Date header of every answer: the sandbox's own time, which may be far from the machine's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ServerDate:
    """An application whose answers say what time it is at this Marketo."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self._app = app
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the header added."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = format_datetime(self._now(), usegmt=True)
                message = {**message, "headers": [*message.get("headers", []), (b"date", now.encode())]}
            await send(message)

        await self._app(scope, receive, dated)
