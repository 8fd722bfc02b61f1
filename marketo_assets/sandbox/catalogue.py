"""Which fields the instance has, and where each takes its values from.

Twenty standard fields and forty custom ones make the usual world of sixty: every data type Marketo knows, names
that differ only in case, names that are SQL keywords. Three more custom fields cannot be exported: a formula,
one that is hidden, and one that REST does not know. A wider world gets the rest of the standard fields, then
plain ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from marketo_assets.sandbox.fields import Field, Spelling, default_length
from marketo_assets.sandbox.pools import (
    COMPANY,
    FIRST,
    LAST,
    Maker,
    awkward,
    choice,
    dates,
    decimals,
    integers,
    long_texts,
    moments,
    names,
    phrases,
)

SMALLEST = 20
_FIRST_CUSTOM_ID = 1001


@dataclass(frozen=True)
class Entry:
    """One field and the maker of its values; None for those that generate.py works out from the lead itself."""

    field: Field
    maker: Maker | None


def _entry(
    name: str,
    display_name: str,
    data_type: str,
    maker: Maker | None,
    *,
    flags: str = "",
    spelling: Spelling = "plain",
    length: int | None = None,
) -> Entry:
    marks = flags.split()
    return Entry(
        Field(
            id=0,
            name=name,
            display_name=display_name,
            data_type=data_type,
            length=length or default_length(data_type),
            read_only="read_only" in marks,
            hidden="hidden" in marks,
            crm_managed="crm" in marks,
            searchable="search" in marks,
            sensitive="sensitive" in marks,
            soap_name=None if "no_soap" in marks else name[:1].upper() + name[1:],
            rest="no_rest" not in marks,
            spelling=spelling,
        ),
        maker,
    )


STANDARD: tuple[Entry, ...] = (
    _entry("id", "Id", "integer", None, flags="read_only search"),
    _entry("createdAt", "Created At", "datetime", None, flags="read_only"),
    _entry("updatedAt", "Updated At", "datetime", None, flags="read_only"),
    _entry("isAnonymous", "Is Anonymous", "boolean", choice("false"), flags="read_only"),
    _entry("email", "Email Address", "email", None, flags="search sensitive"),
    _entry("firstName", "First Name", "string", names(FIRST, empty=8), flags="sensitive"),
    _entry("lastName", "Last Name", "string", names(LAST, empty=8, extra=("null",) * 6), flags="sensitive"),
    _entry("company", "Company Name", "string", names(COMPANY, empty=12, extra=("null", 'The "Inn"'))),
    _entry("phone", "Phone Number", "phone", None, flags="sensitive"),
    _entry("address", "Address", "text", phrases(200, 4, empty=25, extra=("12 Elm St\nUnit 4", "1 Rue\r\nParis") * 3)),
    _entry("country", "Country", "string", choice("Brazil", "Österreich", "日本", "USA", "Côte d'Ivoire", empty=15)),
    _entry("postalCode", "Postal Code", "string", choice("00501", "01067", "K1A 0B1", "94107", "08001", empty=20)),
    _entry("dateOfBirth", "Date of Birth", "date", dates("1931-01-01", "2005-12-31", empty=60), flags="sensitive"),
    _entry("unsubscribed", "Unsubscribed", "boolean", choice("false", "false", "false", "true")),
    _entry("emailInvalid", "Email Invalid", "boolean", choice("false", "false", "false", "false", "true")),
    _entry("leadScore", "Person Score", "score", integers(-20, 400, empty=5)),
    _entry(
        "annualRevenue",
        "Annual Revenue",
        "currency",
        decimals(0, 50_000_000, 2, empty=40, extra=("-12.3456", "0.0001", "-99999999.9999", "1234567890.1234")),
    ),
    _entry("numberOfEmployees", "Num Employees", "integer", integers(1, 90_000, empty=40)),
    _entry("externalCompanyId", "External Company Id", "string", phrases(80, 1, empty=60), flags="search"),
    _entry("leadPartitionId", "Person Partition Id", "integer", choice("1"), flags="search"),
)

CUSTOM: tuple[Entry, ...] = (
    _entry("crmKey", "CRM Key", "string", None, flags="search"),
    _entry("regionCode", "Region Code", "string", choice("N", "S", "null", "007", empty=20), flags="search"),
    _entry("RegionCode", "Region Code (legacy)", "string", choice("north", "south", "7", empty=30), flags="search"),
    _entry("select", "Select", "string", awkward(120), flags="search"),
    _entry("order", "Order", "integer", integers(0, 9, empty=20), flags="search"),
    _entry("group", "Group", "boolean", choice("true", "false", empty=20)),
    _entry("notes", "Notes", "text", long_texts),
    _entry("lastAnswer", "Last Answer", "text", awkward(60)),
    _entry("favouriteQuote", "Favourite Quote", "string", awkward(100)),
    _entry("alternateEmail", "Alternate Email", "email", choice("a.b+tag@example.org", "x@example.net", empty=60)),
    _entry("supportPhone", "Support Phone", "phone", choice("+1 555 0100", "0049-30-5550100", "555.0101;9", empty=40)),
    _entry("profileUrl", "Profile URL", "url", choice("https://example.com/a?b=1,2&c=%22", "//x.example", empty=40)),
    _entry("ownerRef", "Owner Reference", "reference", integers(1, 9_000, empty=30)),
    _entry("legacyTags", "Legacy Tags", "array", choice('["a","b"]', "[]", '["null"]', empty=40)),
    _entry("bigCounter", "Big Counter", "integer", integers(-(2**63), 2**63 - 1, extra=(2**53 + 1, 2**63 - 1) * 5)),
    _entry("storeNumber", "Store Number", "integer", integers(-500, 500, extra=(-(2**31) - 1, 2**31), empty=15)),
    _entry("behaviorScore", "Behavior Score", "score", integers(-100, 100)),
    _entry("fitScore", "Fit Score", "score", integers(0, 100, empty=50)),
    _entry("discountPercent", "Discount", "percent", integers(0, 100, empty=20)),
    _entry("winPercent", "Win Probability", "percent", decimals(-5, 120, 2, extra=("33.333333", "0.1"))),
    _entry("latitude", "Latitude", "float", decimals(-90, 90, 6, empty=30)),
    _entry("tinyRatio", "Tiny Ratio", "float", decimals(-1, 1, 9, extra=("0.000000000001", "123456789012345"))),
    _entry("balance", "Balance", "currency", decimals(-90_000, 90_000, 4, extra=("-0.5", "99999999999.9999"))),
    _entry("creditLimit", "Credit Limit", "currency", decimals(0, 9_000, 0, empty=50)),
    _entry("isPartner", "Is Partner", "boolean", choice("true", "false", empty=30), spelling="zero_one"),
    _entry("wantsDemo", "Wants Demo", "boolean", choice("true", "false", empty=60)),
    _entry("foundedOn", "Founded On", "date", dates("1801-01-01", "2024-12-31", extra=("1582-10-15", "1969-12-31"))),
    _entry("renewalOn", "Renewal On", "date", dates("2024-01-01", "2031-12-31", extra=("9999-12-31", "2024-02-29"))),
    _entry("lastVisitAt", "Last Visit At", "datetime", moments("2019-01-01", "2026-01-01", empty=30)),
    _entry("firstSeenAt", "First Seen At", "datetime", moments("1955-01-01", "1975-01-01", empty=50)),
    _entry("syncedAt", "Synced At", "datetime", moments("2021-03-01", "2026-01-01"), spelling="offset"),
    _entry("codeWithZeros", "Code With Zeros", "string", choice("0", "00", "0007", "007", "1.10", "1e3", empty=10)),
    _entry("crmTier", "CRM Tier", "string", choice("gold", "silver", "Gold", empty=30), flags="crm read_only"),
    _entry("planName", "Plan Name", "string", phrases(50, 2), flags="search"),
    _entry("interests", "Interests", "string", choice("a;b;c", "a", "b;c", "null", empty=30)),
    _entry("jobTitleLocal", "Job Title (local)", "string", choice("Ingénieur", "エンジニア", "工程师", empty=30)),
    _entry("campaignCode", "Campaign Code", "string", phrases(200, 1), flags="search"),
    _entry("seatCount", "Seat Count", "integer", integers(0, 5_000)),
    _entry("surveyComment", "Survey Comment", "text", phrases(250, 12, empty=50)),
    _entry("neverFilled", "Never Filled", "string", choice()),
)

UNEXPORTABLE: tuple[Entry, ...] = (
    _entry("fullAddressFormula", "Full Address", "formula", choice(), flags="read_only"),
    _entry("retiredCode", "Retired Code", "string", phrases(20, 1), flags="hidden"),
    _entry("soapOnlyFlag", "SOAP Only Flag", "string", phrases(20, 1), flags="no_rest"),
)

MORE_STANDARD: tuple[Entry, ...] = (
    _entry("salutation", "Salutation", "string", choice("Dr.", "Ms.", "Mr.", "Mx.", empty=50)),
    _entry("middleName", "Middle Name", "string", names(FIRST, empty=80), flags="sensitive"),
    _entry("mobilePhone", "Mobile Phone Number", "phone", choice("+1 555 0199", "+81 555 0142", empty=50)),
    _entry("title", "Job Title", "string", phrases(200, 3)),
    _entry("department", "Department", "string", phrases(30, 1)),
    _entry("city", "City", "string", phrases(80, 2)),
    _entry("state", "State", "string", choice("CA", "Bayern", "東京", empty=30)),
    _entry("leadSource", "Person Source", "string", choice("Web", "Event", "List import", empty=20)),
    _entry("leadStatus", "Person Status", "string", choice("New", "Open", "Closed", empty=20)),
    _entry("industry", "Industry", "string", phrases(40, 2, empty=40)),
    _entry("website", "Website", "url", choice("https://example.com", "https://example.net/ä", empty=50)),
    _entry("mainPhone", "Main Phone", "phone", choice("+1 555 0110", "+49 555 0111", empty=60)),
    _entry("billingCity", "Billing City", "string", phrases(80, 2, empty=60)),
    _entry("doNotCall", "Do Not Call", "boolean", choice("false", "true", empty=10)),
    _entry("marketingSuspended", "Marketing Suspended", "boolean", choice("false", "true")),
    _entry("priority", "Priority", "integer", integers(0, 100), flags="read_only"),
    _entry("urgency", "Urgency", "integer", integers(0, 5), flags="read_only"),
    _entry("acquisitionProgramId", "Acquisition Program", "reference", integers(1000, 1100, empty=30)),
    _entry("mktoAcquisitionDate", "Acquisition Date", "datetime", moments("2020-01-01", "2026-01-01", empty=40)),
    _entry("inferredCountry", "Inferred Country", "string", phrases(30, 1), flags="read_only"),
)


def catalogue(exportable: int) -> Iterator[Entry]:
    """Yield the entries of an instance with *exportable* fields that a bulk export accepts, and the three it refuses.

    Raises: ValueError when *exportable* is below the number of standard fields that every world has.
    """
    if exportable < SMALLEST:
        raise ValueError(f"an instance has at least {SMALLEST} exportable fields")
    standard, custom = list(STANDARD), list(CUSTOM)
    standard += MORE_STANDARD[: max(0, exportable - len(standard) - len(custom))]
    custom = custom[: exportable - len(standard)]
    custom += [_plain(number) for number in range(exportable - len(standard) - len(custom))]
    for number, entry in enumerate(standard, start=1):
        yield replace(entry, field=replace(entry.field, id=number))
    for number, entry in enumerate([*custom, *UNEXPORTABLE], start=_FIRST_CUSTOM_ID):
        yield replace(entry, field=replace(entry.field, id=number, custom=True))


def _plain(number: int) -> Entry:
    name, label = f"extraField{number + 1:03d}", f"Extra Field {number + 1:03d}"
    if number % 3 == 0:
        return _entry(name, label, "integer", integers(0, 100_000))
    return _entry(name, label, "string", phrases(200, 2))
