"""Which objects are copied beside leads and activities, and how Marketo lets each of them be read.

An object is a row here; what is done with all of them alike is in listing.py and reference.py.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from marketo_assets.settings import Settings, SettingsError

ASSETS = "/rest/asset/v1"


@dataclass(frozen=True)
class ReferenceObject:
    """One kind of object that gives ids a name, and the endpoint that lists all of its kind."""

    name: str
    """What its table and MARKETO_OBJECTS call it."""
    path: str
    permission: str = "Read-Only Assets"
    """What the API user's role needs to read it."""
    paging: Literal["offset", "token", "none", "tree"] = "offset"
    """Whether pages follow by offset, by paging token, or not at all; or by offset, some levels of a tree at a time."""
    has_updated_at: bool = False
    """Whether the endpoint can be asked for what was updated since a moment."""
    has_versions: bool = False
    """Whether an object can be approved and have a draft at once, both under one id."""
    key: tuple[str, ...] = ("id",)
    """The members that tell one object from another, each as a path."""
    one: str | None = None
    """Where one of them is read, by the parts of its key in order; None where no such endpoint exists."""
    one_params: Mapping[str, str] = field(default_factory=dict)
    """What that call takes besides."""


@dataclass(frozen=True)
class Detail:
    """What Marketo tells of an object only when it is asked for that one: a call each."""

    name: str
    """What `raw.reference_versions` calls it; its id there is that of the object."""
    of: str
    """The object that it belongs to."""
    path: str
    tables: tuple[str, ...]
    """What MARKETO_OBJECTS calls what is made of it."""
    by: Literal["name", "id"]
    """Whether the object is named by its name (parameter `name`), or by its id, in the path."""
    params: Mapping[str, str] = field(default_factory=dict)
    fallback: str | None = None
    """Where it is read by id, less completely, where Marketo cannot search the name."""
    is_list: bool = False
    """Whether the detail is all that the endpoint lists, rather than one record."""
    is_dated: bool = True
    """Whether the object's updatedAt tells that its detail may have changed; else it is asked for at each run."""


def _asset(
    name: str, plural: str, singular: str, *, has_updated_at: bool = False, has_versions: bool = False
) -> ReferenceObject:
    return ReferenceObject(
        name,
        f"{ASSETS}/{plural}.json",
        has_updated_at=has_updated_at,
        has_versions=has_versions,
        one=f"{ASSETS}/{singular}/{{0}}.json",
    )


REFERENCE = (
    _asset("programs", "programs", "program", has_updated_at=True),
    _asset("smart_campaigns", "smartCampaigns", "smartCampaign", has_updated_at=True),
    ReferenceObject(
        "campaigns", "/rest/v1/campaigns.json", "Read-Only Campaign", "token", one="/rest/v1/campaigns/{0}.json"
    ),
    _asset("emails", "emails", "email", has_updated_at=True, has_versions=True),
    _asset("email_templates", "emailTemplates", "emailTemplate", has_versions=True),
    _asset("static_lists", "staticLists", "staticList", has_updated_at=True),
    _asset("smart_lists", "smartLists", "smartList", has_updated_at=True),
    _asset("forms", "forms", "form", has_versions=True),
    _asset("landing_pages", "landingPages", "landingPage", has_versions=True),
    _asset("landing_page_templates", "landingPageTemplates", "landingPageTemplate", has_versions=True),
    ReferenceObject("channels", f"{ASSETS}/channels.json"),
    ReferenceObject("tags", f"{ASSETS}/tagTypes.json", key=("tagType",)),
    ReferenceObject("segmentations", f"{ASSETS}/segmentation.json", paging="none", has_versions=True),
    ReferenceObject(
        "folders",
        f"{ASSETS}/folders.json",
        paging="tree",
        key=("folderId.type", "folderId.id"),
        one=f"{ASSETS}/folder/{{1}}.json",
        one_params={"type": "{0}"},
    ),
    ReferenceObject("lead_partitions", "/rest/v1/leads/partitions.json", "Read-Only Lead", "none"),
)
"""The objects that an endpoint lists, in the order in which they are read."""
DETAILS = (
    Detail("tag_details", "tags", f"{ASSETS}/tagType/byName.json", ("tags",), "name", is_dated=False),
    Detail(
        "segments", "segmentations", f"{ASSETS}/segmentation/{{0}}/segments.json", ("segments",), "id", is_list=True
    ),
    # By id Marketo tells tags and no costs; by name both.
    Detail(
        "program_details",
        "programs",
        f"{ASSETS}/program/byName.json",
        ("program_tags", "program_costs"),
        "name",
        {"includeTags": "true", "includeCosts": "true"},
        fallback=f"{ASSETS}/program/{{0}}.json",
    ),
)
"""What takes a call for each object, in the order in which it is read: the costliest last."""
MEMBERSHIPS = ("program_members", "static_list_members")
"""Who is in what; read by other means, chosen by the same setting."""


def object_names() -> tuple[str, ...]:
    """Return every name that MARKETO_OBJECTS may hold."""
    tables = (table for detail in DETAILS for table in detail.tables)
    return tuple(dict.fromkeys((*(kind.name for kind in REFERENCE), *tables, *MEMBERSHIPS)))


def choose_objects(settings: Settings) -> frozenset[str]:
    """Return the names of the objects to copy: all that there are, unless MARKETO_OBJECTS says otherwise.

    Raises: SettingsError naming the setting, the unknown name and the choices.
    """
    known = object_names()
    for name in settings.objects:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise SettingsError(
                f"MARKETO_OBJECTS names {name!r}, which is no object that can be copied. {hint}"
                f"Put names from this list there, comma separated, or unset it for all: {', '.join(sorted(known))}."
            )
    return frozenset(settings.objects or known)


def details_to_read(chosen: frozenset[str]) -> tuple[Detail, ...]:
    """Return the details that the *chosen* names need."""
    return tuple(detail for detail in DETAILS if chosen & set(detail.tables))


def objects_to_read(chosen: frozenset[str]) -> tuple[ReferenceObject, ...]:
    """Return the objects that the *chosen* names need; whoever wants a detail needs the list of what has it."""
    needed = chosen | {detail.of for detail in details_to_read(chosen)}
    return tuple(kind for kind in REFERENCE if kind.name in needed)
