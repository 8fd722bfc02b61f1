"""Which fields of a lead to copy: everything readable, unless the settings say otherwise."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from marketo_assets.api.lead_database import LeadField
from marketo_assets.settings import Settings, SettingsError

# Without these a row has no key, no partition and no order; Marketo lets every reader have them.
ALWAYS = ("id", "createdAt", "updatedAt")


def choose_lead_fields(described: Sequence[LeadField], settings: Settings) -> list[LeadField]:
    """Return the fields to copy, in Describe's order with id, createdAt and updatedAt first.

    Raises: SettingsError naming the setting, the unknown name and the nearest known ones.
    """
    wanted = _resolve(settings.lead_fields, described, "MARKETO_LEAD_FIELDS")
    excluded = _resolve(settings.lead_fields_exclude, described, "MARKETO_LEAD_FIELDS_EXCLUDE") - set(ALWAYS)
    chosen = [field for field in described if not wanted or field.name in wanted or field.name in ALWAYS]
    by_name = {field.name: field for field in chosen if field.name not in excluded}
    missing = [name for name in ALWAYS if name not in by_name]
    if missing:
        raise SettingsError(
            f"Describe Lead does not show {', '.join(missing)} to these credentials; leads cannot be copied without. "
            "In Marketo, unhide the field under Admin, Field Management, then run this again."
        )
    return [by_name.pop(name) for name in ALWAYS] + list(by_name.values())


def _resolve(names: Sequence[str], described: Sequence[LeadField], setting: str) -> set[str]:
    known = {field.name for field in described}
    found = set()
    for name in names:
        # Two fields may differ in case only, so the exact spelling wins; otherwise case does not matter.
        same = [other for other in known if other.lower() == name.lower()]
        if name in known:
            found.add(name)
        elif len(same) == 1:
            found.add(same[0])
        else:
            near = sorted(same) or difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise SettingsError(
                f"{setting} names {name!r}, which Marketo does not describe for these credentials.{hint} "
                "Correct the name (REST API names, see marketo.lead_fields or `marketo-assets doctor`), or remove it."
            )
    return found
