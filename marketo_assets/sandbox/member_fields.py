"""The fields of a program membership: what they are called, and what stands in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from marketo_assets.sandbox.asset_shelf import Asset, AssetShelf
from marketo_assets.sandbox.membership_now import Member
from marketo_assets.sandbox.pools import AWKWARD


class MemberField(NamedTuple):
    """One field as Describe Program Member tells of it."""

    name: str
    label: str
    data_type: str
    length: int | None = None
    searchable: bool = False
    updateable: bool = False

    def shown(self) -> dict[str, Any]:
        """Return it as Describe Program Member does."""
        shown: dict[str, Any] = {"name": self.name, "displayName": self.label, "dataType": self.data_type}
        if self.length is not None:
            shown["length"] = self.length
        return {**shown, "updateable": self.updateable, "crmManaged": False}


FIELDS: dict[str, MemberField] = {
    field.name: field
    for field in (
        MemberField("acquiredBy", "Acquired By", "boolean"),
        MemberField("attendanceLikelihood", "Attendance Likelihood", "integer"),
        MemberField("createdAt", "Created At", "datetime"),
        MemberField("isExhausted", "Exhausted", "boolean"),
        MemberField("leadId", "Lead Id", "integer", searchable=True),
        MemberField("membershipDate", "Member Date", "datetime"),
        MemberField("nurtureCadence", "Nurture Cadence", "string", 4),
        MemberField("program", "Program", "string", 255),
        MemberField("programId", "Program Id", "integer"),
        MemberField("reachedSuccess", "Success", "boolean", searchable=True),
        MemberField("reachedSuccessDate", "Success Date", "datetime"),
        MemberField("registrationCode", "Registration Code", "string", 100, updateable=True),
        MemberField("registrationLikelihood", "Registration Likelihood", "integer"),
        MemberField("statusName", "Status", "string", 255, searchable=True),
        MemberField("statusReason", "Status Reason", "string", 50, updateable=True),
        MemberField("trackName", "Track Name", "string", 255),
        MemberField("updatedAt", "Updated At", "datetime"),
        MemberField("waitlistPriority", "Waitlist Priority", "integer"),
        MemberField("webinarUrl", "Webinar URL", "string", 2000, updateable=True),
        MemberField("seatNumber", "Seat Number", "integer", searchable=True, updateable=True),
        MemberField("dietNote", "Diet, Note", "string", 255, searchable=True, updateable=True),
    )
}
DEFAULT = ("acquiredBy", "leadId", "membershipDate", "programId", "reachedSuccess")


class Records:
    """The memberships of one program as records of fields; None where a field is empty."""

    def __init__(self, shelf: AssetShelf, program: Asset) -> None:
        self._program = program
        self._successes: set[str] = set()
        for channel in shelf.named("channel", program.values["channel"]):
            told = channel.values["progressionStatuses"]
            self._successes = {status["name"] for status in told if status["success"]}

    def record(self, member: Member) -> dict[str, Any]:
        """Return all fields of one membership, typed."""
        drawn = member.hash if member.hash is not None else 1
        is_nurture = self._program.values["type"] == "Engagement"
        success = member.status in self._successes
        found: dict[str, Any] = dict.fromkeys(FIELDS)
        found |= {
            "acquiredBy": member.acquired,
            "createdAt": moment(member.joined),
            "isExhausted": is_nurture and drawn % 5 == 0,
            "leadId": member.lead_id,
            "membershipDate": moment(member.joined),
            "nurtureCadence": ("paus" if drawn % 3 == 0 else "norm") if is_nurture else None,
            "program": self._program.name,
            "programId": self._program.id,
            "reachedSuccess": success,
            "reachedSuccessDate": moment(member.updated) if success else None,
            "statusName": member.status,
            "trackName": "Stream 1" if is_nurture else None,
            "updatedAt": moment(member.updated),
        }
        if member.hash is not None:
            found["seatNumber"] = None if drawn % 7 == 0 else drawn % 900
            found["dietNote"] = None if drawn % 2 else AWKWARD[drawn // 2 % len(AWKWARD)]
        return found | dict(member.values)


def moment(second: int) -> str:
    """Return a second since 1970 as member fields write it."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
