"""The control desk's operations on the weather: chaos by a seed, what it threw, and its end."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from marketo_assets.sandbox.desk import DeskError, operation, read
from marketo_assets.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the operations on the weather of *sandbox*."""
    desk = WeatherDesk(sandbox)
    return [
        operation("/chaos", "GET", desk.told),
        operation("/chaos", "PUT", desk.begin),
        operation("/chaos", "DELETE", desk.end),
    ]


class WeatherDesk:
    """The desk's operations on the weather."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def told(self, _: Request) -> dict[str, Any]:
        """Tell the seed, null in fine weather, and every fault drawn since it began."""
        chaos = self._sandbox.chaos
        return {"seed": chaos.seed if chaos else None, "thrown": chaos.thrown if chaos else []}

    async def begin(self, request: Request) -> dict[str, Any]:
        """Let the weather of `seed` begin."""
        seed = (await read(request, "seed")).get("seed")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise DeskError("seed is a whole number")
        self._sandbox.begin_chaos(seed)
        return await self.told(request)

    async def end(self, request: Request) -> dict[str, Any]:
        """Let the weather be fine from here on, and tell what was thrown until now."""
        told = await self.told(request)
        self._sandbox.begin_chaos(None)
        return told
