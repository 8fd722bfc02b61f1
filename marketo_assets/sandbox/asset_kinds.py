"""Which kinds of asset there are, and how the asset API speaks of each: addresses, filters, members.

A kind is a row here; what the routes do for all kinds alike is in asset_routes.py.
"""

from __future__ import annotations

from dataclasses import dataclass

PAGING = frozenset({"maxReturn", "offset"})
UPDATED = frozenset({"earliestUpdatedAt", "latestUpdatedAt"})
_STAMPS = ("createdAt", "updatedAt")
_ALL = ("description", *_STAMPS, "url", "folder", "workspace")


@dataclass(frozen=True)
class AssetKind:
    """One kind of asset."""

    name: str
    """What the control desk calls it."""
    plural: str
    """Its browse address, below `/rest/asset/v1/`."""
    singular: str
    browse: frozenset[str]
    """Query parameters of the browse."""
    common: tuple[str, ...] = (*_ALL, "status")
    """Members that every kind may have, besides `id` and `name`; its own ones are values of the asset."""
    by_id: frozenset[str] | None = frozenset()
    """Query parameters of the read by id; None where there is none."""
    by_name: frozenset[str] | None = frozenset({"name"})
    """Query parameters of the read by name; None where there is none."""
    folder_style: str = "value"
    """What the folder reference is made of: `value` with type and folderName, or `id` with type alone."""
    has_versions: bool = False
    """Whether it can be approved, a draft, or both at once."""
    hidden_in_browse: tuple[str, ...] = ()
    """Values that only a read by id or name shows."""


_STATUS = frozenset({"status"})
_FOLDER = frozenset({"folder"})
KINDS: tuple[AssetKind, ...] = (
    AssetKind(
        "program",
        "programs",
        "program",
        PAGING | UPDATED | {"filterType", "filterValues", "status"},
        by_name=frozenset({"name", "includeTags", "includeCosts"}),
        hidden_in_browse=("startDate", "endDate", "tags", "costs"),
    ),
    AssetKind(
        "channel",
        "channels",
        "channel",
        PAGING,
        common=_STAMPS,
        by_id=None,
        by_name=frozenset({"name", "Name"}),
    ),
    AssetKind("tag_type", "tagTypes", "tagType", PAGING, common=(), by_id=None, hidden_in_browse=("allowableValues",)),
    AssetKind("static_list", "staticLists", "staticList", PAGING | UPDATED | _FOLDER, common=_ALL, folder_style="id"),
    AssetKind(
        "smart_list",
        "smartLists",
        "smartList",
        PAGING | UPDATED | _FOLDER,
        common=_ALL,
        by_id=frozenset({"includeRules"}),
        folder_style="id",
    ),
    AssetKind(
        "smart_campaign",
        "smartCampaigns",
        "smartCampaign",
        PAGING | UPDATED | _FOLDER | {"isActive"},
        common=("description", *_STAMPS, "folder", "workspace", "status"),
        folder_style="id",
    ),
    AssetKind(
        "email",
        "emails",
        "email",
        PAGING | UPDATED | _FOLDER | _STATUS,
        by_id=_STATUS,
        by_name=frozenset({"name", "status", "folder"}),
        has_versions=True,
    ),
    AssetKind(
        "email_template",
        "emailTemplates",
        "emailTemplate",
        PAGING | _STATUS,
        by_id=_STATUS,
        by_name=frozenset({"name", "status"}),
        has_versions=True,
    ),
    AssetKind(
        "form",
        "forms",
        "form",
        PAGING | _FOLDER | _STATUS,
        common=("description", *_STAMPS, "url", "folder", "status"),
        by_id=_STATUS,
        by_name=frozenset({"name", "status", "folder"}),
        has_versions=True,
    ),
    AssetKind(
        "landing_page",
        "landingPages",
        "landingPage",
        PAGING | _FOLDER | _STATUS,
        common=("description", *_STAMPS, "folder", "workspace", "status"),
        by_id=_STATUS,
        by_name=frozenset({"name", "status"}) | PAGING,
        has_versions=True,
    ),
    AssetKind(
        "landing_page_template",
        "landingPageTemplates",
        "landingPageTemplate",
        PAGING | _FOLDER | _STATUS,
        by_id=_STATUS,
        has_versions=True,
    ),
    AssetKind("segmentation", "segmentation", "segmentation", _STATUS, by_id=None, by_name=None, has_versions=True),
)
BY_NAME = {kind.name: kind for kind in KINDS}
