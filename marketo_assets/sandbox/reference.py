"""What the seed calls things: programs, lists, campaigns, emails, forms and pages, with their ids.

Activities point at them and the asset API tells of them. They are the same in every instance, whatever its seed.
"""

from __future__ import annotations

from typing import NamedTuple

NOT_IN_PROGRAM = "Not in Program"


class Status(NamedTuple):
    """One status that a member of a program can have; *step* tells how far along it is."""

    name: str
    step: int
    success: bool = False


class Named(NamedTuple):
    """An asset of the seed, and the program it lies in, if any."""

    id: int
    name: str
    program_id: int | None = None

    @property
    def full_name(self) -> str:
        """The name as activities tell it: with its program's in front, in Marketo's `Program.Asset` notation."""
        names = {program.id: program.name for program in PROGRAMS}
        return self.name if self.program_id is None else f"{names[self.program_id]}.{self.name}"


class SeedProgram(NamedTuple):
    """A program of the seed, and how many leads in a thousand are or were its members."""

    id: int
    name: str
    type: str
    channel: str
    share: int


class SeedList(NamedTuple):
    """A static list of the seed, and how many leads in a thousand are or were on it."""

    id: int
    name: str
    share: int
    program_id: int | None = None


CHANNELS: dict[str, tuple[str, tuple[Status, ...]]] = {
    # name: type of program that it is for, statuses in the order of their steps
    "Webinar": (
        "Event with Webinar",
        (Status("Invited", 10), Status("Registered", 20), Status("No Show", 30), Status("Attended", 40, True)),
    ),
    "Tradeshow": ("Event", (Status("Invited", 10), Status("Visited Booth", 20, True), Status("Influenced", 30, True))),
    "Email Send": ("Email", (Status("Sent", 10), Status("Opened", 20), Status("Clicked", 30, True))),
    "Nurture": ("Engagement", (Status("Member", 10), Status("Engaged", 20), Status("Converted, at last", 30, True))),
    "Content": ("Default", (Status("Requested", 10), Status("Downloaded", 20, True))),
    "Web Form": ("Default", (Status("Viewed", 10), Status("Filled-out Form", 20, True))),
    "Online Advertising": ("Default", (Status("Clicked ad", 10), Status("Converted", 20, True))),
    "Operational": ("Default", (Status("Member", 10),)),
}

PROGRAMS: tuple[SeedProgram, ...] = (
    SeedProgram(1001, "Spring Webinar", "Event with Webinar", "Webinar", 80),
    SeedProgram(1002, "Autumn Webinar", "Event with Webinar", "Webinar", 60),
    SeedProgram(1003, "Trade Show Berlin", "Event", "Tradeshow", 40),
    SeedProgram(1004, "Trade Show 東京", "Event", "Tradeshow", 40),
    SeedProgram(1005, "Monthly Newsletter", "Email", "Email Send", 150),
    SeedProgram(1006, "Welcome Nurture", "Engagement", "Nurture", 120),
    SeedProgram(1007, "Win-back Nurture", "Engagement", "Nurture", 50),
    SeedProgram(1008, 'Whitepaper "Data, & You"', "Default", "Content", 30),
    SeedProgram(1009, "Website Forms", "Default", "Web Form", 60),
    SeedProgram(1010, "Paid Search", "Default", "Online Advertising", 20),
    *(SeedProgram(1011 + number, f"Content {number + 1:02d}", "Default", "Content", 4) for number in range(13)),
    SeedProgram(1024, "Data Hygiene", "Default", "Operational", 0),
)
LISTS: tuple[SeedList, ...] = (
    SeedList(3001, "Newsletter readers", 200),
    SeedList(3002, "Partners", 60),
    SeedList(3003, "Import, 2024", 100),
    SeedList(3004, 'Called "VIP"', 10),
    SeedList(3005, "Booth visitors", 30, 1003),
    *(SeedList(3006 + number, f"List import {number + 1:02d}", 3) for number in range(20)),
    SeedList(3026, "Empty", 0),
)
EMAILS: tuple[Named, ...] = (
    *(Named(5001 + number, f"Newsletter {number + 1:02d}", 1005) for number in range(12)),
    *(Named(5013 + number, name, 1001) for number, name in enumerate(("Invitation", "Reminder", "Thank You"))),
    *(Named(5016 + number, name, 1002) for number, name in enumerate(("Invitation", "Reminder", "Thank You"))),
    *(Named(5019 + number, f"Nurture {number + 1}", 1006) for number in range(6)),
    *(Named(5025 + number, f"One-off {number + 1:02d}") for number in range(20)),
)
FORMS: tuple[Named, ...] = (
    Named(401, "Contact Us"),
    Named(402, "Newsletter Sign-up", 1009),
    Named(403, "Registration", 1001),
    Named(404, "Registration", 1002),
    Named(405, "Whitepaper", 1008),
    *(Named(406 + number, f"Form {number + 1:02d}") for number in range(17)),
)
PAGES: tuple[Named, ...] = (
    Named(701, "Pricing"),
    Named(702, "Registration Page", 1001),
    Named(703, "Registration Page", 1002),
    Named(704, "Download", 1008),
    *(Named(705 + number, f"Page {number + 1:02d}") for number in range(20)),
)
CAMPAIGNS: tuple[Named, ...] = (
    Named(2001, "Score: opened email"),
    Named(2002, "Invite", 1001),
    Named(2003, "Follow up", 1001),
    Named(2004, "Invite", 1002),
    Named(2005, "Send Newsletter", 1005),
    Named(2006, "Filled out form", 1009),
    Named(2007, "Alert sales"),
    *(Named(2008 + number, f"Campaign {number + 1:02d}", 1024) for number in range(18)),
)
SEGMENTATIONS: dict[str, tuple[Named, ...]] = {
    "Region": (Named(9001, "EMEA"), Named(9002, "APAC"), Named(9003, "Americas"), Named(9004, "Default")),
    "Customer": (Named(9011, "Customer"), Named(9012, "Default")),
}
