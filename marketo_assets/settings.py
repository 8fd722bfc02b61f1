"""Every setting, read from the environment (or a TOML file) at the moment something runs."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from marketo_assets.clock import Clock, parse_clock

T = TypeVar("T", int, float)

SANDBOX_HINT = "To try this without an account, run `marketo-assets sandbox` and export the variables it prints."
MOST = 10_000_000
"""More of anything, seconds and hours above all, is a slip, and leads beyond the years that there are."""
_SECRETS = frozenset({"client_id", "client_secret", "alert_webhook"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsError(ValueError):
    """A setting is missing or cannot be used; the message says which, and what to put there."""


class Secret(str):
    """A text whose representation never shows it, so that logs and tracebacks cannot."""

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True)
class Settings:
    """What this project may do, where, and with whose quotas."""

    base_url: str
    """Scheme and host of the instance, no path."""
    client_id: Secret = field(repr=False)
    """Client id of the custom service."""
    client_secret: Secret = field(repr=False)
    """Client secret of the custom service."""
    data_dir: Path = Path("data")
    """Everything kept on disk lies below this folder."""
    lead_fields: tuple[str, ...] = ()
    """REST names to copy; empty means every readable field."""
    lead_fields_exclude: tuple[str, ...] = ()
    """REST names never to copy."""
    daily_calls: int = 50_000
    """The instance's calls a day."""
    daily_export_mb: int = 500
    """The instance's export megabytes a day, counted as 1,000,000 bytes."""
    quota_share: float = 0.5
    """Part of rate, concurrency and daily quotas that this project may use."""
    urgent_reserve: float = 0.1
    """Part of the share of rate, concurrency and calls that backfills leave to captures of changes."""
    alert_webhook: Secret = field(default=Secret(""), repr=False)
    """Where to tell of runs that failed; empty tells nobody."""
    status_poll_seconds: float = 60.0
    """Shortest pause between two export status calls; Marketo refreshes a status once in 60 seconds."""
    rate_calls: int = 100
    """Calls the instance accepts in any `rate_seconds`."""
    rate_seconds: float = 20.0
    """Length of the rate window in seconds."""
    concurrency: int = 10
    """Calls the instance accepts at once."""
    export_deadline_hours: float = 24.0
    """How long a run waits for one export job before it stops with a message; a later run takes the job up."""
    publish_min_seconds: float = 0.0
    """Shortest pause between two releases during a backfill; the last state is always published."""
    poll_seconds: float = 300.0
    """How often the sensor looks for changes of leads."""
    lookback_seconds: float = 900.0
    """How far before the watermark each poll for changes begins.

    Activities resolve to one second, and nothing promises that one shows as soon as it happened. A quarter of an hour
    is minutes where seconds are usual, and costs no more than that quarter's activities come again, which are known by
    their GUID. What shows later still is found when its month is exported again.
    """
    change_activity_types: tuple[str, ...] = ()
    """Names of more activity types whose leads are read again, beside those that are known to change a lead."""
    capture_export_minutes: float = 30.0
    """How long a capture waits for an updatedAt export before it reads the leads by id, or leaves them to the next."""
    audit_calls: int = 100
    """Calls that one audit may make, those of its exports included."""
    audit_export_mb: float = 10.0
    """Megabytes that one audit may export."""
    activity_types: tuple[str, ...] = ()
    """Ids or names of the activity types to copy; empty means all."""
    objects: tuple[str, ...] = ()
    """Names of the objects to copy beside leads and activities; empty means all that the credentials may read."""
    activity_keep_months: int = 0
    """How many months activities are kept here; 0 means for ever, however soon Marketo forgets them."""
    clock: Clock = field(default_factory=lambda: parse_clock(None))
    """The machine's clock, or the sandbox's (`MARKETO_CLOCK`)."""

    @property
    def ledger_path(self) -> Path:
        """Limits, quotas and export jobs, shared by all processes."""
        return self.data_dir / "ledger.sqlite"

    @property
    def landing_dir(self) -> Path:
        """What came from Marketo, as it came."""
        return self.data_dir / "landing"


def read_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return every setting that was given, lower case and without prefix; the environment wins over the file.

    Raises: SettingsError when `MARKETO_CONFIG` names a file that cannot be read, or that holds a secret.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    config = environ.get("MARKETO_CONFIG", "")
    if config:
        try:
            table = tomllib.loads(Path(config).read_text("utf-8"))
        except (OSError, ValueError) as error:  # no TOML, or not even UTF-8
            raise SettingsError(
                f"MARKETO_CONFIG names {config!r}, which cannot be read as TOML: {error}. Correct the path or the file."
            ) from error
        secrets = sorted(name for name in table if name.lower().removeprefix("marketo_") in _SECRETS)
        if secrets:
            raise SettingsError(
                f"{config} holds {', '.join(secrets)}. Secrets come from the environment only: "
                "remove them from the file and export MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET."
            )
        _check_names(table, config)
        values = {
            name: ",".join(str(item) for item in value) if isinstance(value, list) else str(value)
            for name, value in table.items()
        }
    for name, text in environ.items():
        if name.startswith("MARKETO_") and name != "MARKETO_CONFIG" and text.strip():
            values[name.removeprefix("MARKETO_").lower()] = text.strip()
    return values


def _check_names(table: Mapping[str, object], config: str) -> None:
    known = {item.name for item in fields(Settings)} | {"start_month"}
    for name in sorted(set(table) - known):
        near = get_close_matches(name.lower().removeprefix("marketo_"), known, n=1)
        todo = f"Did you mean {near[0]}?" if near else "Remove it."
        raise SettingsError(f"{config} names {name}, which is no setting. {todo} The README lists them all.")


def read_data_dir(values: Mapping[str, str] | None = None) -> Path:
    """Return the folder for everything kept on disk, absolute; it need not exist yet."""
    values = read_variables() if values is None else values
    return Path(values.get("data_dir", "data")).expanduser().absolute()


@dataclass(frozen=True)
class StartMonth:
    """The first partition, and whether somebody chose it."""

    month: str
    is_default: bool = False


def read_start_month(values: Mapping[str, str] | None = None, *, now: datetime | None = None) -> StartMonth:
    """Return the first month to copy: `MARKETO_START_MONTH`, else what `doctor` stored, else January 2020.

    Raises: SettingsError when it is not a month, lies in the future, or before Marketo existed.
    """
    values = read_variables() if values is None else values
    stored = read_data_dir(values) / "start_month"
    if text := values.get("start_month"):
        where, remedy = "MARKETO_START_MONTH", "put the month of your first lead there as YYYY-MM, or unset it"
    elif stored.exists():
        text, where = stored.read_text("utf-8").strip(), str(stored)
        remedy = "delete the file or run `marketo-assets doctor`, which writes it"
    else:
        return StartMonth("2020-01", is_default=True)
    newest = f"{now or parse_clock(None).now():%Y-%m}"
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise SettingsError(f"{where} is {text!r}, which is not a month like {newest}; {remedy}.")
    if text > newest:
        raise SettingsError(f"{where} is {text}, which has not begun (it is {newest} in UTC); {remedy}.")
    if text < "2006-01":
        raise SettingsError(f"{where} is {text}, before the first Marketo instance (2006); {remedy}.")
    return StartMonth(text)


def store_start_month(data_dir: Path, month: str) -> None:
    """Leave *month* (`YYYY-MM`) where `read_start_month` finds it as long as `MARKETO_START_MONTH` is not set."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = data_dir / "start_month.new"
    fresh.write_text(f"{month}\n", "utf-8")
    fresh.chmod(0o600)
    fresh.replace(data_dir / "start_month")


def load_settings(environ: Mapping[str, str] | None = None, *, is_local: bool = False) -> Settings:
    """Return the settings in force, each checked. Costs no call.

    With *is_local*, for work that makes no call, address and credentials are left empty and may be missing.

    Raises: SettingsError naming the variable and what to put there.
    """
    values = read_variables(environ)
    try:
        clock = parse_clock(values.get("clock"))
    except ValueError as error:
        raise SettingsError(
            "MARKETO_CLOCK is for the sandbox: unset it, or export the value that `marketo-assets sandbox` printed."
        ) from error
    share = _number(values, "quota_share", 0.5, float, lambda n: 0 < n <= 1, "a number above 0, at most 1")
    return Settings(
        base_url="" if is_local else check_base_url(_required(values, "base_url")),
        client_id=Secret("" if is_local else _required(values, "client_id")),
        client_secret=Secret("" if is_local else _required(values, "client_secret")),
        data_dir=read_data_dir(values),
        lead_fields=split_names(values.get("lead_fields", "")),
        lead_fields_exclude=split_names(values.get("lead_fields_exclude", "")),
        daily_calls=_positive(values, "daily_calls", 50_000, int),
        daily_export_mb=_positive(values, "daily_export_mb", 500, int),
        quota_share=share,
        urgent_reserve=_number(
            values, "urgent_reserve", 0.1, float, lambda n: 0 <= n < 1, "a number from 0 to below 1"
        ),
        alert_webhook=Secret(values.get("alert_webhook", "")),
        status_poll_seconds=_positive(values, "status_poll_seconds", 60.0, float),
        rate_calls=_positive(values, "rate_calls", 100, int),
        rate_seconds=_positive(values, "rate_seconds", 20.0, float),
        concurrency=_positive(values, "concurrency", 10, int),
        export_deadline_hours=_positive(values, "export_deadline_hours", 24.0, float),
        publish_min_seconds=_number(
            values, "publish_min_seconds", 0.0, float, lambda n: 0 <= n < float("inf"), "0 or more seconds"
        ),
        poll_seconds=_positive(values, "poll_seconds", 300.0, float),
        lookback_seconds=_number(
            values, "lookback_seconds", 900.0, float, lambda n: 0 <= n <= MOST, f"0 to {MOST:,} seconds"
        ),
        change_activity_types=split_names(values.get("change_activity_types", "")),
        activity_types=split_names(values.get("activity_types", "")),
        objects=split_names(values.get("objects", "")),
        activity_keep_months=_number(
            values, "activity_keep_months", 0, int, lambda n: n >= 0, "a whole number of months, 0 to keep all"
        ),
        capture_export_minutes=_positive(values, "capture_export_minutes", 30.0, float),
        audit_calls=_positive(values, "audit_calls", 100, int),
        audit_export_mb=_number(
            values, "audit_export_mb", 10.0, float, lambda n: 0 <= n < float("inf"), "0 or more megabytes"
        ),
        clock=clock,
    )


def check_base_url(text: str) -> str:
    """Return scheme and host of the instance.

    Raises: SettingsError for a path, for a URL without a host, and for plain http to a host that is not this machine.
    """
    if re.fullmatch(r"\d{3}-[A-Za-z]{3}-\d{3}", text):
        text = f"https://{text}.mktorest.com"
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise SettingsError(
            f"MARKETO_BASE_URL is {_shown(text)!r}, which is not a web address. "
            "Put https://<munchkin id>.mktorest.com there (Marketo: Admin, Integration, Web Services)."
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(
            f"MARKETO_BASE_URL is {_shown(text)!r}, but it takes scheme and host only. "
            f"Put {parts.scheme}://{_host(text)} there, without {parts.path or 'the rest'!r}."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise SettingsError(
            f"MARKETO_BASE_URL is {_shown(text)!r}: plain http is accepted for this machine only, "
            f"because credentials would travel unprotected. Put https://{_host(text)} there."
        )
    return f"{parts.scheme}://{_host(text)}"


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated *text*, trimmed, in order, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _host(text: str) -> str:
    return urlsplit(text).netloc.rpartition("@")[2]


def _shown(text: str) -> str:
    # A URL may carry a password; an error message may not.
    return re.sub(r"//[^/@]*@", "//***@", text)


def _required(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    if not text:
        where = (
            "Put https://<munchkin id>.mktorest.com there (Marketo: Admin, Integration, Web Services)."
            if name == "base_url"
            else "It stands in Marketo under Admin, Integration, LaunchPoint, your custom service, View Details."
        )
        raise SettingsError(f"MARKETO_{name.upper()} is not set. {where} {SANDBOX_HINT}")
    return text


def _positive(values: Mapping[str, str], name: str, default: T, kind: Callable[[str], T]) -> T:
    return _number(
        values, name, default, kind, lambda number: 0 < number <= MOST, f"a number above 0, at most {MOST:,}"
    )


def _number(
    values: Mapping[str, str],
    name: str,
    default: T,
    kind: Callable[[str], T],
    is_valid: Callable[[T], bool],
    wanted: str,
) -> T:
    text = values.get(name)
    if text is None:
        return default
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not is_valid(number):
        raise SettingsError(f"MARKETO_{name.upper()} is {text!r}; put {wanted} there, or unset it for {default}.")
    return number
