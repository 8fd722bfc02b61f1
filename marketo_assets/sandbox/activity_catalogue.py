"""Which kinds of activity every instance has, what they tell, and how often the seed makes one.

Ids and names are those of Adobe's Lead Activity event page. Attribute names are those that samples and public
connectors show as far as they do; nobody documents the rest, so those are this instance's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from marketo_assets.sandbox.activity_numbers import (
    ADD_TO_LIST,
    CHANGE_DATA_VALUE,
    CHANGE_LEAD_PARTITION,
    CHANGE_OWNER,
    CHANGE_REVENUE_STAGE,
    CHANGE_SCORE,
    CHANGE_STATUS,
    CONVERT_LEAD,
    DELETE_LEAD,
    MERGE_LEADS,
    NEW_LEAD,
    REMOVE_FROM_LIST,
)


class Attribute(NamedTuple):
    """What an activity of some type tells: the name, the data type, and the pool (see activity_pools.py)."""

    name: str
    data_type: str
    pool: str = ""
    api_name: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return it as Get Activity Types does."""
        shown = {"name": self.name, "dataType": self.data_type}
        return shown if self.api_name is None else {**shown, "apiName": self.api_name}


class ActivityType(NamedTuple):
    """One kind of activity as Get Activity Types tells of it."""

    id: int
    name: str
    primary: Attribute
    attributes: tuple[Attribute, ...] = ()
    weight: int = 0
    """How many of about a thousand activities of the seed are of this type; those of weight 0 come about otherwise."""
    is_flow: bool = False
    """Whether a smart campaign's flow does it: it then names the campaign, and may have been skipped or have failed."""
    api_name: str | None = None
    """Only custom types have one."""

    def shown(self) -> dict[str, Any]:
        """Return the type as the endpoint shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": f"{self.name} activity",
            "apiName": self.api_name,
            "primaryAttribute": self.primary.shown(),
            "attributes": [attribute.shown() for attribute in self.attributes],
        }


def _texts(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name, "string", "phrase") for name in names)


_LEAD = Attribute("Lead ID", "integer")
_MAIL = Attribute("Mailing ID", "integer", "email")
_FORM = Attribute("Webform ID", "integer", "form")
_WHY = (Attribute("Reason", "string", "awkward"), Attribute("Source", "string", "source"))
_VALUES = (Attribute("Old Value", "string", "score"), Attribute("New Value", "string", "score"))
_RUN = (Attribute("Campaign Run ID", "integer", "big"), Attribute("Choice Number", "integer", "small"))
_STEP = (*_RUN, Attribute("Step ID", "integer", "small"), Attribute("Test Variant", "integer", "small"))
_AGENT = Attribute("User Agent", "string", "agent")
_DEVICE = (
    Attribute("Platform", "string", "platform"),
    Attribute("Device", "string", "phrase"),
    _AGENT,
    Attribute("Is Mobile Device", "boolean", "flag"),
)
_WEB = (
    Attribute("Client IP Address", "string", "ip"),
    Attribute("Query Parameters", "string", "query"),
    Attribute("Referrer URL", "string", "url"),
    _AGENT,
)
_BOUNCE = (
    Attribute("Category", "string", "token"),
    Attribute("Details", "text", "awkward"),
    Attribute("Email", "email", "address"),
    Attribute("Subcategory", "string", "token"),
    *_STEP,
)
_LINK = (Attribute("Link", "url", "url"), Attribute("Link ID", "string", "token"))
_SALES = (
    Attribute("Marketo Sales Person ID", "integer", "big"),
    Attribute("Sales Campaign Name", "string", "phrase"),
    Attribute("Sales Campaign URL", "url", "url"),
    Attribute("Sales Template Name", "string", "awkward"),
    Attribute("Sales Template URL", "url", "url"),
)
_NURTURE = (Attribute("Track ID", "integer", "small"), Attribute("Track Name", "string", "phrase"))
_PROGRAM = Attribute("Program ID", "integer", "program")
_MERGE = (
    Attribute("Merge IDs", "string"),
    Attribute("Merge Source", "string"),
    Attribute("Merged in Sales", "boolean"),
    Attribute("Master Updated", "boolean"),
)
_PROGRESS = (
    Attribute("Reason", "string"),
    Attribute("Program Member ID", "integer"),
    Attribute("Acquired By", "boolean"),
    Attribute("Old Status", "string"),
    Attribute("Old Status ID", "integer"),
    Attribute("New Status", "string"),
    Attribute("New Status ID", "integer"),
    Attribute("Success", "boolean"),
)
_WEBINAR = (
    Attribute("Minutes Attended", "integer", "whole", "minutesAttended"),
    Attribute("Rating", "float", "decimal", "rating"),
    Attribute("Fee", "currency", "decimal", "fee"),
    Attribute("Is Live", "boolean", "flag", "isLive"),
    Attribute("Renewal Date", "date", "date", "renewalDate"),
    Attribute("Joined At", "datetime", "moment", "joinedAt"),
    Attribute("Recording", "link", "url", "recording"),
    Attribute("Contact", "email", "address", "contact"),
    Attribute("Phone", "phone", "phone", "phone"),
    Attribute("Notes", "text", "awkward", "notes"),
)
_USED = (
    Attribute("select", "string", "awkward", "select"),
    Attribute("Dauer (s)", "integer", "whole", "dauer"),
    Attribute('Said "what"?', "string", "phrase", "saidWhat"),
    Attribute("dauer (s)", "float", "decimal", "dauer2"),
)

STANDARD: tuple[ActivityType, ...] = (
    ActivityType(
        1,
        "Visit Webpage",
        Attribute("Webpage ID", "integer", "page"),
        (*_WEB, Attribute("Webpage URL", "url", "url")),
        170,
    ),
    ActivityType(
        2,
        "Fill Out Form",
        _FORM,
        (*_WEB, Attribute("Webpage ID", "integer", "number"), Attribute("Form Fields", "text", "json")),
        40,
    ),
    ActivityType(
        3,
        "Click Link",
        Attribute("Link ID", "integer", "link"),
        (*_WEB, Attribute("Webpage ID", "integer", "number")),
        60,
    ),
    ActivityType(6, "Send Email", _MAIL, _STEP, 170, is_flow=True),
    ActivityType(7, "Email Delivered", _MAIL, _STEP, 150),
    ActivityType(8, "Email Bounced", _MAIL, _BOUNCE, 8),
    ActivityType(
        9, "Unsubscribe Email", _MAIL, (*_WEB[:1], *_WEB[2:], Attribute("Form Fields", "text", "json"), *_RUN), 4
    ),
    ActivityType(10, "Open Email", _MAIL, (*_STEP, *_DEVICE), 120),
    ActivityType(
        11, "Click Email", _MAIL, (*_STEP, *_DEVICE, *_LINK, Attribute("Is Predictive", "boolean", "flag")), 50
    ),
    ActivityType(NEW_LEAD, "New Lead", _LEAD, (Attribute("Created Date", "date"), Attribute("Source Type", "string"))),
    ActivityType(CHANGE_DATA_VALUE, "Change Data Value", Attribute("Attribute Name", "integer"), (*_VALUES, *_WHY)),
    ActivityType(CONVERT_LEAD, "Convert Lead", _LEAD, _WHY),
    ActivityType(
        CHANGE_SCORE, "Change Score", Attribute("Score Name", "integer", "field"), (*_VALUES, *_WHY), 30, is_flow=True
    ),
    ActivityType(CHANGE_OWNER, "Change Owner", Attribute("Lead ID", "integer", "lead"), _WHY, 6, is_flow=True),
    ActivityType(ADD_TO_LIST, "Add to List", Attribute("List ID", "integer"), (Attribute("Source", "string"),)),
    ActivityType(
        REMOVE_FROM_LIST, "Remove from List", Attribute("List ID", "integer"), (Attribute("Source", "string"),)
    ),
    ActivityType(27, "Email Bounced Soft", _MAIL, _BOUNCE, 8),
    ActivityType(MERGE_LEADS, "Merge Leads", _LEAD, _MERGE),
    ActivityType(34, "Add to Opportunity", Attribute("Oppty ID", "integer", "number"), _texts("Role"), 5),
    ActivityType(DELETE_LEAD, "Delete Lead", _LEAD, _WHY),
    ActivityType(38, "Send Alert", _MAIL, (Attribute("Send To List", "text", "awkward"),), 5, is_flow=True),
    ActivityType(39, "Send Sales Email", _MAIL, (*_SALES, *_RUN), 5),
    ActivityType(40, "Open Sales Email", _MAIL, (*_SALES, *_DEVICE), 4),
    ActivityType(41, "Click Sales Email", _MAIL, (*_SALES, *_DEVICE, *_LINK), 2),
    ActivityType(
        46,
        "Interesting Moment",
        Attribute("Milestone", "string", "milestone"),
        (
            Attribute("Date", "datetime", "moment"),
            Attribute("Description", "text", "awkward"),
            Attribute("Source", "string", "source"),
        ),
        15,
        is_flow=True,
    ),
    ActivityType(
        47,
        "Request Campaign",
        Attribute("Campaign ID", "integer", "campaign"),
        (Attribute("Source", "string", "source"),),
        15,
        is_flow=True,
    ),
    ActivityType(CHANGE_LEAD_PARTITION, "Change Lead Partition", _LEAD, _WHY),
    ActivityType(CHANGE_REVENUE_STAGE, "Change Revenue Stage", _LEAD, _WHY),
    ActivityType(CHANGE_STATUS, "Change Status in Progression", Attribute("Program ID", "integer"), _PROGRESS),
    ActivityType(
        108,
        "Change Segment",
        Attribute("Segmentation ID", "integer", "segmentation"),
        (Attribute("New Segment ID", "integer", "segment"),),
        12,
    ),
    ActivityType(
        110,
        "Call Webhook",
        Attribute("Webhook", "integer", "number"),
        (Attribute("Response", "text", "json"), Attribute("Error Type", "integer", "small")),
        8,
        is_flow=True,
    ),
    ActivityType(113, "Add to Nurture", _PROGRAM, _NURTURE, 8, is_flow=True),
    ActivityType(114, "Change Nurture Track", _PROGRAM, _NURTURE, 4, is_flow=True),
    ActivityType(
        115,
        "Change Nurture Cadence",
        _PROGRAM,
        (Attribute("New Nurture Cadence", "string", "cadence"),),
        3,
        is_flow=True,
    ),
    ActivityType(123, "Change Program Member Data", _PROGRAM, (*_WHY, *_texts("Attribute Display Name")), 8),
    ActivityType(145, "Push Lead to Marketo", _PROGRAM, (*_WHY, *_texts("Method")), 8),
    ActivityType(
        100_001,
        "Attended Webinar",
        Attribute("Title", "string", "milestone", "title"),
        _WEBINAR,
        20,
        api_name="attendedWebinar_c",
    ),
    ActivityType(
        100_002, "Used “Feature”", Attribute("Feature", "string", "milestone", "feature"), _USED, 12, api_name="used_c"
    ),
)
