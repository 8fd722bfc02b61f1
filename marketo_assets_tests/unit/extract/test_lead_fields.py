"""Which fields are copied: all that can be read, or those that were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.settings import Secret, Settings, SettingsError

NAMES = ("email", "createdAt", "id", "regionCode", "RegionCode", "updatedAt", "planName")


def described(*names: str) -> list[LeadField]:
    return [LeadField(name, name, "string", None, None, False, False, False) for name in names]


def settings(copied: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Settings:
    return Settings("https://x.mktorest.com", Secret(""), Secret(""), Path(), copied, excluded)


CHOICES = {
    "everything": ((), (), ["email", "regionCode", "RegionCode", "planName"]),
    "some": (("planName", "email"), (), ["email", "planName"]),
    "some in another case": (("PLANNAME",), (), ["planName"]),
    "one of two that differ in case": (("RegionCode",), (), ["RegionCode"]),
    "all but some": ((), ("email", "regionCode"), ["RegionCode", "planName"]),
    "what is asked for and excluded": (("email", "planName"), ("email",), ["planName"]),
    "id excluded": ((), ("id", "createdAt", "updatedAt"), ["email", "regionCode", "RegionCode", "planName"]),
}


@pytest.mark.parametrize(("copied", "excluded", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_the_fields_that_are_copied(copied: tuple[str, ...], excluded: tuple[str, ...], expected: list[str]) -> None:
    """id and the two stamps come first and always; the others as settings say, in Describe's order."""
    found = choose_lead_fields(described(*NAMES), settings(copied, excluded))

    assert ["id", "createdAt", "updatedAt", *expected] == [field.name for field in found]


def test_a_name_that_fits_two_fields() -> None:
    """A name in a case of its own that fits two fields is refused, and both are named."""
    with pytest.raises(SettingsError, match=r"MARKETO_LEAD_FIELDS names 'REGIONCODE'.*RegionCode, regionCode"):
        choose_lead_fields(described(*NAMES), settings(("REGIONCODE",)))


def test_credentials_that_do_not_see_the_key() -> None:
    """Where Describe does not show id or a stamp, the error names them and where to unhide them."""
    with pytest.raises(SettingsError, match=r"does not show id, updatedAt .*Field Management"):
        choose_lead_fields(described("createdAt", "email"), settings())
