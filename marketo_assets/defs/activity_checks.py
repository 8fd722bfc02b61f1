"""Asset checks of activities: nothing twice, nothing of unknown kinds unnoticed, nothing that falls off unread."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from marketo_assets.defs.check_results import ERROR, counted
from marketo_assets.defs.partitions import MONTHS
from marketo_assets.load.activity_retention import falling_off
from marketo_assets.load.activity_rows import TABLE
from marketo_assets.load.columns import table_columns
from marketo_assets.models.activities import count_misfits
from marketo_assets.warehouse import DuckDBConnection

ACTIVITIES = dg.AssetKey(["marketo", "activities"])
_TOLD = {
    "unique_activities": "No activity is there twice.",
    "values_fit_their_type": "Attribute values that do not fit the type that Marketo declares, among activities read "
    "since the last export; their columns are empty, and `attributes` has them as they came.",
    "listed_types": "Activities of types that Marketo does not list are shown by number.",
    "leads_known": "Activities whose lead is not in marketo.leads, deleted ones most of all. They stay in "
    "marketo.activities and are not in marketo.activities_with_leads. The check counts them and always passes.",
    "nothing_falls_off": "Nothing is about to be forgotten by Marketo before it was read.",
}
ACTIVITY_CHECKS = tuple(dg.AssetCheckSpec(name, asset=ACTIVITIES, description=told) for name, told in _TOLD.items())


def check_activities(con: DuckDBConnection, since: datetime, now: datetime) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks; values are looked at of activities read since *since*. Costs some scans."""
    repeated = _count(con, f"SELECT count(*) - count(DISTINCT activity_guid) FROM {TABLE}")
    advice = f"{repeated:,} rows repeat a marketoGUID. Tell the maintainers."
    yield counted("unique_activities", repeated, advice, severity=ERROR)
    misfits = count_misfits(con, since)
    told = ", ".join(f"{name} ({count:,})" for name, count in sorted(misfits.items()))
    yield counted("values_fit_their_type", sum(misfits.values()), f"Look into attributes: {told}.")
    unlisted = _count(
        con, f"SELECT count(*) FROM {TABLE} ANTI JOIN main.activity_types ON activity_types.id = activity_type_id"
    )
    yield counted("listed_types", unlisted, f"{unlisted:,} activities are in views called activity_type_….")
    # Before any month of leads, no lead is known and nothing can be said.
    has_leads = bool(table_columns(con, "main", "leads"))
    gone = _count(con, f"SELECT count(*) FROM {TABLE} ANTI JOIN main.leads ON leads.id = lead_id") if has_leads else 0
    yield counted("leads_known", gone, f"{gone:,} activities are of leads that are not here.", is_passed=True)
    due = falling_off(con, MONTHS.get_partition_keys(current_time=now), now)
    yield counted("nothing_falls_off", len(due), " ".join(due))


def _count(con: DuckDBConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
