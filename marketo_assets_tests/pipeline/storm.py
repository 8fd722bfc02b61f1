"""A storm: things happen to leads in random order while months are exported and loaded and changes are polled."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import Clock, ManualClock
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.columns import quoted
from marketo_assets.load.lead_changes import capture_lead_changes
from marketo_assets.publish import publish
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.past_truth import as_of_differences, history_differences, read_past, second
from marketo_assets_tests.pipeline.road import NOW, Road, months_until
from marketo_assets_tests.truth import differences

MONTHS = 2
MOST_SECONDS_LATE = 300
TEXTS = ["plain", "null", "", " ", '"', "a,b\r\n", "\u2028", "漢字", "000123", None]
VALUES: dict[str, list[Any]] = {
    "firstName": TEXTS,
    "company": TEXTS,
    "annualRevenue": [None, 0, 1.5, 12345678901234.5678, -0.01],
    "leadScore": [None, 0, 5, -7, 2**40],
    "notes": TEXTS,
    "order": [None, 2**63 - 1, -(2**63), 0, 12],
    "isPartner": [None, True, False],
}
"""Standard fields, custom ones and a score, with the values they take."""
# One row an activity and field, one a deletion, one a loser.
REPEATED = (
    "SELECT count(*) - count(DISTINCT (activity_guid, coalesce(field, ''))) FROM raw.lead_changes",
    "SELECT count(*) - count(DISTINCT activity_guid) FROM raw.lead_deletions",
    "SELECT count(*) - count(DISTINCT loser_id) FROM raw.lead_merges",
)
SWITCHES: dict[str, list[Any]] = {
    "activity_page": [300, 300, 300, 300, 300, 7, 7, 2],
    "activity_scan": [0, 0, 5],
    "empty_pages": [0, 0, 1, 2],
    "page_overlap": [0, 0, 2],
    "unordered_pages": [True, False],
    "activities_late_seconds": [0.0, 0.0, float(MOST_SECONDS_LATE)],
    "activity_id": ["unique", "repeated", "missing"],
    "activity_date": ["Z", "+0000", "mixed"],
    "empty_value": ["null", "absent", "empty"],
    "score_as_13": [True, False],
    "others_as_13": [True, False],
    "merge_losers_deleted": [True, False],
    "merged_activities_follow": [True, False],
    "readable_after_seconds": [0.0, 0.0, 200.0],
}


class Killed(BaseException):
    """A process that ends at once."""


class Cut(httpx.BaseTransport):
    """Passes so many requests on, and kills with the next."""

    def __init__(self, inner: httpx.BaseTransport, left: int) -> None:
        self._inner, self._left = inner, left

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left < 0:
            raise Killed
        return self._inner.handle_request(request)


@dataclass
class Dying(Warehouse):
    """A warehouse whose process is killed inside a transaction, when all but the commit is done."""

    left: float = inf

    @contextmanager
    def transaction(self) -> Iterator[DuckDBConnection]:
        with super().transaction() as con:
            yield con
            self.left -= 1
            if self.left < 0:
                raise Killed


@dataclass(frozen=True)
class WrongClock:
    """The clock of a machine that is *off* the true time, which the instance keeps."""

    true: Clock
    off: timedelta

    def now(self) -> datetime:
        return self.true.now() + self.off

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)


@functools.cache
def _begun() -> bytes:
    """Return a database with all tables and nothing in them: making them anew is a tenth of what a storm costs."""
    with tempfile.TemporaryDirectory() as folder:
        files, ledger = Warehouse(Path(folder)), Ledger(Path(folder) / "ledger.sqlite", Limits(), ManualClock(NOW))
        publish(files, ledger, now=NOW)
        ledger.shut()
        return files.work_path.read_bytes()


@dataclass
class Storm:
    """One storm over one road, the same for the same *seed*."""

    road: Road
    seed: int
    count: int = MONTHS
    """Months that there are."""
    landed: list[LandedFile] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What happened, for whoever has to find out why."""

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.true_clock = self.road.settings.clock
        self.months = months_until(NOW, self.count)
        self.ids = [lead["id"] for lead in self.road.desk("GET", "/leads")["leads"]]

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the database open meanwhile, which is half of what a storm costs; whoever dies leaves it to the next.

        It begins as a release leaves it that was made before anything was read.
        """
        self.road.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun = self.road.settings.data_dir / "work.duckdb"
        begun.write_bytes(_begun())
        begun.chmod(0o600)
        self.road.kept = Dying(self.road.settings.data_dir)
        with self.road.kept.held():
            yield
        self.road.kept = None

    def rage(self, steps: int) -> None:
        """Let *steps* things happen, none of them before changes are read or a month is."""
        switches = {name: self.rng.choice(choices) for name, choices in SWITCHES.items()}
        self.road.desk("PATCH", "/switches", **switches)
        self.told.append(f"{switches}")
        self.rng.choice([self.capture, self.export_and_load])()
        actions = [self.happen] * 5 + [self.capture] * 3 + [self.wait] * 2
        actions += [self.export, self.load, self.export_and_load]
        actions += [self.die_of_call, self.die_of_commit, self.void_tokens, self.publish, self.step_clock]
        for _ in range(steps):
            self.rng.choice(actions)()

    def calm_down(self) -> None:
        """Set the clock right, load the months that never were, let all that is late show, and poll a last time."""
        self.set_clock(timedelta())
        for month in {*self.months} - {landed.partition for landed in self.landed if landed.export_id in self.loaded}:
            self.load_file(self.land(month))
        for _ in range(2):
            self.road.settings.clock.sleep(MOST_SECONDS_LATE + 1)
            self.capture()
        self.road.publish()

    @property
    def loaded(self) -> set[str]:
        return {line.removeprefix("loaded ") for line in self.told}

    def happen(self) -> None:
        for _ in range(self.rng.randint(1, 6)):
            self.road.desk("POST", "/changes", changes=[self.change()])
            self.road.settings.clock.sleep(self.rng.choice([0, 0, 0.4, 3]))
        self.ids = [lead["id"] for lead in self.road.desk("GET", "/leads")["leads"]]

    def change(self) -> dict[str, Any]:
        kind = self.rng.choice(["add", "edit", "edit", "edit", "owner", "delete", "merge", "merge"])
        self.rng.shuffle(self.ids)
        if kind == "add" or len(self.ids) < 6:
            change: dict[str, Any] = {"add": {"lastName": "Storm", **self.values()}}
        elif kind == "edit":
            change = {"edit": self.ids[0], "values": self.values()}
        elif kind == "owner":
            change = {"edit": self.ids[0], "values": self.values(), "as": "Change Owner"}
        elif kind == "delete":
            change = {"delete": self.ids.pop()}
        else:
            losers = [self.ids.pop() for _ in range(self.rng.randint(1, 2))]
            change = {"merge": self.ids[0], "losers": losers}
        self.told.append(f"{self.now} {change}")
        return change

    @property
    def now(self) -> str:
        return f"{self.road.settings.clock.now():%d %H:%M:%S.%f}"

    def values(self) -> dict[str, Any]:
        names = self.rng.sample(list(VALUES), self.rng.randint(1, 3))
        return {name: self.rng.choice(VALUES[name]) for name in names}

    def publish(self) -> None:
        """Make a release, which compacts what was captured and loaded so far."""
        self.road.publish()
        self.told.append(f"{self.now} published")

    def wait(self) -> None:
        self.road.settings.clock.sleep(self.rng.choice([1, 30, 200, 1200, 20_000]))

    def land(self, month: str) -> LandedFile:
        self.landed.append(self.road.land(month, is_refresh=self.rng.random() < 0.7))
        self.told.append(f"{self.now} landed {self.landed[-1].export_id} of {month} as of {self.landed[-1].as_of}")
        return self.landed[-1]

    def export(self) -> None:
        self.land(self.rng.choice(self.months))

    def load(self) -> None:
        if self.landed:
            self.load_file(self.rng.choice(self.landed))

    def load_file(self, landed: LandedFile) -> None:
        self.road.load_file(landed)
        self.told.append(f"loaded {landed.export_id}")

    def export_and_load(self) -> None:
        self.load_file(self.land(self.rng.choice(self.months)))

    def capture(self) -> None:
        began = self.now
        found = self.road.capture()
        self.told.append(f"{began} {found}")

    def die_of_call(self) -> None:
        assert self.road.transport
        with contextlib.suppress(Killed):
            self.road.capture(transport=Cut(self.road.transport, self.rng.randint(0, 8)))

    def die_of_commit(self) -> None:
        road, dying = self.road, self.road.kept or Dying(self.road.settings.data_dir)
        assert isinstance(dying, Dying)
        dying.left = self.rng.randint(0, 2)
        with MarketoClient.open(road.settings, transport=road.transport) as client, contextlib.suppress(Killed):
            capture_lead_changes(client, dying, road.settings, run_id="a-killed-poll", log=road.log.append)
        dying.left = inf

    def step_clock(self) -> None:
        self.set_clock(timedelta(seconds=self.rng.choice([-200_000, -4000, -90, 0, 90, 4000])))

    def set_clock(self, off: timedelta) -> None:
        self.road.settings = replace(self.road.settings, clock=WrongClock(self.true_clock, off))
        self.told.append(f"{self.now} the machine's clock is {off} off")

    def void_tokens(self) -> None:
        self.road.desk("POST", "/paging_tokens/void")

    def assert_truth(self) -> None:
        """Check that what is published is what there is, and that no row is there twice."""
        with self.road.reading() as con:  # opening it for each question is half of what this costs
            self._assert_truth(con)

    def _assert_truth(self, con: DuckDBConnection) -> None:
        def asked(sql: str) -> list[tuple[Any, ...]]:
            return con.execute(sql).fetchall()

        copied = [name for (name,) in asked("SELECT name FROM main.lead_fields WHERE is_copied")]
        assert [] == differences(con, self.road.control, fields=copied)
        expected = {
            lead_id: (end, datetime.fromisoformat(at).replace(microsecond=0))
            for lead_id, (end, at) in self.gone().items()
        }
        # What was gone before anything was read of Marketo need not be known.
        ((since,),) = asked("SELECT min(covered_from) FROM meta.watermarks")
        rows = asked("SELECT id, merged_into_id, deleted_at FROM main.deleted_leads")
        found = {lead_id: (end, at) for lead_id, end, at in rows}
        assert {lead_id: told for lead_id, told in expected.items() if lead_id in found or told[1] >= since} == found
        assert len(found) == len(rows)
        assert [(0,)] * 3 == [asked(query)[0] for query in REPEATED]
        assert [] == asked("SELECT * FROM meta.missing_leads")
        self._assert_past(con, copied)

    def _assert_past(self, con: DuckDBConnection, copied: Sequence[str]) -> None:
        past, now = read_past(self.road.control), self.road.settings.clock.now()
        found = history_differences(con, past, copied)
        # One moment is looked at: the last second before something happened, the one in which it did, any other since,
        # or now, when everything is as it is shown.
        if past.steps and self.rng.random() < 0.6:
            at = second(self.rng.choice(past.steps)["at"])
            moment = self.rng.choice([at - timedelta(seconds=1), at, at + self.rng.random() * (now - at)])
            found += as_of_differences(con, self.road.control, past, moment.replace(microsecond=0), copied)
        else:
            listed = ", ".join(map(quoted, copied))
            shown = con.execute(f"SELECT {listed} FROM main.leads").fetchall()
            as_of_now = con.execute(f"SELECT {listed} FROM main.leads_as_of(?)", [now]).fetchall()
            found += [f"not there as of now: {lead}" for lead in {*shown} - {*as_of_now}]
        assert [] == found, found[:5]

    def gone(self) -> dict[int, tuple[int | None, Any]]:
        """Return the leads that are no more: into whom each was merged in the end, and when it went."""
        told = self.road.desk("GET", "/gone")
        into, found = {int(loser): winner for loser, winner in told["merged"].items()}, {}
        whens = {**{str(change["lead_id"]): change["at"] for change in self.ends()}, **told["deleted"]}
        for lead_id in {*map(int, told["deleted"]), *into}:
            end = into.get(lead_id)
            while end in into:
                end = into[end]
            found[lead_id] = (end, whens[str(lead_id)])
        return found

    def ends(self) -> list[dict[str, Any]]:
        changes = self.road.desk("GET", "/history")["changes"]
        return [change for change in changes if change["kind"] in ("merge", "delete")]
