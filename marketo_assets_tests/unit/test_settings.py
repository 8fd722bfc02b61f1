"""Settings: read when asked for, each checked, and what cannot be used is told with what to put there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.clock import ScaledClock, SystemClock
from marketo_assets.settings import (
    Secret,
    SettingsError,
    check_base_url,
    load_settings,
    read_data_dir,
    read_start_month,
    read_variables,
    split_names,
    store_start_month,
)

SECRET = "not-to-be-seen"
GIVEN = {
    "MARKETO_BASE_URL": "https://123-abc-456.mktorest.com",
    "MARKETO_CLIENT_ID": "an-id",
    "MARKETO_CLIENT_SECRET": SECRET,
}
NOW = datetime(2026, 8, 15, tzinfo=UTC)


def test_three_variables_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With address and credentials alone, everything else has the documented default."""
    monkeypatch.delenv("MARKETO_DATA_DIR", raising=False)
    settings = load_settings(GIVEN)

    assert (50_000, 500, 0.5, 60.0) == (
        settings.daily_calls,
        settings.daily_export_mb,
        settings.quota_share,
        settings.status_poll_seconds,
    )
    assert (100, 20.0, 10) == (settings.rate_calls, settings.rate_seconds, settings.concurrency)
    assert ((), (), SystemClock()) == (settings.lead_fields, settings.lead_fields_exclude, settings.clock)
    assert Path.cwd() / "data" == settings.data_dir
    assert ("ledger.sqlite", "landing") == (settings.ledger_path.name, settings.landing_dir.name)


def test_secrets_never_show() -> None:
    """Neither settings nor a secret show their value when printed, and a secret is still its text."""
    settings = load_settings(GIVEN)

    assert SECRET == settings.client_secret
    assert SECRET not in f"{settings!r} {settings} {settings.client_secret!r} {[settings.client_secret]}"


@pytest.mark.parametrize("name", ["BASE_URL", "CLIENT_ID", "CLIENT_SECRET"])
@pytest.mark.parametrize("text", [None, "", "  "], ids=["not set", "empty", "blank"])
def test_what_is_missing_is_named(name: str, text: str | None) -> None:
    """A missing address or credential is named, with where it stands in Marketo and how to do without an account."""
    environ = {**GIVEN, f"MARKETO_{name}": text or ""}
    with pytest.raises(SettingsError, match=rf"MARKETO_{name} is not set\..*marketo-assets sandbox") as caught:
        load_settings(environ)

    assert SECRET not in str(caught.value)


def test_local_work_needs_no_credentials(data_dir: Path) -> None:
    """What makes no call can be done without address and credentials."""
    settings = load_settings({"MARKETO_DATA_DIR": str(data_dir)}, is_local=True)

    assert ("", "", "") == (settings.base_url, settings.client_id, settings.client_secret)


ADDRESSES = {
    "https://123-ABC-456.mktorest.com": "https://123-ABC-456.mktorest.com",
    "https://123-ABC-456.mktorest.com/": "https://123-ABC-456.mktorest.com",
    "123-ABC-456": "https://123-ABC-456.mktorest.com",
    "http://localhost:8600": "http://localhost:8600",
    "http://127.0.0.1:8600": "http://127.0.0.1:8600",
    "http://[::1]:8600": "http://[::1]:8600",
}


@pytest.mark.parametrize(("text", "expected"), ADDRESSES.items())
def test_addresses_that_are_accepted(text: str, expected: str) -> None:
    """Scheme and host are taken, a munchkin id alone is completed, plain http is for this machine."""
    assert expected == check_base_url(text)


REFUSED = {
    "https://123-ABC-456.mktorest.com/rest": r"scheme and host only. Put https://123-ABC-456\.mktorest\.com there",
    "https://123-ABC-456.mktorest.com/identity": "without '/identity'",
    "https://123-ABC-456.mktorest.com?x=1": "takes scheme and host only",
    "http://123-ABC-456.mktorest.com": "plain http is accepted for this machine only.*Put https://123-ABC-456",
    "http://192.168.1.7:8600": "plain http is accepted for this machine only",
    "http://localhost.example.com": "plain http is accepted for this machine only",
    "123-ABC-456.mktorest.com": "not a web address.*Put https://<munchkin id>",
    "ftp://123-ABC-456.mktorest.com": "not a web address",
    "https://": "not a web address",
    "https://host:port": "not a web address",
    "https://[": "not a web address",
    "somewhere": "not a web address",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_addresses_that_are_refused(text: str, words: str) -> None:
    """An address with a path, without a host or not protected is refused, with the one to put there."""
    with pytest.raises(SettingsError, match=f"MARKETO_BASE_URL is .*{words}"):
        load_settings({**GIVEN, "MARKETO_BASE_URL": text})


def test_a_password_in_the_address_is_not_repeated() -> None:
    """An address that carries a password is refused without it."""
    with pytest.raises(SettingsError, match="not a web address") as caught:
        check_base_url(f"https://user:{SECRET}@123-ABC-456.mktorest.com")

    assert SECRET not in str(caught.value)


NUMBERS = [
    "DAILY_CALLS",
    "DAILY_EXPORT_MB",
    "QUOTA_SHARE",
    "STATUS_POLL_SECONDS",
    "RATE_CALLS",
    "RATE_SECONDS",
    "CONCURRENCY",
]


@pytest.mark.parametrize("name", [*NUMBERS, "EXPORT_DEADLINE_HOURS", "CAPTURE_EXPORT_MINUTES", "AUDIT_CALLS"])
@pytest.mark.parametrize("text", ["many", "-1", "0", "nan", "inf", "1e999", "10,000", "0x10", "½", "10000001"])
def test_numbers_that_are_none(name: str, text: str) -> None:
    """A number that is malformed, infinite or not above zero is refused by name, with its default."""
    with pytest.raises(
        SettingsError, match=rf"MARKETO_{name} is '{re.escape(text)}'; put a number above 0.*, or unset it for \d"
    ):
        load_settings({**GIVEN, f"MARKETO_{name}": text})


@pytest.mark.parametrize(
    ("name", "text"),
    [("QUOTA_SHARE", "1.01"), ("DAILY_CALLS", "1.5"), ("PUBLISH_MIN_SECONDS", "-1"), ("LOOKBACK_SECONDS", "1e12")],
)
def test_numbers_out_of_bounds(name: str, text: str) -> None:
    """A share above the whole, half a call, a pause below zero and a lookback of ages are refused."""
    with pytest.raises(SettingsError, match=f"MARKETO_{name} is '{text}'; put "):
        load_settings({**GIVEN, f"MARKETO_{name}": text})


def test_numbers_are_taken() -> None:
    """Numbers are taken as they are written."""
    told = {"DAILY_CALLS": "10000", "QUOTA_SHARE": "1", "STATUS_POLL_SECONDS": "0.5", "PUBLISH_MIN_SECONDS": "0"}
    settings = load_settings({**GIVEN, **{f"MARKETO_{name}": text for name, text in told.items()}})

    assert (10_000, 1.0, 0.5, 0.0) == (
        settings.daily_calls,
        settings.quota_share,
        settings.status_poll_seconds,
        settings.publish_min_seconds,
    )


def test_a_sandboxs_clock() -> None:
    """The clock that a sandbox printed is followed; any other text is refused."""
    settings = load_settings({**GIVEN, "MARKETO_CLOCK": "100.0/200.0/60.0"})
    assert ScaledClock(datetime.fromtimestamp(100, UTC), datetime.fromtimestamp(200, UTC), 60.0) == settings.clock
    for text in ("noon", "1/2", "1/2/0", "1/2/3/4"):
        with pytest.raises(SettingsError, match="MARKETO_CLOCK is for the sandbox: unset it"):
            load_settings({**GIVEN, "MARKETO_CLOCK": text})


def config(tmp_path: Path, content: str | bytes) -> dict[str, str]:
    path = tmp_path / "marketo.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {**GIVEN, "MARKETO_CONFIG": str(path)}


def test_a_file_may_carry_settings_and_the_environment_wins(tmp_path: Path) -> None:
    """Names in lower case without prefix, lists as lists; a variable that is set beats them."""
    environ = config(tmp_path, 'lead_fields = ["email", "firstName"]\ndaily_calls = 20000\nquota_share = 0.25\n')
    settings = load_settings({**environ, "MARKETO_QUOTA_SHARE": "0.75"})

    assert (("email", "firstName"), 20_000, 0.75) == (settings.lead_fields, settings.daily_calls, settings.quota_share)


@pytest.mark.parametrize("name", ["client_secret", "client_id", "CLIENT_SECRET", "marketo_client_secret"])
def test_a_file_with_a_secret(tmp_path: Path, name: str) -> None:
    """A secret in a file is refused, however it is written there, and not repeated."""
    with pytest.raises(
        SettingsError, match=rf"holds {name}\. Secrets come from the environment only: remove"
    ) as caught:
        load_settings(config(tmp_path, f'{name} = "{SECRET}"\n'))

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", ["daily_calls = ", b"\xff\xfe", "= 1"], ids=["half a line", "not UTF-8", "no name"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str | bytes) -> None:
    """A file that is no TOML is named, with what to do."""
    with pytest.raises(SettingsError, match=r"MARKETO_CONFIG names .*marketo\.toml.*Correct the path or the file"):
        load_settings(config(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that is missing is named, with what to do."""
    with pytest.raises(SettingsError, match=r"MARKETO_CONFIG names .*none\.toml.*Correct the path or the file"):
        load_settings({**GIVEN, "MARKETO_CONFIG": str(tmp_path / "none.toml")})


def test_other_variables_are_left_alone() -> None:
    """Only variables with the prefix are settings, and blank ones are none."""
    assert {"quota_share": "1"} == read_variables({"MARKETO_QUOTA_SHARE": " 1 ", "MARKETO_X": " ", "QUOTA_SHARE": "2"})


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The data folder is absolute: below the home folder, or where the process stands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "here" == read_data_dir({"data_dir": "~/here"})
    assert tmp_path / "there" == read_data_dir({"data_dir": "there"})
    assert not (tmp_path / "here").exists()


def test_the_start_month(data_dir: Path) -> None:
    """A month that was set wins over one that was stored, and that over January 2020, which is told apart."""
    values = {"data_dir": str(data_dir)}
    assert ("2020-01", True) == (read_start_month(values, now=NOW).month, read_start_month(values, now=NOW).is_default)
    store_start_month(data_dir, "2019-05")
    assert ("2019-05", False) == (read_start_month(values, now=NOW).month, read_start_month(values, now=NOW).is_default)
    assert "2026-08" == read_start_month({**values, "start_month": "2026-08"}, now=NOW).month
    assert {0o600} == {path.stat().st_mode & 0o777 for path in data_dir.iterdir()}


MONTHS = {
    "2026-09": r"has not begun \(it is 2026-08 in UTC\)",
    "2031-01": "has not begun",
    "2005-12": "before the first Marketo instance",
    "2024-13": "not a month like 2026-08",
    "2024-1": "not a month like",
    "March": "not a month like",
    "2024-01-01": "not a month like",
    "\u0662\u0660\u0662\u0664-01": "not a month like",
}


@pytest.mark.parametrize(("text", "words"), MONTHS.items())
def test_start_months_that_are_refused(data_dir: Path, text: str, words: str) -> None:
    """A start month in the future, before Marketo, or that is none, is refused with what to put there."""
    values = {"data_dir": str(data_dir), "start_month": text}
    with pytest.raises(
        SettingsError, match=f"MARKETO_START_MONTH is .*{words}.*put the month of your first lead there"
    ):
        read_start_month(values, now=NOW)


def test_a_stored_start_month_that_was_damaged(data_dir: Path) -> None:
    """A stored month that cannot be used is told by its file, with how to have it written again."""
    store_start_month(data_dir, "soon")
    with pytest.raises(SettingsError, match=r"start_month is 'soon'.*delete the file or run `marketo-assets doctor`"):
        read_start_month({"data_dir": str(data_dir)}, now=NOW)


def test_names_in_a_list() -> None:
    """Names are trimmed, in order, each once; what is empty is none."""
    assert ("b", "a", "A") == split_names(" b, a,,b , A,")
    assert () == split_names(" , ")


def test_a_secret_is_a_text() -> None:
    """A secret can be sent like any text."""
    assert "a-b" == "-".join([Secret("a"), Secret("b")])


@pytest.mark.parametrize(
    ("name", "todo"),
    [
        ("quota_shares", "Did you mean quota_share?"),
        ("MARKETO_DATA_DIR", "Did you mean data_dir?"),
        ("x", "Remove it."),
    ],
)
def test_a_name_in_the_file_that_is_no_setting(tmp_path: Path, name: str, todo: str) -> None:
    """A slip of the pen in the file is told with the nearest name, and not silently ignored."""
    config = tmp_path / "marketo.toml"
    config.write_text(f'{name} = "1"\n', "utf-8")

    with pytest.raises(SettingsError, match=f"names {name}, which is no setting. {re.escape(todo)}"):
        read_variables({"MARKETO_CONFIG": str(config)})
