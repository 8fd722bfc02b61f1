"""Who is in which program and on which static list: exported or read, loaded and published."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg
from pydantic import Field

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, MarketoError
from marketo_assets.defs.assets.reference import GROUP
from marketo_assets.defs.assets.reference_tables import REFERENCE_TABLES
from marketo_assets.defs.assets.sources import MARKETO_MEMBERSHIPS, OWNERS
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import POOL
from marketo_assets.defs.failures import explained
from marketo_assets.defs.member_checks import (
    LIST_MEMBER_CHECKS,
    LIST_MEMBERS,
    PROGRAM_MEMBER_CHECKS,
    PROGRAM_MEMBERS,
    check_list_members,
    check_program_members,
)
from marketo_assets.defs.metadata import Metadata, megabytes, quota_left, release_metadata, table_metadata
from marketo_assets.defs.pausing import pausing
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.extract.bulk import Exporter, ExportError
from marketo_assets.extract.objects import choose_objects
from marketo_assets.load.columns import table_columns
from marketo_assets.load.list_capture import ListCapture, capture_list_members
from marketo_assets.load.member_capture import MemberCapture, ReadingTerms, capture_program_members
from marketo_assets.publish import publish
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Release, Warehouse

_SPECS = {spec.key.path[-1]: spec for spec in REFERENCE_TABLES}
_Check = Callable[..., Iterator[dg.AssetCheckResult]]


class MemberConfig(dg.Config):
    """When members are read whole, and what a run may spend on it."""

    refresh: bool = Field(default=False, description="Read every program, or list, whole now.")
    whole_after_days: float = Field(
        default=7.0, description="Read what was read whole longer ago whole again, to find who left unnoticed."
    )
    most_export_mb: float = Field(
        default=100.0, description="What such repeated readings of programs may export in a run; the rest waits."
    )
    most_calls: int = Field(default=1000, description="What readings of lists may call in a run; the rest waits.")

    def terms(self) -> ReadingTerms:
        """Return the same for whoever reads."""
        return ReadingTerms(
            timedelta(days=self.whole_after_days), self.refresh, int(self.most_export_mb * 1e6), self.most_calls
        )


@dg.asset(
    key=PROGRAM_MEMBERS,
    deps=[MARKETO_MEMBERSHIPS, _SPECS["programs"]],
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb", "view"},
    code_version="1",
    check_specs=PROGRAM_MEMBER_CHECKS,
    description=(
        "Members of programs with every member field, custom ones typed by Describe Program Member.\n\n"
        "**Grain:** one row per program and lead that was ever its member; `removed_at` of those who are no more. "
        "**Source:** Bulk Program Member Extract, ten programs an export. **Refresh:** by job `program_members`: what "
        "changed since the last time by the updatedAt filter; whole where the subscription does not have it, after "
        "`whole_after_days`, and where a member was merged away. Only a whole reading shows who left. **Cost:** one "
        "call; 3 calls, one status call a minute and the file's size of the daily export quota for each ten programs; "
        "and a capture of changes."
    ),
)
def program_members(
    context: dg.AssetExecutionContext, config: MemberConfig, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Bring the members of programs up to now, and publish."""

    def capture(exporter: Exporter, files: Warehouse, settings: Settings) -> Metadata:
        return _told_of_programs(
            capture_program_members(
                exporter.client,
                files,
                settings,
                run_id=context.run.run_id,
                log=exporter.log,
                terms=config.terms(),
                exporter=exporter,
            )
        )

    return _materialize(context, marketo, warehouse, capture, check_program_members)


@dg.asset(
    key=LIST_MEMBERS,
    deps=[MARKETO_MEMBERSHIPS, _SPECS["static_lists"]],
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb", "view"},
    code_version="1",
    check_specs=LIST_MEMBER_CHECKS,
    description=(
        "Leads on static lists, and since when.\n\n"
        "**Grain:** one row per list and lead that was ever seen on it; `removed_at` of those who are no more. "
        "**Source:** Get Leads by List Id, Bulk Lead Extract (`staticListId`) where a list has more than five pages, "
        "and the activities Add to List and Remove from List. **Refresh:** by job `list_members`: each list is read "
        "once, from then on activities tell, where they are captured; lists are read again where activities contradict "
        "each other, and after `whole_after_days`. Where activities are not captured every list is read each time. "
        "**Cost:** a capture of activities and one of changes; for each list that is read one call for each 300 leads "
        "or an export of some ten bytes a lead."
    ),
)
def static_list_members(
    context: dg.AssetExecutionContext, config: MemberConfig, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Bring the members of static lists up to now, and publish."""

    def capture(exporter: Exporter, files: Warehouse, settings: Settings) -> Metadata:
        return _told_of_lists(
            capture_list_members(
                exporter.client,
                files,
                settings,
                run_id=context.run.run_id,
                log=exporter.log,
                terms=config.terms(),
                exporter=exporter,
            )
        )

    return _materialize(context, marketo, warehouse, capture, check_list_members)


def _materialize(
    context: dg.AssetExecutionContext,
    marketo: MarketoResource,
    warehouse: WarehouseResource,
    capture: Callable[[Exporter, Warehouse, Settings], Metadata],
    check: _Check,
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    name = context.asset_key.path[-1]
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings, is_backfill=True) as client, pausing(context, client.ledger):
            try:
                told = _captured(context, client, settings, files, capture)
            except (MarketoError, ExportError):
                _publish(files, client, settings)  # what was captured before
                raise
            release = _publish(files, client, settings)
            left = quota_left(client.ledger)
        with files.transaction() as con:
            results, shown = list(check(con, settings.clock.now())), _table(con, name)
    if "left_out" not in told:
        context.log.info(_sentence(told))
    return dg.MaterializeResult(check_results=results, metadata={**told, **shown, **release_metadata(release), **left})


def _publish(files: Warehouse, client: MarketoClient, settings: Settings) -> Release | None:
    return publish(files, client.ledger, now=settings.clock.now(), min_seconds=settings.publish_min_seconds)


def _captured(
    context: dg.AssetExecutionContext,
    client: MarketoClient,
    settings: Settings,
    files: Warehouse,
    capture: Callable[[Exporter, Warehouse, Settings], Metadata],
) -> Metadata:
    name = context.asset_key.path[-1]
    if name not in choose_objects(settings):
        context.log.info(f"{name} is not among MARKETO_OBJECTS, so nothing is read")
        return {"left_out": "not among MARKETO_OBJECTS"}
    exporter = Exporter(
        client,
        client.ledger,
        settings.clock,
        lambda line: context.log.info(line),
        settings.status_poll_seconds,
        settings.export_deadline_hours,
        on_accepted=lambda: look(context.instance, client.ledger),
    )
    try:
        return capture(exporter, files, settings)
    except AccessDenied as error:
        context.log.warning(f"{name} is left out, and nothing is marked as removed: {error}")
        return {"left_out": str(error), "calls": client.calls}


def _sentence(told: Metadata) -> str:
    if "programs" in told:
        found = (
            f"{told['programs']:,} programs, of which {told['programs_read_whole']:,} were read whole: "
            f"{told['members_read']:,} members read, {told['members_removed']:,} found to have left, "
            f"{told['rejected_values']:,} values did not fit their type"
        )
    else:
        found = (
            f"{told['lists']:,} lists, {told['lists_told_by_activities']:,} of them told by activities, "
            f"{told['lists_read']:,} read, {told['lists_exported']:,} exported: {told['rows_changed']:,} rows changed"
        )
    return f"{found}; {told['calls']:,} calls, {megabytes(told['file_bytes'])}, {told['worked_seconds']:.1f} s"


def _told_of_programs(found: MemberCapture) -> Metadata:
    return {
        "programs": found.programs,
        "programs_read_whole": found.read_whole,
        "programs_postponed": found.postponed,
        "programs_vanished": ", ".join(map(str, found.vanished)) or "none",
        "members_read": found.rows,
        "members_removed": found.removed,
        "rejected_values": found.rejected_values,
        "exports": found.exports,
        "file_bytes": found.file_bytes,
        "calls": found.calls,
        "worked_seconds": round(found.seconds, 2),
    }


def _told_of_lists(found: ListCapture) -> Metadata:
    return {
        "lists": found.lists,
        "lists_told_by_activities": found.told,
        "lists_read": found.read,
        "lists_exported": found.exported,
        "lists_postponed": found.postponed,
        "lists_vanished": ", ".join(map(str, found.vanished)) or "none",
        "rows_changed": found.changed,
        "file_bytes": found.file_bytes,
        "calls": found.calls,
        "worked_seconds": round(found.seconds, 2),
    }


def _table(con: DuckDBConnection, name: str) -> Metadata:
    if not table_columns(con, "main", name):
        return {}
    row = con.execute(f"SELECT count(*) FROM main.{name} WHERE removed_at IS NULL").fetchone()
    return {**table_metadata(con, "main", name), "members": row[0] if row else 0}
