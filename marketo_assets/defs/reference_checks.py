"""Asset checks of reference objects: nothing twice, nothing that does not fit, nothing that is read no more."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import dagster as dg

from marketo_assets.defs.check_results import ERROR, counted
from marketo_assets.extract.objects import choose_objects, details_to_read, objects_to_read
from marketo_assets.load.reference import READINGS, TABLE, known_objects
from marketo_assets.models.reference import count_misfits
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection

VERSIONS = dg.AssetKey(["marketo", "raw", "reference_versions"])
STALE_AFTER = timedelta(days=7)
_TOLD = {
    "unique_objects": "No record has two rows that are valid now.",
    "values_fit_their_type": "Values that do not fit the column of their table, which is empty then; "
    "`raw.reference_versions` has them as they came.",
    "objects_are_read": "Objects that were read once and not for a week, and those that MARKETO_OBJECTS names and that "
    "were never read: most often the credentials may not read them.",
    "not_suddenly_empty": "Objects of which records are shown, and of which the last reading of everything found none: "
    "a reading of another day has to confirm that all are gone.",
}
REFERENCE_CHECKS = tuple(dg.AssetCheckSpec(name, asset=VERSIONS, description=told) for name, told in _TOLD.items())


def check_reference(con: DuckDBConnection, settings: Settings, now: datetime) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks. Costs a scan of the newest versions."""
    row = con.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {TABLE} GROUP BY object, id, load_id HAVING count(*) > 1)"
    ).fetchone()
    repeated = int(row[0]) if row else 0
    yield counted(
        "unique_objects", repeated, f"{repeated:,} versions are there twice. Tell the maintainers.", severity=ERROR
    )
    misfits = count_misfits(con)
    told = ", ".join(f"{name} ({count:,})" for name, count in sorted(misfits.items()))
    yield counted("values_fit_their_type", sum(misfits.values()), f"Look into raw.reference_versions: {told}.")
    read = dict(con.execute(f"SELECT object, max(as_of) FROM {READINGS} GROUP BY object").fetchall())
    stale = sorted(_stale(con, settings, read, now))
    advice = (
        f"{', '.join(stale)}: not read for a week. Give the API user's role the permission to read them, or leave them "
        "out of MARKETO_OBJECTS."
    )
    yield counted("objects_are_read", len(stale), advice)
    empty = sorted(name for name, known in known_objects(con).items() if known.empty_at and known.records)
    advice = (
        f"{', '.join(empty)}: Marketo told of none any more, and nothing was marked. Look whether the API user's role "
        "or workspaces were changed; the next day's reading is believed."
    )
    yield counted("not_suddenly_empty", len(empty), advice)


def _stale(con: DuckDBConnection, settings: Settings, read: Mapping[str, datetime], now: datetime) -> Iterator[str]:
    chosen = choose_objects(settings)
    # Without a choice the credentials choose, and what they never could read is missed by nobody.
    for kind in objects_to_read(chosen):
        is_missed = now - read[kind.name] > STALE_AFTER if kind.name in read else bool(settings.objects)
        if is_missed:
            yield kind.name
    # Details of what does not change are not read again, so only those that never were can be missed.
    for detail in details_to_read(chosen):
        if detail.name not in read and settings.objects and _has(con, detail.of):
            yield detail.name


def _has(con: DuckDBConnection, name: str) -> bool:
    return con.execute(f"SELECT 1 FROM {TABLE} WHERE object = ? AND removed_at IS NULL", [name]).fetchone() is not None
