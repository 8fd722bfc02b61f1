"""What a sandbox is started with: the world's size, the instance's limits, and what it is told to do differently."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from marketo_assets.sandbox.clock import MIDNIGHTS

ALL_PERMISSIONS = (
    "Read-Only Lead",
    "Read-Write Lead",
    "Read-Only Activity",
    "Read-Only Activity Metadata",
    "Read-Only Assets",
    "Read-Only Campaign",
    "Read-Write Schema Standard Field",
    "Read-Write Schema Custom Field",
)


@dataclass(frozen=True)
class Limits:
    """What the instance allows; the defaults are Adobe's documented ones."""

    rate_calls: int = 100
    """Calls in any `rate_seconds` (606)."""
    rate_seconds: float = 20.0
    """Length of the sliding rate window."""
    concurrency: int = 10
    """Calls at once (615)."""
    daily_calls: int = 50_000
    """Calls a day (607)."""
    daily_export_bytes: int = 500_000_000
    """Bytes of completed exports a day (1029); Adobe's MB taken as 1,000,000, the smaller reading."""
    exports_processing: int = 2
    """Export jobs processing at once."""
    exports_queued: int = 10
    """Export jobs queued, those processing included (1029)."""
    status_refresh_seconds: float = 60.0
    """A job's status is refreshed once in so many seconds."""
    file_days: float = 7.0
    """Days until an export file is gone; Adobe says 7 in one place and 10 in another."""
    status_days: float = 30.0
    """Days for which a finished job's status is known."""
    list_days: float = 7.0
    """The job list shows jobs created in so many past days."""
    token_seconds: float = 3600.0
    """Lifetime of an access token."""
    uri_bytes: int = 8_192
    """Longest URI of the lead database and bulk API (414)."""
    asset_uri_bytes: int = 66_560
    """Longest URI of the asset API (414)."""
    body_bytes: int = 1_000_000
    """Longest body (413); Adobe's 1 MB in the smaller reading."""
    leads_per_filter: int = 1_000
    """More matches than this are refused (1003)."""
    filter_values: int = 300
    """More filter values than this are refused (1003)."""
    leads_per_list: int = 10_000
    """Activities cannot be asked for by a list with so many leads or more (1003)."""
    members_per_filter: int = 100_000
    """Members of a larger program can be found by lead id only (1003)."""
    changes_days: float = 90.0
    """Days for which Change Data Value, Change Score and their like are kept."""
    activities_days: float = 761.0
    """Days for which other activities are kept: 25 months."""
    deletions_days: float = 14.0
    """Days for which deletions are told."""
    paging_token_days: float = 365.0
    """Days for which a paging token of the activities works (1003); no source says."""


@dataclass(frozen=True)
class Switches:
    """Where instances differ, or where Adobe's pages are silent or contradict each other."""

    updated_at_filter: bool = True
    """Whether this subscription has the updatedAt export filter; without it, 1035."""
    lenient: bool = False
    """Whether requests are taken that no document knows and clients in the field send: unknown query parameters (passed
    over), and `_method` or the credentials for Identity in a form body."""
    quote_null_text: bool = True
    """Whether the word null as a real value is quoted in export files."""
    midnight: str = "America/Chicago"
    """Whose midnight ends a quota day: `America/Chicago` (wall time) or `CST` (UTC-6 all year)."""
    ssv_delimiter: str = ";"
    """SSV is semicolon in Bulk Extract and space in the per-object pages."""
    missing_lead: str = "1004"
    """What Get Lead by Id says of an unknown id: the code `1004`, or `empty` for an empty result."""
    empty_lists: bool = True
    """Whether lead database answers carry empty `errors` and `warnings`: the Swagger file says always, samples leave
    them out."""
    queue_seconds: float = 5.0
    """How long a job stays Queued even when a slot is free."""
    export_seconds: float = 90.0
    """How long a job is processing, whatever its size."""
    export_seconds_per_mb: float = 1.0
    """And how much longer for each 1,000,000 bytes."""
    repeated_rows: int = 0
    """How many leads of an export file come once more at its end: Adobe's blog says that duplicates happen."""
    activity_page: int = 300
    """Activities on a page at most, whatever the caller asks for; fewer come with `moreResult` true."""
    activity_scan: int = 0
    """How many activities a page looks at before it stops, found or not; 0 looks at all."""
    empty_pages: int = 0
    """How many pages with nothing and `moreResult` true come before each page."""
    page_overlap: int = 0
    """How many activities of a page the next one repeats."""
    unordered_pages: bool = True
    """Whether activities come unordered inside a page: no source promises an order."""
    activities_late_seconds: float = 0.0
    """Each activity from now on shows at most so many seconds after it happened."""
    activity_id: str = "unique"
    """The legacy `id`: `unique`, `repeated` by several activities, or `missing` (then only marketoGUID is there)."""
    activity_date: str = "mixed"
    """How activityDate names UTC: `Z`, `+0000`, or `mixed`, as in Adobe's samples."""
    empty_value: str = "null"
    """An empty old or new value in Get Lead Changes: `null`, `absent` or `empty`; attributes are `absent` or empty."""
    score_as_13: bool = False
    """Whether a change of a score is also logged as Change Data Value, not as Change Score alone."""
    others_as_13: bool = False
    """Whether merges and changes of owner, partition and stage log a Change Data Value for each value as well."""
    merge_losers_deleted: bool = False
    """Whether merge losers appear among the deleted leads."""
    merged_activities_follow: bool = False
    """Whether a loser's activities are shown as the winner's after the merge."""
    deleted_leads_activities: bool = True
    """Whether activities of deleted leads are still shown; that of the deletion itself always is."""
    unfit_attributes: bool = False
    """Whether one in eight attributes of the seed's activities does not fit the data type that its type declares."""
    attribute_values: str = "typed"
    """How Get Lead Activities writes attributes: `typed` as JSON knows them, or `texts`, all of them."""
    bulk_attributes: str = "object"
    """How an export file writes attributes: `object` as in the guide, or `array` of name and value as in the spec."""
    member_labels: bool = True
    """Whether member fields come under their labels in an export that names no header, as in Adobe's samples."""
    asset_version: str = "approved"
    """Which version of an asset that is approved and has a draft is shown where no status is asked for: `approved`,
    `draft`, or `both`, as two items with one id."""
    tags_move_stamps: bool = False
    """Whether a program's updatedAt moves when only its tags or costs change."""
    activity_fields_required: bool = True
    """Whether a bulk activity export must name its fields: the Swagger file says so, the guide does not."""
    new_lead_by_fields: bool = False
    """Whether Get Lead Changes tells only of new leads that came with a value in one of `fields`."""
    company_moves_stamps: bool = True
    """Whether a changed company moves what the updatedAt filter sees of its leads."""
    readable_after_seconds: float = 0.0
    """So long after its creation a lead is not yet found by filter, though its New Lead activity shows."""


@dataclass(frozen=True)
class Options:
    """Everything that `marketo-assets sandbox` can be told."""

    leads: int = 10_000
    """Leads that exist at the start."""
    activities: int = 2
    """Activities that the seed drew for each lead, besides those of its creation, lists and programs."""
    months: int = 24
    """Months over which they were created, the running one included."""
    seed: int = 1
    """Same seed and same start moment, same instance."""
    fields: int = 60
    """Lead fields of the instance."""
    now: datetime | None = None
    """The sandbox's moment at the start; None is the machine's."""
    time_scale: float = 1.0
    """How much faster than life time runs; 0 stands still until it is moved."""
    limits: Limits = field(default_factory=Limits)
    """The instance's limits."""
    switches: Switches = field(default_factory=Switches)
    """The instance's peculiarities."""
    client_id: str = "5d0f0c3e-sandbox-client"
    """Client id of the first custom service."""
    client_secret: str = field(default="sandbox-secret", repr=False)
    """Client secret of the first custom service."""
    user_id: str = "warehouse-api@sandbox.example"
    """API user of the first custom service."""
    chaos: int | None = None
    """Seed of bad weather, in which every fault strikes; None is fine weather."""
    permissions: tuple[str, ...] = ALL_PERMISSIONS
    """What that user's role allows."""


CHOICES: Mapping[str, Collection[str]] = {
    "midnight": MIDNIGHTS,
    "activity_id": ("unique", "repeated", "missing"),
    "activity_date": ("Z", "+0000", "mixed"),
    "empty_value": ("null", "absent", "empty"),
    "attribute_values": ("typed", "texts"),
    "bulk_attributes": ("object", "array"),
    "asset_version": ("approved", "draft", "both"),
}
"""The switches that take one of several words."""

LEAST: Mapping[str, int] = {"activity_page": 1}
"""The numbers that may not be 0: a page without room would come for ever."""

Told = TypeVar("Told", Limits, Switches)


def amend(current: Told, changes: Mapping[str, Any]) -> Told:
    """Return *current* with *changes*, each checked against the type of what it replaces.

    Raises: ValueError naming an unknown name or a value of the wrong type.
    """
    for name, value in changes.items():
        if name not in {item.name for item in dataclasses.fields(current)}:
            raise ValueError(f"unknown name {name!r}")
        wanted = type(getattr(current, name))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (isinstance(value, wanted) or (wanted is float and is_number)) or (wanted is int and not is_number):
            raise ValueError(f"{name} takes a value of type {wanted.__name__}")
        if is_number and value < LEAST.get(name, 0):
            raise ValueError(f"{name} is at least {LEAST.get(name, 0)}")
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}")
    return dataclasses.replace(current, **dict(changes))
