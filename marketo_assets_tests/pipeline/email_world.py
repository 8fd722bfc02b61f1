"""A small instance in which emails fare somehow and leads are changed, merged and deleted, and what is true of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import httpx

from marketo_assets_tests.activity_truth import true_activities
from marketo_assets_tests.pipeline import reference_road
from marketo_assets_tests.pipeline.road import NOW, Road, months_until

OPTIONS = {"leads": 60, "months": 2, "seed": 5, "activities": 6}
_RUN = 948
_FATES = {
    "Email Delivered": 0.85,
    "Email Bounced": 0.1,
    "Open Email": 0.6,
    "Click Email": 0.3,
    "Unsubscribe Email": 0.1,
}
_COUNTED = {
    "Open Email": "opens",
    "Click Email": "clicks",
    "Email Bounced": "bounces",
    "Email Delivered": "deliveries",
    "Unsubscribe Email": "unsubscribes",
}
_CHANGE_DATA_VALUE = "Change Data Value"


@dataclass(frozen=True)
class Lives:
    """What became of leads."""

    alive: frozenset[int]
    deleted: frozenset[int]
    merged: dict[int, int]
    """Loser and, at the end of all merges, winner."""


def copy_email_world(road: Road) -> Lives:
    """Leave a release of an instance that had a history, and return what became of its leads."""
    rng = Random(OPTIONS["seed"])
    road.capture()
    road.travel(*months_until(NOW, OPTIONS["months"]))
    ids = sorted(lead["id"] for lead in road.desk("GET", "/leads")["leads"])
    deleted, merged = _change(road, ids)
    reference_road.read(road)
    here = sorted(set(ids) - deleted - set(merged))
    road.desk("POST", "/activities", activities=[*_emails(road, rng, here)])
    email = road.desk("GET", "/assets/email")["assets"][0]
    road.settings.clock.sleep(timedelta(days=2).total_seconds())
    road.desk("PATCH", f"/assets/email/{email['id']}", values={"description": "Second thoughts"})
    reference_road.read(road)
    for month in months_until(NOW, OPTIONS["months"]):
        road.load_activities(road.land_activities(month))
    road.capture()
    road.capture_activities()
    road.publish()
    return Lives(frozenset(here), frozenset(deleted), merged)


def _change(road: Road, ids: list[int]) -> tuple[set[int], dict[int, int]]:
    road.settings.clock.sleep(60)
    edits = [{"edit": lead, "values": {"firstName": f"n{lead}", "leadScore": lead % 90}} for lead in ids[:20]]
    deletions = [{"delete": lead} for lead in ids[20:25]]
    first, second, *losers = ids[25:30]
    merges = [{"merge": first, "losers": losers}, {"merge": second, "losers": [first]}]
    road.desk("POST", "/changes", changes=[*edits, *deletions, *merges])
    road.settings.clock.sleep(600)
    road.capture()
    return set(ids[20:25]), dict.fromkeys([first, *losers], second)


def _emails(road: Road, rng: Random, ids: list[int]) -> Iterator[dict[str, Any]]:
    """Yield sends and what came of each, which share campaign, run, email and lead as Marketo tells it."""
    campaigns = [campaign["id"] for campaign in road.desk("GET", "/assets/smart_campaign")["assets"][:3]]
    emails = [(email["id"], email["name"]) for email in road.desk("GET", "/assets/email")["assets"][:3]]
    for number, lead in enumerate(ids):
        email, name = emails[number % 3]
        one: dict[str, Any] = {
            "lead_id": lead,
            "primary_id": email,
            "primary": name,
            "campaign_id": campaigns[number % 3],
        }
        one["attributes"] = {"Campaign Run ID": _RUN, "Choice Number": 0}
        sent = NOW - timedelta(days=6, minutes=number)
        # Some are told twice, which a reader of sends has to notice.
        for second in range(2 if rng.random() < 0.1 else 1):
            yield {**one, "type": "Send Email", "at": f"{sent + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"}
        for kind, share in _FATES.items():
            for time in range(2):
                if rng.random() < share / (1 + time):
                    at = sent + timedelta(hours=1 + time)
                    yield {**one, "type": kind, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def true_figures(control: httpx.Client, lives: Lives) -> dict[str, int]:
    """Return what is true of leads and emails, worked out from what the instance knows of itself."""
    counted: dict[str, Counter[tuple[Any, ...]]] = {}
    changes = names = 0
    for told in true_activities(control):
        run = told["attributes"].get("Campaign Run ID")
        key = (told["primary_id"], told["campaign_id"], run, told["shown_lead_id"])
        counted.setdefault(told["type"], Counter())[key] += 1
        changes += told["type"] == _CHANGE_DATA_VALUE
        names += told["type"] == _CHANGE_DATA_VALUE and told["primary"] == "First Name"
    sends = counted["Send Email"].keys()
    known = len(lives.alive) + len(lives.deleted) + len(lives.merged)
    return {
        "leads": known,
        "deleted leads": len(lives.deleted) + len(lives.merged),
        "merges": 2,
        "merged away": len(lives.merged),
        "changed values": changes,
        "first names that changed": names,
        "sends": len(sends),
        **{
            name: sum(count for key, count in counted.get(kind, Counter[Any]()).items() if key in sends)
            for kind, name in _COUNTED.items()
        },
    }
