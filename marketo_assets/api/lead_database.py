"""Lead fields and leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.paging import Page, token_pages
from marketo_assets.api.values import integer

DESCRIBE = "/rest/v1/leads/describe.json"
DESCRIBE2 = "/rest/v1/leads/describe2.json"
LEADS = "/rest/v1/leads.json"
BATCH = 300
"""The most filter values, and records, that one call takes."""


@dataclass(frozen=True)
class LeadField:
    """A field of a lead that REST can read."""

    name: str
    """REST name, to the letter."""
    display_name: str
    data_type: str
    """Marketo's type in lower case, for example `string`, `datetime`, `score`."""
    length: int | None
    id: int | None
    """Number of the field, which activities of type Change Data Value refer to; None where Describe does not tell."""
    is_read_only: bool
    is_crm_managed: bool
    is_searchable: bool


@dataclass(frozen=True)
class LeadBatch:
    """One reading of up to three hundred leads."""

    asked: tuple[int, ...]
    """The ids that were asked for."""
    leads: list[dict[str, Any]] = field(repr=False)
    """Those of them that exist; an id that is missing was deleted or merged, or cannot be read yet."""
    read_at: datetime | None
    """A moment at which they had not been read yet, by Marketo's clock, in whole seconds; None where it tells none."""
    request_id: str | None


def describe_lead_fields(client: MarketoClient, *, has_numbers: bool = True) -> list[LeadField]:
    """Return the fields that can be read and exported, in Describe Lead2's order; formula fields cannot.

    Describe Lead2 says names and types, Describe Lead the numbers. **Cost:** two calls; one without *has_numbers*.
    """
    answered = client.get(DESCRIBE2).result
    numbers = _Numbers(client.get(DESCRIBE).result if has_numbers else ())
    lead = answered[0] if answered else {}
    searchable = {str(name) for names in lead.get("searchableFields") or () for name in names}
    records = [record for record in lead.get("fields") or () if record.get("name")]
    return [
        described
        for described in (_field(record, numbers, searchable) for record in records)
        if described.data_type not in ("formula", "lead_function")
    ]


def leads_by_id(client: MarketoClient, ids: Iterable[int], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the leads with these *ids* that exist; one that is missing was deleted or merged.

    A field without a value is absent from its lead. **Cost:** one call for each 300 different ids.
    """
    for batch in lead_batches(client, ids, fields):
        yield from batch.leads


def lead_batches(client: MarketoClient, ids: Iterable[int], fields: Sequence[str]) -> Iterator[LeadBatch]:
    """Yield what Marketo knows of these *ids*, three hundred different ones at a time, and since when.

    Why the answer before tells since when: an answer may take a minute, and is dated when it is sent. A lead that
    changed meanwhile would pass for one that was read after its change.

    **Cost:** one call a batch, made when the batch is asked for.
    Raises: UnreadableAnswer for an answer from which the absence of leads must not be concluded; FieldNotFound.
    """
    different = iter(dict.fromkeys(ids))
    while asked := tuple(islice(different, BATCH)):
        heard_at = client.heard_at
        params = {"filterType": "id", "filterValues": asked, "fields": list(fields), "batchSize": BATCH}
        pages = [_trusted(page) for page in token_pages(client, LEADS, params)]
        moments = [page.answer.answered_at for page in pages if page.answer.answered_at is not None]
        leads = [lead for page in pages for lead in page.records]
        yield LeadBatch(asked, leads, heard_at or min(moments, default=None), pages[-1].request_id)


class _Numbers:
    # The two describes may spell a name differently; where a spelling in another case names one field, that is meant.
    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.exact: dict[str, Mapping[str, Any]] = {}
        self.folded: dict[str, list[Mapping[str, Any]]] = {}
        for record in records:
            rest = record.get("rest")
            if isinstance(rest, Mapping) and rest.get("name"):
                name = str(rest["name"])
                self.exact[name] = record
                self.folded.setdefault(name.lower(), []).append(record)

    def find(self, name: str) -> Mapping[str, Any]:
        """Return what Describe Lead says about the field, or nothing."""
        if name in self.exact:
            return self.exact[name]
        near = self.folded.get(name.lower(), [])
        return near[0] if len(near) == 1 else {}


def _field(record: Mapping[str, Any], numbers: _Numbers, searchable: set[str]) -> LeadField:
    name = str(record["name"])
    other = numbers.find(name)
    rest = other.get("rest")
    is_read_only = bool(rest.get("readOnly")) if isinstance(rest, Mapping) else False
    return LeadField(
        name=name,
        display_name=str(record.get("displayName") or name),
        data_type=str(record.get("dataType") or "string").lower(),
        length=integer(record.get("length")),
        id=integer(other.get("id")),
        is_read_only=is_read_only or record.get("updateable") is False,
        is_crm_managed=bool(record.get("crmManaged")),
        is_searchable=name in searchable,
    )


def _trusted(page: Page) -> Page:
    if page.answer.is_doubtful:
        raise UnreadableAnswer(
            "Marketo sent no list of leads, so none of those asked for may be taken for deleted", None, page.request_id
        )
    return page
