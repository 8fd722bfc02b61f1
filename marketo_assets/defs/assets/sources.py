"""Marketo's side: what the graph starts from. Nothing here is ever materialized."""

import dagster as dg

GROUP = "leads"
OWNERS = ["team:data"]

MARKETO_LEADS = dg.AssetSpec(
    ["marketo_api", "leads"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"marketo"},
    description=(
        "Leads in Marketo Engage, read by Bulk Lead Extract (`/bulk/v1/leads/export`).\n\n"
        "**Grain:** one record per lead. **Limits:** 2 exports at once, 10 queued, 500 MB a day for the whole instance."
    ),
)
MARKETO_LEAD_FIELDS = dg.AssetSpec(
    ["marketo_api", "lead_fields"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"marketo"},
    description=(
        "Lead fields in Marketo Engage, read by Describe Lead (`/rest/v1/leads/describe.json`, `describe2.json`).\n\n"
        "**Grain:** one record per field that the API user may read. **Cost:** 2 calls."
    ),
)
SOURCES = (MARKETO_LEADS, MARKETO_LEAD_FIELDS)
