"""The sandbox as a command: what it prints, where it listens, how it ends."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from marketo_assets.sandbox.command import main
from marketo_assets_tests.doors import running_sandbox

SMALL = ("--leads", "20", "--months", "2")
REQUIRED = ["MARKETO_BASE_URL", "MARKETO_CLIENT_ID", "MARKETO_CLIENT_SECRET", "MARKETO_START_MONTH"]


def test_it_prints_what_a_client_needs(tmp_path: Path) -> None:
    """Four variables to export, on standard output and in the file, written before anybody can read half of it."""
    path = tmp_path / "variables"
    with running_sandbox(*SMALL, "--variables-file", str(path), "--now", "2026-08-15T12:00:00Z") as running:
        lines = [shlex.split(line) for line in path.read_text("utf-8").splitlines()]

        assert [*REQUIRED, "MARKETO_CLOCK"] == list(running.variables)
        assert running.variables == dict(word.split("=", 1) for _, word in lines)
        assert {"export"} == {first for first, _ in lines}
        assert "2026-07" == running.variables["MARKETO_START_MONTH"]
        assert [path] == list(tmp_path.iterdir())


def test_in_its_own_time_it_names_no_clock() -> None:
    """Neither moved nor scaled, it needs no MARKETO_CLOCK; unusual limits are named for the client."""
    told = ("--daily-calls", "500", "--daily-export-mb", "20", "--rate-calls", "10", "--concurrency", "2")
    with running_sandbox(*SMALL, *told) as running:
        limits = running.control.get("/limits").json()

        assert REQUIRED == list(running.variables)[:4]
        assert {
            "MARKETO_DAILY_CALLS": "500",
            "MARKETO_DAILY_EXPORT_MB": "20",
            "MARKETO_RATE_CALLS": "10",
            "MARKETO_CONCURRENCY": "2",
        } == {name: value for name, value in running.variables.items() if name not in REQUIRED}
        assert (500, 20_000_000, 10, 2) == tuple(
            limits[name] for name in ("daily_calls", "daily_export_bytes", "rate_calls", "concurrency")
        )


@pytest.mark.parametrize("count", [0, 50])
def test_activities_are_as_many_as_told(count: int) -> None:
    """So many are drawn for each lead; those of its creation, lists and programs are there in any case."""
    with running_sandbox(*SMALL, "--activities", str(count)) as running:
        by_type = running.control.get("/activities/count").json()["by_type"]

        assert 20 == by_type["12"]
        drawn = sum(number for kind, number in by_type.items() if kind not in ("12", "24", "25", "104"))
        assert 0.9 * 20 * count <= drawn <= 20 * count


def test_its_switches_come_from_the_command_line() -> None:
    """Filters, quoting, times and faults are set before the first call."""
    order = {"kind": "http", "route": "GET /rest/*", "status": 503}
    told = ("--no-updated-at-filter", "--unquoted-null", "--export-seconds", "5", "--midnight", "CST")
    with running_sandbox(*SMALL, *told, "--fault", json.dumps(order), "--time-scale", "50") as running:
        switches = running.control.get("/switches").json()
        (fault,) = running.control.get("/faults").json()

        assert (False, False, 5.0, "CST") == tuple(
            switches[name] for name in ("updated_at_filter", "quote_null_text", "export_seconds", "midnight")
        )
        assert ("http", 503) == (fault["kind"], fault["parameters"]["status"])
        assert running.variables["MARKETO_CLOCK"].endswith("/50.0")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_ends_cleanly_when_told(number: signal.Signals) -> None:
    """Exit code 0, and none of its files is left."""
    with running_sandbox(*SMALL) as running:
        folder = Path(running.control.get("/state").json()["folder"])
        assert folder.is_dir()

        running.process.send_signal(number)

        assert 0 == running.process.wait(10)
        assert not folder.exists()


def test_it_ends_with_a_call_held_back() -> None:
    """A call under way does not keep it alive for ever."""
    with running_sandbox(*SMALL) as running:
        running.control.post("/faults", json={"kind": "hold", "seconds": 600})
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{running.base_url}/identity/oauth/token", timeout=0.2)
        running.process.terminate()

        assert 0 == running.process.wait(10)


def test_it_ends_with_whoever_started_it() -> None:
    """With --stop-with-stdin it is gone when its standard input ends."""
    with running_sandbox(*SMALL) as running:
        assert running.process.stdin
        running.process.stdin.close()

        assert 0 == running.process.wait(10)


def test_other_machines_are_kept_out(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that others can reach is refused unless it is asked for by name."""
    with pytest.raises(SystemExit) as stopped:
        main(["--host", "0.0.0.0"])  # noqa: S104 - this is the refusal

    assert 2 == stopped.value.code
    assert "--allow-remote" in capsys.readouterr().err


def test_a_taken_port_is_an_error_with_a_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what to choose instead, and the exit code is 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as stopped:
        main(["--port", str(taken.getsockname()[1])])

    assert 1 == stopped.value.code
    assert "Choose another --port, or 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fault", "{"],
        ["--fault", '{"kind": "x"}'],
        ["--time-scale", "-1"],
        ["--now", "noon"],
        ["--months", "0"],
        ["--port", "0", "--fields", "1"],
        ["--port", "65536"],
    ],
    ids=str,
)
def test_wrong_use_is_exit_code_2(wrong: list[str]) -> None:
    """A command line that makes no sense is refused before anything starts."""
    with pytest.raises(SystemExit) as stopped:
        main(wrong)

    assert 2 == stopped.value.code


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    """With --quiet the variables go to the file alone."""
    path = tmp_path / "variables"
    command = [sys.executable, "-m", "marketo_assets.sandbox", "--port", "0", *SMALL, "--quiet", "--stop-with-stdin"]
    told = subprocess.run(
        [*command, "--variables-file", str(path)], input=b"", capture_output=True, timeout=60, check=True
    )

    assert (b"", b"") == (told.stdout, told.stderr)
    assert path.exists()
