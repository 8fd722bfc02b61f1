"""Leads that an updatedAt export found become versions, as far as they are not shown like that already."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.load.columns import TEXT
from marketo_assets.load.current_leads import settle, touch
from marketo_assets.load.differing_leads import Differing, keep_differing
from marketo_assets.load.file_reading import LoadError
from marketo_assets.load.lead_fields import Registry
from marketo_assets.load.lead_readings import carry_shown
from marketo_assets.load.lead_rows import LONGEST_LINE, FileRows, insert_leniently
from marketo_assets.load.lead_versions import READINGS, SHOWN, lead_columns
from marketo_assets.load.ledger import insert_row, next_load_id, told_of_file
from marketo_assets.warehouse import DuckDBConnection, DuckDBTextError, Warehouse


@dataclass(frozen=True)
class UpdateFile:
    """A landed file that can be read, and whose leads are known."""

    landed: LandedFile
    path: Path | None
    ids: frozenset[int]
    is_repaired: bool = False
    """Whether *path* is a copy without bare carriage returns."""


@dataclass(frozen=True)
class UpdateLoad:
    """What the load of one file did."""

    load_id: int
    rows: int
    """Leads of the file that became versions."""
    rejected_values: int
    differing: Differing


@contextlib.contextmanager
def readable_updates(warehouse: Warehouse, landed_files: Sequence[LandedFile]) -> Iterator[list[UpdateFile]]:
    """Yield the files with the ids of their leads, each in a spelling that DuckDB reads to its end.

    Files of ids alone are read as well. Raises: LoadError when a file is not the one that Marketo described.
    """
    with tempfile.TemporaryDirectory(prefix="marketo-updates-") as folder:
        yield [_readable(warehouse, landed, Path(folder)) for landed in landed_files]


def load_update(
    con: DuckDBConnection, file: UpdateFile, registry: Registry, *, run_id: str, now: datetime
) -> UpdateLoad:
    """Return what was loaded of *file*: versions of leads that are not shown like that, settled and recorded.

    The tables of lead versions must have the columns of the file's fields. Columns of hidden fields keep their values.

    **Cost:** no call; one read of the file. Runs inside the caller's transaction.
    """
    load_id, landed = next_load_id(con), file.landed
    rejected, found, rows = 0, Differing(), 0
    columns = [registry.columns[known.name] for known in landed.fields]
    if file.path is not None:
        touch(con, file.ids)
        rejected = _insert(con, file, registry, load_id)
        _drop_repeated(con, load_id)
        found = keep_differing(con, load_id, columns)
        (rows,) = con.execute(f"SELECT count(*) FROM {SHOWN} WHERE _load_id = ?", [load_id]).fetchone() or (0,)
        settle(con)
    load = UpdateLoad(load_id, int(rows), rejected, found)
    _record(con, file, load, run_id, now)
    return load


def _readable(warehouse: Warehouse, landed: LandedFile, folder: Path) -> UpdateFile:
    if landed.path is None:
        return UpdateFile(landed, None, frozenset())
    try:
        return _read_ids(warehouse, UpdateFile(landed, landed.path, frozenset()))
    except DuckDBTextError:
        repaired = folder / landed.path.name
        parse.without_bare_returns(landed.path, parse.read_header(landed.path)[1], repaired)
    try:
        return _read_ids(warehouse, UpdateFile(landed, repaired, frozenset(), is_repaired=True))
    except DuckDBTextError:
        raise LoadError(_unusable(landed, "it is not CSV that can be read")) from None


def _read_ids(warehouse: Warehouse, file: UpdateFile) -> UpdateFile:
    assert file.path is not None  # noqa: S101  # for the type checker: only a file that is there is read
    header, line_end = parse.read_header(file.path)
    names = [name.lower() for name in header]
    if "id" not in names:
        raise LoadError(_unusable(file.landed, "it has no column id"))
    cell = f"c{names.index('id')}"
    source = parse.csv_source(file.path, len(header), line_end, types=[TEXT] * len(header), longest_line=LONGEST_LINE)
    with warehouse.transaction() as con:
        found = con.execute(f"SELECT {parse.lenient_cast(cell, 'BIGINT')} FROM {source}").fetchall()
    ids = frozenset(row[0] for row in found) - {None}
    if None in {row[0] for row in found} or file.landed.records not in (None, len(found)):
        raise LoadError(
            _unusable(file.landed, f"it has {len(found):,} rows, {len(ids):,} of them with an id of their own")
        )
    return replace(file, ids=ids)


def _unusable(landed: LandedFile, why: str) -> str:
    return (
        f"The landed file of export job {landed.export_id} ({landed.partition}, {landed.records or 0:,} records by "
        f"Marketo's count) cannot be used: {why}. Nothing was loaded. Delete it and its manifest from the landing "
        "folder, then run the job again."
    )


def _insert(con: DuckDBConnection, file: UpdateFile, registry: Registry, load_id: int) -> int:
    assert file.path is not None  # noqa: S101  # for the type checker: only a file that is there is loaded
    landed, types = file.landed, lead_columns(con)
    header, line_end = parse.read_header(file.path)
    hidden = [registry.columns[name].name for name in sorted(registry.hidden - {known.name for known in landed.fields})]
    rows = FileRows(
        path=file.path,
        line_end=line_end,
        cells=tuple(parse.match_header(header, [registry.columns[known.name] for known in landed.fields])),
        types=types,
        file_bytes=landed.file_bytes,
        as_of=landed.as_of,
        partition=None,
        load_id=load_id,
        carried=carry_shown(con, [name for name in hidden if name in types]),
    )
    return insert_leniently(con, rows, has_stand_ins=file.is_repaired)


def _drop_repeated(con: DuckDBConnection, load_id: int) -> None:
    # Adobe has seen a lead twice in one file; the row updated last is kept, the other is the same lead's past.
    con.execute(
        f"DELETE FROM {SHOWN} WHERE _load_id = {load_id} AND rowid NOT IN ("
        "SELECT arg_max(rowid, coalesce(updatedAt, TIMESTAMPTZ '-infinity')) "
        f"FROM {SHOWN} WHERE _load_id = {load_id} GROUP BY id)"
    )


def _record(con: DuckDBConnection, file: UpdateFile, load: UpdateLoad, run_id: str, now: datetime) -> None:
    landed = file.landed
    insert_row(
        con,
        "meta.loads",
        {
            "load_id": load.load_id,
            "table_name": READINGS,
            "run_id": run_id,
            **told_of_file(landed, "lead_updates"),
            "rows": load.rows,
            "rejected_values": load.rejected_values,
            "loaded_at": now,
        },
    )
