"""Marketo's side: what the graph starts from. Nothing here is ever materialized."""

import dagster as dg

GROUP = "leads"
OWNERS = ["team:data"]
_MARKETO = "marketo"


def _source(name: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["marketo_api", name],
        group_name=_MARKETO,
        owners=OWNERS,
        kinds={"marketo", "source"},
        description=description,
    )


MARKETO_LEADS = _source(
    "leads",
    "Leads in Marketo Engage, read by Bulk Lead Extract (`/bulk/v1/leads/export`).\n\n"
    "**Grain:** one record per lead. **Limits:** 2 exports at once, 10 queued, 500 MB a day for the whole instance.",
)
MARKETO_LEAD_FIELDS = _source(
    "lead_fields",
    "Lead fields in Marketo Engage, read by Describe Lead (`/rest/v1/leads/describe.json`, `describe2.json`).\n\n"
    "**Grain:** one record per field that the API user may read. **Cost:** 2 calls.",
)
MARKETO_ACTIVITIES = _source(
    "activities",
    "Activities in Marketo Engage, read by Bulk Activity Extract (`/bulk/v1/activities/export`) and Get Lead "
    "Activities (`/rest/v1/activities.json`), their types by `/rest/v1/activities/types.json`.\n\n"
    "**Grain:** one record per activity. **Kept by Marketo:** 25 months, some types 90 days.",
)
MARKETO_REFERENCE = _source(
    "reference_objects",
    "Programs, campaigns, emails, lists and their like in Marketo Engage, read by the asset API "
    "(`/rest/asset/v1/….json`) and the lead database (`/rest/v1/campaigns.json`, `/rest/v1/leads/partitions.json`)."
    "\n\n**Grain:** one record per object. No feed tells of deletions; some endpoints tell what was updated.",
)
MARKETO_MEMBERSHIPS = _source(
    "memberships",
    "Memberships in Marketo Engage, read by Bulk Program Member Extract (`/bulk/v1/program/members/export`), Get "
    "Leads by List Id (`/rest/v1/lists/{listId}/leads.json`) and Bulk Lead Extract.\n\n"
    "**Grain:** one record per program, or list, and lead. No feed tells who left a program; a list has no dates.",
)
SOURCES = (MARKETO_LEADS, MARKETO_LEAD_FIELDS, MARKETO_ACTIVITIES, MARKETO_REFERENCE, MARKETO_MEMBERSHIPS)
