"""What a run tells of the memberships that it read, in numbers and in a sentence."""

from marketo_assets.defs.metadata import Metadata, megabytes, table_metadata
from marketo_assets.load.columns import table_columns
from marketo_assets.load.list_capture import ListCapture
from marketo_assets.load.member_capture import MemberCapture
from marketo_assets.warehouse import DuckDBConnection


def program_metadata(found: MemberCapture) -> Metadata:
    """Return what was read of program members, and what it cost."""
    return {
        "programs": found.programs,
        "programs_read_whole": found.read_whole,
        "programs_postponed": found.postponed,
        "programs_doubted": found.doubted,
        "programs_vanished": ", ".join(map(str, found.vanished)) or "none",
        "members_read": found.rows,
        "members_removed": found.removed,
        "rejected_values": found.rejected_values,
        "exports": found.exports,
        **_cost(found),
    }


def list_metadata(found: ListCapture) -> Metadata:
    """Return what was read of list members, and what it cost."""
    return {
        "lists": found.lists,
        "lists_told_by_activities": found.told,
        "lists_read": found.read,
        "lists_exported": found.exported,
        "lists_postponed": found.postponed,
        "lists_waiting_for_export_quota": found.waiting,
        "lists_doubted": found.doubted,
        "lists_vanished": ", ".join(map(str, found.vanished)) or "none",
        "rows_changed": found.changed,
        **_cost(found),
    }


def sentence_of(found: MemberCapture | ListCapture) -> str:
    """Return what was read, and what it cost, in a sentence."""
    told = _programs_told(found) if isinstance(found, MemberCapture) else _lists_told(found)
    return f"{told}; {found.calls:,} calls, {megabytes(found.file_bytes)}, {found.seconds:.1f} s"


def members_metadata(con: DuckDBConnection, name: str) -> Metadata:
    """Return what the published table *name* is, and how many members it shows; nothing if it is not there."""
    if not table_columns(con, "main", name):
        return {}
    row = con.execute(f"SELECT count(*) FROM main.{name} WHERE removed_at IS NULL").fetchone()
    return {**table_metadata(con, "main", name), "members": row[0] if row else 0}


def _programs_told(found: MemberCapture) -> str:
    return (
        f"{found.programs:,} programs, of which {found.read_whole:,} were read whole: {found.rows:,} members read, "
        f"{found.removed:,} found to have left, {found.rejected_values:,} values did not fit their type"
    )


def _lists_told(found: ListCapture) -> str:
    return (
        f"{found.lists:,} lists, {found.told:,} of them told by activities, {found.read:,} read, "
        f"{found.exported:,} exported: {found.changed:,} rows changed"
    )


def _cost(found: MemberCapture | ListCapture) -> Metadata:
    return {"file_bytes": found.file_bytes, "calls": found.calls, "worked_seconds": round(found.seconds, 2)}
