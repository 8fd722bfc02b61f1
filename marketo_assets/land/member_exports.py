"""Members of programs, and of a static list, exported and landed: what Bulk Extract tells of who is in what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.bulk import Exporter
from marketo_assets.extract.export_jobs import LIST_MEMBERS, PROGRAM_MEMBER_UPDATES, PROGRAM_MEMBERS, ExportRequest
from marketo_assets.extract.windows import ALWAYS, WIDEST, Window
from marketo_assets.land.landing import land_request
from marketo_assets.land.manifest import LandedFile, LandingError, read_manifest

MOST_PROGRAMS = 10
"""The most programs that one export takes."""
LEAD_ID = LeadField("id", "Id", "integer", None, None, True, False, True)


def whole_request(programs: Sequence[int], fields: Sequence[LeadField], likely_bytes: int | None) -> ExportRequest:
    """Return the request for all members of *programs*, ten at most."""
    return ExportRequest(
        PROGRAM_MEMBERS,
        _name(programs),
        ALWAYS,
        tuple(field.name for field in fields),
        filter_name="",
        likely_bytes=likely_bytes,
        members_of=tuple(programs),
    )


def update_request(
    programs: Sequence[int], fields: Sequence[LeadField], since: datetime, likely_bytes: int
) -> ExportRequest:
    """Return the request for members of *programs* that joined or changed since *since*, 31 days ago at most.

    Its window is open at the end, like that of leads: who changes while the export waits is in it.
    """
    start = since.replace(microsecond=0)
    return ExportRequest(
        PROGRAM_MEMBER_UPDATES,
        f"{_name(programs)}-since-{start:%Y-%m-%dT%H%M%SZ}",
        Window(start, start + WIDEST),
        tuple(field.name for field in fields),
        filter_name="updatedAt",
        likely_bytes=likely_bytes,
        members_of=tuple(programs),
    )


def land_program_members(
    exporter: Exporter, landing_dir: Path, request: ExportRequest, *, described: Sequence[LeadField]
) -> LandedFile:
    """Return the landed file of *request*, which asks for the fields *described*.

    A job that nobody has fetched is taken up. A file that lies there is not: its rows are loaded already.

    **Cost:** 3 calls, one status call a minute at most, and the file's size of the daily export quota.
    **Guarantee:** as `land_request`. Raises: UnsupportedFilter, NotFound for a program that is gone, LandingError,
    ExportError, MarketoError.
    """
    folder = landing_dir / request.object / request.partition
    return land_request(exporter, request, folder, fields=described, described=described, is_refresh=True)


def land_list_members(
    exporter: Exporter, landing_dir: Path, list_id: int, likely_bytes: int, *, is_refresh: bool
) -> LandedFile:
    """Return the landed ids of the leads on a static list, as they were when Marketo began with the export.

    A file of minutes ago is taken up, unless *is_refresh*.

    **Cost:** 3 calls, one status call a minute at most, some ten bytes a lead.
    **Guarantee:** as `land_request`. Raises: NotFound, LandingError, ExportError, MarketoError.
    """
    request = ExportRequest(
        LIST_MEMBERS,
        f"list-{list_id}",
        ALWAYS,
        (LEAD_ID.name,),
        filter_name="",
        likely_bytes=likely_bytes,
        members_of=(list_id,),
    )
    folder = landing_dir / request.object / request.partition
    return land_request(exporter, request, folder, fields=[LEAD_ID], described=[LEAD_ID], is_refresh=is_refresh)


def landed_program_members(landing_dir: Path) -> list[LandedFile]:
    """Return every landed file of program members, the earliest reading first; damaged manifests are passed over."""
    found = []
    for kind in (PROGRAM_MEMBERS, PROGRAM_MEMBER_UPDATES):
        for path in (landing_dir / kind).glob("*/*.json"):
            try:
                found.append(read_manifest(path))
            except LandingError:
                continue  # what it held is asked for again
    return sorted(found, key=lambda landed: (landed.as_of, landed.landed_at))


def is_whole(landed: LandedFile) -> bool:
    """Say whether *landed* holds all members of its programs, so that whoever is not in it has left."""
    return landed.window == ALWAYS


def _name(programs: Sequence[int]) -> str:
    return f"programs-{programs[0]}-{programs[-1]}" if len(programs) > 1 else f"program-{programs[0]}"
