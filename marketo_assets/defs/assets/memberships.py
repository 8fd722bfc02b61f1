"""Who is in which program and on which static list: exported or read, loaded and published."""

from contextlib import nullcontext
from datetime import timedelta

import dagster as dg
from pydantic import Field

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied
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
from marketo_assets.defs.member_metadata import list_metadata, members_metadata, program_metadata, sentence_of
from marketo_assets.defs.metadata import Metadata, quota_left, release_metadata
from marketo_assets.defs.pausing import pausing
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.extract.objects import choose_objects
from marketo_assets.load.list_capture import capture_list_members
from marketo_assets.load.member_capture import MemberCapture, capture_program_members
from marketo_assets.load.member_runs import PASSING, ReadingTerms
from marketo_assets.publish import publish
from marketo_assets.settings import Settings
from marketo_assets.warehouse import Release, Warehouse

_SPECS = {spec.key.path[-1]: spec for spec in REFERENCE_TABLES}


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
    return _materialize(context, config, marketo, warehouse)


@dg.asset(
    key=LIST_MEMBERS,
    deps=[MARKETO_MEMBERSHIPS, _SPECS["static_lists"]],
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
        "or an export of some ten bytes a lead. Where a quota has no room for what is left to be read, that waits for "
        "the next run; the run itself waits for no place among exports."
    ),
)
def static_list_members(
    context: dg.AssetExecutionContext, config: MemberConfig, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Bring the members of static lists up to now, and publish."""
    return _materialize(context, config, marketo, warehouse)


def _materialize(
    context: dg.AssetExecutionContext, config: MemberConfig, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    name, is_of_programs = context.asset_key.path[-1], context.asset_key == PROGRAM_MEMBERS
    check = check_program_members if is_of_programs else check_list_members
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings, is_backfill=True) as client:
            # A run that takes no place in the pool has no use for a pause of it.
            with pausing(context, client.ledger) if is_of_programs else nullcontext():
                try:
                    told = _captured(context, config, client, settings, files)
                except PASSING:
                    _publish(files, client, settings)  # what was captured before
                    raise
                release = _publish(files, client, settings)
            left = quota_left(client.ledger)
        with files.transaction() as con:
            results, shown = list(check(con, settings.clock.now())), members_metadata(con, name)
    return dg.MaterializeResult(check_results=results, metadata={**told, **shown, **release_metadata(release), **left})


def _publish(files: Warehouse, client: MarketoClient, settings: Settings) -> Release | None:
    return publish(files, client.ledger, now=settings.clock.now(), min_seconds=settings.publish_min_seconds)


def _captured(
    context: dg.AssetExecutionContext,
    config: MemberConfig,
    client: MarketoClient,
    settings: Settings,
    files: Warehouse,
) -> Metadata:
    name = context.asset_key.path[-1]
    if name not in choose_objects(settings):
        context.log.info(f"{name} is not among MARKETO_OBJECTS, so nothing is read")
        return {"left_out": "not among MARKETO_OBJECTS"}
    capture = capture_program_members if context.asset_key == PROGRAM_MEMBERS else capture_list_members
    try:
        found = capture(
            client,
            files,
            settings,
            run_id=context.run.run_id,
            log=lambda line: context.log.info(line),
            terms=config.terms(),
            on_accepted=lambda: look(context.instance, client.ledger),
        )
    except AccessDenied as error:
        context.log.warning(f"{name} is left out, and nothing is marked as removed: {error}")
        return {"left_out": str(error), "calls": client.calls}
    context.log.info(sentence_of(found))
    return program_metadata(found) if isinstance(found, MemberCapture) else list_metadata(found)
