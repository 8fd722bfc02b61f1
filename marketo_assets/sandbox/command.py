"""The command that serves a sandbox over HTTP and says what to export for a client to find it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import ipaddress
import json
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.clock import MIDNIGHTS, check_scale
from marketo_assets.sandbox.faults import Fault, parse_fault
from marketo_assets.sandbox.options import Limits, Options, Switches
from marketo_assets.sandbox.state import Sandbox

_ADOBE = Limits()
_GRACE_SECONDS = 2
_IDLE_SECONDS = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a sandbox until told to stop by SIGINT or SIGTERM; return the exit code."""
    parser = _parser()
    told = parser.parse_args(arguments)
    if not told.allow_remote and not _is_loopback(told.host):
        parser.error(
            f"--host {told.host} can be reached from other machines, and the control desk obeys everybody. "
            "Use 127.0.0.1, or add --allow-remote if that is what you want."
        )
    with _listen(parser, told) as listener:
        try:
            sandbox = Sandbox(options_of(told))
        except ValueError as error:
            parser.error(str(error))
        with contextlib.closing(sandbox):
            sandbox.faults.orders.extend(told.fault)
            _serve(sandbox, listener, told)
    return 0


def options_of(told: argparse.Namespace) -> Options:
    """Return the options that the command line *told*."""
    limits = Limits(
        rate_calls=told.rate_calls,
        rate_seconds=told.rate_seconds,
        concurrency=told.concurrency,
        daily_calls=told.daily_calls,
        daily_export_bytes=round(told.daily_export_mb * 1_000_000),
        status_refresh_seconds=told.status_refresh_seconds,
        token_seconds=told.token_seconds,
    )
    switches = Switches(
        updated_at_filter=not told.no_updated_at_filter,
        lenient=told.lenient,
        quote_null_text=not told.unquoted_null,
        midnight=told.midnight,
        queue_seconds=told.queue_seconds,
        export_seconds=told.export_seconds,
        export_seconds_per_mb=told.export_seconds_per_mb,
    )
    named = {item.name for item in dataclasses.fields(Options)} & set(vars(told))
    return Options(limits=limits, switches=switches, **{name: getattr(told, name) for name in named})


def variables_of(sandbox: Sandbox, base_url: str) -> dict[str, str]:
    """Return what a client of *sandbox* at *base_url* finds in its environment.

    Limits are named only where they are not Adobe's usual ones, the clock only where it is not the machine's.
    """
    options, limits = sandbox.options, sandbox.limits
    variables = {
        "MARKETO_BASE_URL": base_url,
        "MARKETO_CLIENT_ID": options.client_id,
        "MARKETO_CLIENT_SECRET": options.client_secret,
        "MARKETO_START_MONTH": sandbox.start_month,
    }
    unusual = {
        "MARKETO_DAILY_CALLS": (limits.daily_calls, _ADOBE.daily_calls),
        "MARKETO_DAILY_EXPORT_MB": (limits.daily_export_bytes // 1_000_000, _ADOBE.daily_export_bytes // 1_000_000),
        "MARKETO_RATE_CALLS": (limits.rate_calls, _ADOBE.rate_calls),
        "MARKETO_RATE_SECONDS": (limits.rate_seconds, _ADOBE.rate_seconds),
        "MARKETO_CONCURRENCY": (limits.concurrency, _ADOBE.concurrency),
    }
    # A client cannot be told of less than one megabyte a day.
    variables |= {name: f"{max(ours, 1):g}" for name, (ours, usual) in unusual.items() if ours != usual}
    clock = sandbox.clock.describe()
    return variables | ({"MARKETO_CLOCK": clock} if clock and sandbox.clock.scale > 0 else {})


class _Server(uvicorn.Server):
    """A server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def _listen(parser: argparse.ArgumentParser, told: argparse.Namespace) -> socket.socket:
    try:
        return socket.create_server((told.host, told.port), family=_family(told.host))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        parser.exit(1, f"Cannot listen on {told.host}:{told.port}: {reason}. Choose another --port, or 0.\n")


def _serve(sandbox: Sandbox, listener: socket.socket, told: argparse.Namespace) -> None:
    host, port = listener.getsockname()[:2]
    base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    config = uvicorn.Config(
        create_app(sandbox),
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        # The sandbox tells its own time; the machine's would mislead a client when time is scaled or moved.
        date_header=False,
        # The path is all that the router sees; a proxy's headers have no business here.
        proxy_headers=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config, lambda: _announce(variables_of(sandbox, base_url), told))
    # The server raises the signal that stopped it once more when it is done: here that is the end, not a kill.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    if told.stop_with_stdin:
        threading.Thread(target=_stop_at_end_of_input, args=[server], daemon=True).start()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(server.serve([listener]))


def _announce(variables: Mapping[str, str], told: argparse.Namespace) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    if told.variables_file:
        part = told.variables_file.with_name(f".{told.variables_file.name}.{os.getpid()}.part")
        part.write_text(lines, "utf-8")
        part.replace(told.variables_file)
    if not told.quiet:
        sys.stdout.write(f"{lines}# Ready. The control desk is at {variables['MARKETO_BASE_URL']}/sandbox/state\n")
        sys.stdout.flush()


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="marketo-assets sandbox",
        description="Serve a local Marketo and print the variables that lead a client to it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    usual, switches = Options(), Switches()
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=_port, default=8600, help="port to listen on; 0 takes any free one")
    add("--allow-remote", action="store_true", help="accept an address that other machines can reach")
    add("--leads", type=_count, default=usual.leads, help="leads at the start")
    add("--activities", type=_count, default=usual.activities, help="activities drawn for each lead at the start")
    add("--months", type=_positive, default=usual.months, help="months over which they were created")
    add("--seed", type=int, default=usual.seed, help="same seed and same --now, same instance")
    add("--fields", type=_positive, default=usual.fields, help="lead fields")
    add("--now", type=_moment, default=None, help="the sandbox's moment at the start, ISO-8601; else the machine's")
    add("--time-scale", type=_scale, default=1.0, help="how much faster than life time runs")
    add("--client-id", default=usual.client_id, help="client id of the custom service")
    add("--client-secret", default=usual.client_secret, help="its secret; no secret at all, since this is a sandbox")
    add("--daily-calls", type=_count, default=_ADOBE.daily_calls, help="calls a day")
    add("--daily-export-mb", type=float, default=_ADOBE.daily_export_bytes / 1e6, help="megabytes exported a day")
    add("--rate-calls", type=_count, default=_ADOBE.rate_calls, help="calls in any --rate-seconds")
    add("--rate-seconds", type=float, default=_ADOBE.rate_seconds, help="length of the rate window")
    add("--concurrency", type=_count, default=_ADOBE.concurrency, help="calls at once")
    add("--token-seconds", type=float, default=_ADOBE.token_seconds, help="lifetime of an access token")
    add("--status-refresh-seconds", type=float, default=_ADOBE.status_refresh_seconds, help="age of an export status")
    add("--queue-seconds", type=float, default=switches.queue_seconds, help="least time an export stays Queued")
    add("--export-seconds", type=float, default=switches.export_seconds, help="time an export is Processing")
    add("--export-seconds-per-mb", type=float, default=switches.export_seconds_per_mb, help="and for each megabyte")
    add("--midnight", choices=sorted(MIDNIGHTS), default=switches.midnight, help="whose midnight ends a quota day")
    add("--no-updated-at-filter", action="store_true", help="refuse the updatedAt export filter with 1035")
    add("--lenient", action="store_true", help="take what other clients send and no document knows, see options.py")
    add("--unquoted-null", action="store_true", help="write the word null as a real value without quotes")
    add("--chaos", type=int, default=None, metavar="SEED", help="let every fault strike, at moments of that seed")
    add("--fault", type=_fault, action="append", default=[], metavar="JSON", help="trouble on order, see faults.py")
    add("--variables-file", type=Path, default=None, help="write the variables there too, once ready")
    add("--stop-with-stdin", action="store_true", help="stop when standard input ends, so with whoever started it")
    add("--quiet", action="store_true", help="print nothing")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a whole number of at least 0")
    return number


def _positive(text: str) -> int:
    number = _count(text)
    if number == 0:
        raise argparse.ArgumentTypeError("a whole number above 0")
    return number


def _port(text: str) -> int:
    number = _count(text)
    if number > 65_535:
        raise argparse.ArgumentTypeError("a port from 1 to 65535, or 0 for any free one")
    return number


def _scale(text: str) -> float:
    return check_scale(float(text))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _fault(text: str) -> Fault:
    try:
        order: Any = json.loads(text)
        return parse_fault(order)
    except (ValueError, AttributeError) as error:
        raise argparse.ArgumentTypeError(f"{error}; write JSON with route, kind, count, skip") from None
