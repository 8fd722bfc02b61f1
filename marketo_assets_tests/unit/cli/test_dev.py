"""What `dev` refuses before it starts anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.cli.dev import choose_port
from marketo_assets.cli.endings import WrongUse
from marketo_assets.cli.sandbox_record import World, claim, held
from marketo_assets_tests.unit.cli.checkout import call, make_checkout

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_a_port_in_use_is_refused(taken: int) -> None:
    """A port that was asked for and is taken is not silently replaced."""
    with pytest.raises(WrongUse, match="in use"):
        choose_port(taken)


def test_without_a_wish_a_free_port_is_found() -> None:
    """The port that is found can be listened on."""
    with socket.create_server(("127.0.0.1", choose_port(None))):
        pass


def test_a_real_instance_does_not_meet_a_sandboxs_leads(tmp_path: Path) -> None:
    """With an instance's address and a sandbox's data folder, nothing is started, and the message says the ways out."""
    clone = make_checkout(tmp_path / "clone")
    claim(clone / "data", World(), begin=NOW)
    answer = call(clone, "dev", MARKETO_BASE_URL="https://123-abc-456.mktorest.com")
    assert 2 == answer.returncode
    assert "holds a sandbox's leads" in answer.stderr
    assert "unset MARKETO_BASE_URL" in answer.stderr


@pytest.mark.parametrize("command", ["dev", "demo"])
def test_a_sandbox_does_not_meet_a_real_instances_leads(tmp_path: Path, command: str) -> None:
    """Without an address and with leads of unknown origin, no sandbox is started and nothing is touched."""
    clone = make_checkout(tmp_path / "clone")
    (clone / "data").mkdir()
    (clone / "data" / "work.duckdb").write_bytes(b"a person's data")
    answer = call(clone, command)
    assert 2 == answer.returncode
    assert "another Marketo instance" in answer.stderr
    assert b"a person's data" == (clone / "data" / "work.duckdb").read_bytes()


def test_a_wrong_address_is_wrong_use(tmp_path: Path) -> None:
    """An address with a path is refused before Dagster starts, with the address to put there."""
    answer = call(make_checkout(tmp_path / "clone"), "dev", MARKETO_BASE_URL="https://123-abc-456.mktorest.com/rest")
    assert 2 == answer.returncode
    assert "Put https://123-abc-456.mktorest.com there" in answer.stderr


def test_a_start_month_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    """Definitions would not load, and a daemon without them fails the backfills that it finds: nothing is started."""
    answer = call(
        make_checkout(tmp_path / "clone"),
        "dev",
        MARKETO_BASE_URL="https://123-abc-456.mktorest.com",
        MARKETO_START_MONTH="2024-13",
    )
    assert 2 == answer.returncode
    assert "MARKETO_START_MONTH is '2024-13'" in answer.stderr


@pytest.mark.parametrize(
    "environment", [{}, {"MARKETO_BASE_URL": "https://123-abc-456.mktorest.com"}], ids=["a sandbox", "a real instance"]
)
def test_a_second_dev_on_the_same_folder_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    """Two daemons on one folder would start runs twice: the second one says so and starts nothing."""
    clone = make_checkout(tmp_path / "clone")
    with held(clone / "data"):
        answer = call(clone, "dev", **environment)

    assert 2 == answer.returncode
    assert "is at work on" in answer.stderr
    assert "set MARKETO_DATA_DIR to another folder" in answer.stderr
