"""The assets that the seed makes: which there are, where they lie, when they were made and last changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from marketo_assets.sandbox.asset_shelf import STATUSES, Asset, Place
from marketo_assets.sandbox.reference import (
    CAMPAIGNS,
    CHANNELS,
    EMAILS,
    FORMS,
    LISTS,
    PAGES,
    PROGRAMS,
    SEGMENTATIONS,
    Named,
    SeedProgram,
)

# Folders of folders.py: one below Marketing Activities, Design Studio and Lead Database each, and one deeper.
_MARKETING, _DEEP, _DESIGN, _DATABASE = (Place("Folder", number) for number in (100, 204, 101, 102))
_TAGS = {"Region": ("EMEA", "APAC"), "Business Unit": ("Core", "Data, & Cloud"), "Owner": ("Kim", "Łukasz")}
_YEAR = 365 * 86_400


class AssetSeed:
    """Makes every asset of an instance whose first month begins at second *start* and that is asked from *now* on."""

    def __init__(self, seed: int, start: int, now: int) -> None:
        self._random = Random(f"{seed}/assets")  # noqa: S311 (test data, not secrets)
        self._start, self._now = start, now

    def assets(self) -> Iterator[Asset]:
        """Yield them all."""
        yield from self._programs()
        for number, (name, (kind, statuses)) in enumerate(CHANNELS.items(), start=1):
            steps = [
                {
                    "name": status.name,
                    "description": None,
                    "hidden": False,
                    "type": None,
                    "step": status.step,
                    "success": status.success,
                }
                for status in statuses
            ]
            told = {"applicableProgramType": _program_type(kind), "progressionStatuses": steps}
            yield self._made("channel", Named(number, name), None, told)
        for number, (name, allowed) in enumerate(_TAGS.items(), start=1):
            values: dict[str, Any] = {
                "tagType": name,
                "applicableProgramTypes": "[program, event]",
                "required": number == 1,
                "allowableValues": f"[{', '.join(allowed)}]",
            }
            yield self._made("tag_type", Named(number, name), None, values)
        yield from self._lists()
        yield from self._campaigns()
        yield from self._messages()
        yield from self._pages()

    def _programs(self) -> Iterator[Asset]:
        for program in PROGRAMS:
            tags = [{"tagType": name, "tagValue": self._random.choice(allowed)} for name, allowed in _TAGS.items()]
            values = {
                "type": program.type,
                "channel": program.channel,
                "tags": tags[: program.id % 4],
                "costs": self._costs(program),
            }
            if program.type.startswith("Event"):
                values |= {"startDate": "2026-03-01T09:00:00Z+0000", "endDate": "2026-03-01T17:00:00Z+0000"}
            place = _DEEP if program.id % 5 == 0 else _MARKETING
            status = {"Engagement": "on", "Email": "locked"}.get(program.type, "")
            yield self._made("program", Named(program.id, program.name), place, values, status)

    def _costs(self, program: SeedProgram) -> list[dict[str, Any]]:
        periods = [("2026-01-01T00:00:00Z+0000", 2_000, None), ("2026-02-01T00:00:00Z+0000", 150, 'Booth, "extra"')]
        return [{"startDate": at, "cost": cost, "note": note} for at, cost, note in periods[: program.id % 3]]

    def _lists(self) -> Iterator[Asset]:
        for item in LISTS:
            values = {"computedUrl": f"https://app.example.com/#ST{item.id}A1LA1"}
            yield self._made("static_list", Named(item.id, item.name, item.program_id), _DATABASE, values)
        for number in range(22):
            yield self._made("smart_list", Named(6001 + number, f"Smart list {number + 1:02d}"), _DATABASE, {})

    def _campaigns(self) -> Iterator[Asset]:
        for campaign in CAMPAIGNS:
            is_trigger = campaign.id % 3 == 0
            values = {
                "type": "trigger" if is_trigger else "batch",
                "isSystem": False,
                "isActive": is_trigger and campaign.id % 2 == 0,
                "isRequestable": is_trigger,
                "recurrence": None,
                "qualificationRuleType": "any",
                "qualificationRuleInterval": None,
                "qualificationRuleUnit": None,
                "maxMembers": None,
                "isCommunicationLimitEnabled": False,
                "smartListId": campaign.id + 5_000,
                "flowId": campaign.id - 1_000,
                "parentProgramId": campaign.program_id,
                "computedUrl": f"https://app.example.com/#SC{campaign.id}A1",
            }
            status = "Active" if values["isActive"] else ("Inactive" if is_trigger else "Never Run")
            yield self._made("smart_campaign", campaign, _MARKETING, values, status)

    def _messages(self) -> Iterator[Asset]:
        for email in EMAILS:
            values = {
                "subject": _text(f"{email.name}, {{{{lead.First Name:default=you}}}}"),
                "fromName": _text("Sandbox"),
                "fromEmail": _text("news@example.com"),
                "replyEmail": _text("reply@example.com"),
                "operational": email.id % 7 == 0,
                "textOnly": False,
                "publishToMSI": email.id % 5 == 0,
                "webView": True,
                "template": 8001 + email.id % 4,
                "version": 2,
                "autoCopyToText": True,
                "preHeader": "null" if email.id % 6 == 0 else "",
            }
            yield self._versioned("email", email, _MARKETING, values, {"subject": _text(f"Draft of {email.name}")})
        for number in range(4):
            template = Named(8001 + number, f"Template {number + 1}")
            yield self._versioned("email_template", template, _DESIGN, {"version": 2}, {"version": 1})

    def _pages(self) -> Iterator[Asset]:
        for form in FORMS:
            look = {"buttonLabel": "Submit", "buttonLocation": 120, "fontFamily": "Helvetica", "fontSize": "13px"}
            labels = {"labelPosition": "left", "progressiveProfiling": False, "waitingLabel": "Please Wait"}
            lists = {"knownVisitor": {"type": "form", "template": ""}, "thankYouList": [_THANKS]}
            language = {"language": "English", "locale": "en_US", "theme": "simple"}
            yield self._versioned("form", form, _DESIGN, look | labels | lists | language, {"buttonLabel": "Send"})
        for page in PAGES:
            values = {
                "title": page.name,
                "URL": f"https://pages.example.com/{page.id}.html",
                "computedUrl": f"https://app.example.com/#LP{page.id}B2",
                "template": 8101 + page.id % 2,
                "robots": "index, nofollow",
                "keywords": None,
                "customHeadHTML": "",
                "facebookOgTags": "",
                "formPrefill": True,
                "mobileEnabled": page.id % 2 == 0,
            }
            yield self._versioned("landing_page", page, _DESIGN, values, {"title": f"Draft of {page.name}"})
        for number, kind in enumerate(("guided", "freeForm")):
            template = Named(8101 + number, f"Page template {kind}")
            values = {"templateType": kind, "enableMunchkin": True}
            yield self._versioned("landing_page_template", template, _DESIGN, values, {"enableMunchkin": False})
        for number, (name, segments) in enumerate(SEGMENTATIONS.items()):
            told = [{"id": segment.id, "name": segment.name} for segment in segments]
            yield self._made("segmentation", Named(9100 + number, name), _DATABASE, {"segments": told}, "approved")

    def _versioned(
        self, kind: str, named: Named, place: Place, values: Mapping[str, Any], draft: Mapping[str, Any]
    ) -> Asset:
        status = STATUSES[{0: 1, 1: 2}.get(named.id % 8, 0)]
        return self._made(kind, named, place, values, status, draft if status == STATUSES[2] else {})

    def _made(
        self,
        kind: str,
        named: Named,
        place: Place | None,
        values: Mapping[str, Any],
        status: str = "",
        draft: Mapping[str, Any] | None = None,
    ) -> Asset:
        created = self._start - int(self._random.random() * _YEAR)
        updated = (
            created + int(self._random.random() * (self._now - 1 - created)) if self._random.random() < 0.7 else created
        )
        where = place if named.program_id is None else Place("Program", named.program_id)
        described = {"description": "" if named.id % 4 else f"About {named.name}"} if kind not in _PLAIN else {}
        return Asset(kind, named.id, named.name, where, created, updated, status, {**described, **values}, draft or {})


_PLAIN = frozenset({"channel", "tag_type"})
_THANKS = {"followupType": "message", "default": True}


def _text(value: str) -> dict[str, str]:
    return {"type": "Text", "value": value}


def _program_type(kind: str) -> str:
    words = {"Default": "program", "Event": "event", "Event with Webinar": "event", "Engagement": "nurture"}
    return words.get(kind, "email_batch_program")
