"""Reference objects, read and landed: each object for itself, so that a kill costs the reading under way and no other.

Details, which take a call each, come last and are landed some at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    AccessDenied,
    FeatureAbsent,
    MarketoError,
    WaitForReset,
    concerns_what_was_asked,
)
from marketo_assets.api.moments import parse_moment
from marketo_assets.extract.details import CHUNK, due_details, read_details
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.objects import (
    DETAILS,
    REFERENCE,
    Detail,
    ReferenceObject,
    choose_objects,
    details_to_read,
    objects_to_read,
)
from marketo_assets.extract.reference import Known, KnownRecord, Log, Reading, begin_since, read_object
from marketo_assets.land.manifest import LandingError
from marketo_assets.land.readings import (
    FOLDER,
    LandedReading,
    drop_damaged,
    pending_readings,
    read_records,
    store_reading,
)
from marketo_assets.land.store import alone
from marketo_assets.settings import Settings

KEPT = timedelta(hours=1)
"""A reading that was landed so lately and never loaded is taken up, rather than made again."""
_PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True)
class Landing:
    """What one run landed, and what it left out."""

    readings: tuple[LandedReading, ...]
    skipped: Mapping[str, str]
    """Objects that the credentials may not read, or that the subscription lacks, and why."""
    postponed: Mapping[str, int]
    """How many details were left to the next run because a quota is spent, by object."""


def land_reference(
    client: MarketoClient, settings: Settings, known: Mapping[str, Known], *, log: Log, is_refresh: bool = False
) -> Landing:
    """Return what was landed of each object that the settings choose; *known* is what is loaded of each.

    With *is_refresh* every object is read whole, and all details again.

    **Cost:** as `read_object` for each object, and as `read_details` for those whose details are due.
    **Guarantee:** a reading is whole on disk or absent; one that was landed within the hour and not loaded costs
    nothing, and neither does a detail that was landed. Landings of one data folder happen one after the other.
    Raises: LandingError, SettingsError; MarketoError, after everything that it does not concern was landed.
    """
    claim_folder(client.ledger, settings)
    folder = settings.landing_dir / FOLDER
    try:
        with alone(folder, _PATIENCE_SECONDS, lambda: log("Another run is reading reference objects; waiting for it")):
            return _Lander(client, settings, known, log, is_refresh).land()
    except TimeoutError as error:
        raise LandingError(
            "Another run has been reading reference objects for an hour. Let it finish or stop it, then run this again."
        ) from error


@dataclass
class _Lander:
    client: MarketoClient
    settings: Settings
    known: Mapping[str, Known]
    log: Log
    is_refresh: bool
    landed: list[LandedReading] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    postponed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, MarketoError] = field(default_factory=dict)

    @property
    def lookback(self) -> timedelta:
        return timedelta(seconds=self.settings.lookback_seconds)

    def land(self) -> Landing:
        chosen = choose_objects(self.settings)
        kinds, details = objects_to_read(chosen), details_to_read(chosen)
        # Loading takes up what lies there of any kind, so also of one that is no longer chosen.
        for name in (*(kind.name for kind in REFERENCE), *(detail.name for detail in DETAILS)):
            drop_damaged(self.settings.landing_dir, name, self.of(name).newest, self.log)
        for kind in kinds:
            try:
                self.landed.append(self.land_object(kind))
            except (AccessDenied, FeatureAbsent) as error:
                self.skip(kind.name, f"{error} It takes the permission {kind.permission}.")
            except MarketoError as error:
                self.fail(kind.name, error)
        for detail in details:
            if detail.of not in {*self.skipped, *self.failed}:
                self.land_details(detail)
        if self.failed:
            raise next(iter(self.failed.values()))
        return Landing(tuple(self.landed), self.skipped, self.postponed)

    def skip(self, name: str, why: str) -> None:
        self.skipped[name] = why
        self.log(f"{name} are left out, and what is held of them stays as it is: {why}")

    def fail(self, name: str, error: MarketoError) -> None:
        """Go on with other objects where Marketo answered something that concerns this one alone."""
        if not concerns_what_was_asked(error):
            raise error
        self.failed[name] = error
        self.log(f"{name} could not be read, the others are landed first. {error} MARKETO_OBJECTS can leave them out.")

    def land_object(self, kind: ReferenceObject) -> LandedReading:
        known, now = self.of(kind.name), self.settings.clock.now()
        if not self.is_refresh and (pending := self.fresh(kind.name, now)):
            self.log(f"{kind.name}: took up what was read at {pending.as_of:%Y-%m-%d %H:%M:%S} UTC")
            return replace(pending, calls=0, was_adopted=True)
        since = None if self.is_refresh else begin_since(kind, known, now, self.lookback)
        reading = read_object(
            self.client, kind, since=since, known=self.present(kind.name), empty_at=self.empty_at(kind.name)
        )
        for warning in reading.warnings:
            self.log(f"{kind.name}: {warning}")
        return self.store(reading)

    def land_details(self, detail: Detail) -> None:
        objects = self.present(detail.of)
        read = {key: record.read_at for key, record in self.of(detail.name).records.items()}
        for landed in self.pending(detail.name):
            read |= {key: landed.as_of for key, _ in read_records(landed)}
        due = due_details(detail, objects, read, lookback=self.lookback, is_refresh=self.is_refresh)
        done = 0
        for first in range(0, len(due), CHUNK):
            chunk = {key: objects[key] for key in due[first : first + CHUNK]}
            reading, trouble = read_details(self.client, detail, chunk)
            if reading.found:
                self.landed.append(self.store(reading))
            done += len(reading.found)
            if isinstance(trouble, WaitForReset):
                self.postponed[detail.name] = len(due) - done
                self.log(f"{detail.name}: {len(due) - done:,} of {len(due):,} are left to the next run. {trouble}")
                return
            if isinstance(trouble, AccessDenied | FeatureAbsent):
                self.skip(detail.name, str(trouble))
                return
            if trouble is not None:
                self.fail(detail.name, trouble)
                return

    def present(self, name: str) -> Mapping[str, KnownRecord]:
        """Return the records of an object that are not known to be gone, those not loaded yet included."""
        found = dict(self.of(name).records)
        for landed in self.pending(name):
            for key, record in read_records(landed):
                found[key] = KnownRecord(record.get("name"), parse_moment(record.get("updatedAt")), landed.as_of)
            for key in landed.removed:
                found.pop(key, None)
        return found

    def empty_at(self, name: str) -> datetime | None:
        """Return since when readings of everything find nothing, those not loaded yet included."""
        since = self.of(name).empty_at
        for landed in self.pending(name):
            if landed.records:
                since = None
            elif landed.is_whole:
                since = since or landed.as_of
        return since

    def store(self, reading: Reading) -> LandedReading:
        newest, now = self.of(reading.object).newest, self.settings.clock.now()
        return store_reading(self.settings.landing_dir, reading, now, newest=newest)

    def of(self, name: str) -> Known:
        return self.known.get(name, Known())

    def pending(self, name: str) -> list[LandedReading]:
        return pending_readings(self.settings.landing_dir, name, self.of(name).newest)

    def fresh(self, name: str, now: datetime) -> LandedReading | None:
        """Return the newest reading that was not loaded, if it can stand for one that would be made now."""
        found = [landed for landed in self.pending(name)[-1:] if timedelta() <= now - landed.landed_at < KEPT]
        return found[0] if found else None
