"""Assets of Marketo's: so far, only how old the instance is."""

from __future__ import annotations

from datetime import datetime

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied
from marketo_assets.api.moments import parse_moment
from marketo_assets.api.paging import asset_pages

FOLDERS = "/rest/asset/v1/folders.json"


def oldest_folder_created_at(client: MarketoClient) -> datetime | None:
    """Return when the oldest top-level folder was made, which no lead predates; None where that cannot be read.

    Some folders date from the day the instance was provisioned. It takes the permission Read-Only Assets.
    **Cost:** one call for each 200 folders.
    """
    moments: list[datetime] = []
    try:
        for page in asset_pages(client, FOLDERS, {"maxDepth": 1}):
            found = (parse_moment(record.get("createdAt")) for record in page.records)
            moments += [moment for moment in found if moment is not None]
    except AccessDenied:
        return None
    return min(moments, default=None)
