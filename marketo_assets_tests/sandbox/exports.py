"""Exports of other things than leads, from the request to the rows of the file."""

from __future__ import annotations

import csv
import io
from typing import Any

from marketo_assets_tests.sandbox.caller import AUGUST, Caller, Json

ACTIVITIES = "/bulk/v1/activities"
MEMBERS = "/bulk/v1/program/members"
ACTIVITY_FIELDS = [
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
    "actionResult",
]
BODIES: dict[str, Json] = {
    ACTIVITIES: {"fields": ACTIVITY_FIELDS, "filter": {"createdAt": AUGUST}},
    MEMBERS: {"fields": ["leadId", "programId", "statusName"], "filter": {"programId": 1001}},
}


class Export:
    """The six operations under one address."""

    def __init__(self, marketo: Caller, base: str = ACTIVITIES) -> None:
        self.marketo, self.base = marketo, base

    def create(self, **changes: Any) -> Json:
        """Return the answer to create, for the usual body with *changes*; a change to ... leaves the member out."""
        body = {name: value for name, value in {**BODIES[self.base], **changes}.items() if value is not ...}
        return self.marketo.post(f"{self.base}/export/create.json", json=body)

    def created(self, **changes: Any) -> str:
        """Return the id of a new job."""
        answer = self.create(**changes)
        assert answer["success"], answer
        return answer["result"][0]["exportId"]

    def completed(self, export_id: str) -> Json:
        """Return the job, enqueued and over."""
        answer = self.marketo.post(f"{self.base}/export/{export_id}/enqueue.json")
        assert answer["success"], answer
        self.marketo.wait(300)
        (job,) = self.marketo.result(f"{self.base}/export/{export_id}/status.json")
        assert job["status"] == "Completed", job
        return job

    def text(self, export_id: str) -> str:
        """Return the file of a completed job."""
        answer = self.marketo.call("GET", f"{self.base}/export/{export_id}/file.json")
        assert answer.status_code == 200, answer.text
        return answer.content.decode()

    def rows(self, **changes: Any) -> list[dict[str, str]]:
        """Return the rows of a new export's file."""
        export_id = self.created(**changes)
        job = self.completed(export_id)
        found = list(csv.DictReader(io.StringIO(self.text(export_id), newline="")))
        assert len(found) == job["numberOfRecords"]
        return found
