"""Which objects are copied beside leads and activities, and how Marketo lets each of them be read.

An object is a row here; what is done with all of them alike is in reference.py.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from marketo_assets.settings import Settings, SettingsError

ASSETS = "/rest/asset/v1"
_LEAD, _CAMPAIGN, _ASSET = "Read-Only Lead", "Read-Only Campaign", "Read-Only Assets"


@dataclass(frozen=True)
class ReferenceObject:
    """One kind of object that gives ids a name, and the endpoint that lists all of its kind."""

    name: str
    """What its table and MARKETO_OBJECTS call it."""
    path: str
    permission: str = _ASSET
    """What the API user's role needs to read it."""
    paging: Literal["offset", "token", "none", "tree"] = "offset"
    """Whether pages follow by offset, by paging token, or not at all; or level by level."""
    has_updated_at: bool = False
    """Whether the endpoint can be asked for what was updated since a moment."""
    has_versions: bool = False
    """Whether an object can be approved and have a draft at once, both under one id."""
    key: tuple[str, ...] = ("id",)
    """The members that tell one object from another, each as a path."""
    one: str | None = None
    """Where one of them is read by `id`; None where no such endpoint exists."""


@dataclass(frozen=True)
class Detail:
    """What Marketo tells of an object only when it is asked for that one: a call each."""

    name: str
    """What `raw.reference_versions` calls it."""
    of: str
    """The object that it belongs to."""
    tables: tuple[str, ...]
    """What MARKETO_OBJECTS calls what is made of it."""
    is_dated: bool = True
    """Whether the object's updatedAt tells that its detail may have changed; else it is asked for each time."""


def _asset(name: str, plural: str, singular: str | None, **told: bool) -> ReferenceObject:
    one = f"{ASSETS}/{singular}/{{id}}.json" if singular else None
    return ReferenceObject(name, f"{ASSETS}/{plural}.json", one=one, **told)  # type: ignore[arg-type]  # only flags


REFERENCE = (
    _asset("programs", "programs", "program", has_updated_at=True),
    ReferenceObject("campaigns", "/rest/v1/campaigns.json", _CAMPAIGN, "token", one="/rest/v1/campaigns/{id}.json"),
    _asset("emails", "emails", "email", has_updated_at=True, has_versions=True),
    _asset("static_lists", "staticLists", "staticList", has_updated_at=True),
)
"""The objects that an endpoint lists, in the order in which they are read."""
DETAILS: tuple[Detail, ...] = ()
MEMBERSHIPS = ("program_members", "static_list_members")
"""Who is in what; read by other means, chosen by the same setting."""
BY_NAME = {item.name: item for item in REFERENCE}


def object_names() -> tuple[str, ...]:
    """Return every name that MARKETO_OBJECTS may hold."""
    tables = tuple(table for detail in DETAILS for table in detail.tables)
    return (*(item.name for item in REFERENCE), *tables, *MEMBERSHIPS)


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
