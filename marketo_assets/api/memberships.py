"""Memberships by REST: the fields of a program membership, and who is on a static list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.lead_database import BATCH, LeadField
from marketo_assets.api.paging import token_pages
from marketo_assets.api.values import integer

DESCRIBE_MEMBERS = "/rest/v1/programs/members/describe.json"


@dataclass(frozen=True)
class ListPage:
    """Up to three hundred leads of a static list, as they were when Marketo answered."""

    ids: tuple[int, ...] = field(repr=False)
    has_more: bool
    answered_at: datetime | None
    """By Marketo's own clock, in whole seconds; None where it does not tell."""


def describe_member_fields(client: MarketoClient) -> list[LeadField]:
    """Return the fields of a program membership, custom ones among them, in Marketo's order. **Cost:** one call.

    Raises: UnreadableAnswer where there is no program or no lead among them; AccessDenied.
    """
    answer = client.get(DESCRIBE_MEMBERS)
    told = answer.result[0] if answer.result else {}
    searchable = {str(name) for names in told.get("searchableFields") or () for name in names}
    found = [
        LeadField(
            name=str(record["name"]),
            display_name=str(record.get("displayName") or record["name"]),
            data_type=str(record.get("dataType") or "string").lower(),
            length=integer(record.get("length")),
            id=None,
            is_read_only=record.get("updateable") is False,
            is_crm_managed=bool(record.get("crmManaged")),
            is_searchable=str(record["name"]) in searchable,
        )
        for record in told.get("fields") or ()
        if record.get("name")
    ]
    if not {"leadId", "programId"} <= {known.name for known in found}:
        raise UnreadableAnswer("Describe Program Member told of no leadId or no programId", None, answer.request_id)
    return found


def list_pages(client: MarketoClient, list_id: int) -> Iterator[ListPage]:
    """Yield the ids of the leads on a static list, page by page; a lead may come twice while the list changes.

    Nothing holds the list still: where somebody leaves it meanwhile, another may slip from one page to the one before.

    **Cost:** one call for each 300 leads, begun or whole, made when the page is asked for.
    Raises: UnreadableAnswer for an answer from which the absence of leads must not be concluded; NotFound,
    PagingTokenRefused, AccessDenied.
    """
    for page in token_pages(client, f"/rest/v1/lists/{list_id}/leads.json", {"fields": ["id"], "batchSize": BATCH}):
        ids = [integer(record.get("id")) for record in page.records]
        # Nothing with a remark beside it, such as 702, may be a list without leads or a search that failed.
        if None in ids or (not ids and (page.answer.is_doubtful or page.answer.warnings)):
            raise UnreadableAnswer("Marketo sent no list of leads for a static list", None, page.request_id)
        yield ListPage(tuple(known for known in ids if known is not None), page.has_more, page.answer.answered_at)
