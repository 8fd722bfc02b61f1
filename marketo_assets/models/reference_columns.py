"""The columns of the table of each reference object: which member fills them, their type, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MOMENT = "TIMESTAMP WITH TIME ZONE"
_TYPES = {"int": "BIGINT", "flag": "BOOLEAN", "moment": _MOMENT, "number": "DOUBLE", "text": "VARCHAR", "json": "JSON"}


@dataclass(frozen=True)
class Member:
    """A column, and the member of the record that fills it."""

    column: str
    path: str
    """JSON path in the record."""
    type: str
    comment: str


def _members(*told: str) -> tuple[Member, ...]:
    """Return the members that are *told* as `REST name [column] type: comment`."""
    return tuple(_read(told))


def _read(told: tuple[str, ...]) -> Iterator[Member]:
    for line in told:
        head, _, comment = line.partition(": ")
        rest, *column, kind = head.split()
        yield Member(column[0] if column else snake_case(rest), f"$.{rest}", _TYPES[kind], comment)


def snake_case(name: str) -> str:
    """Return a REST name as a column is called: `updatedAt` as `updated_at`, `URL` as `url`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return "_".join(words).lower()


_NAMED = ("id int: Marketo's id", "name text: name", "description text: description")
_STAMPS = ("createdAt moment: when it was made", "updatedAt moment: when Marketo says it was changed last")
_VALUE_FOLDER = (
    "folder.type folder_type text: whether it lies in a Folder or a Program",
    "folder.value folder_id int: the folder or program it lies in",
    "folder.folderName folder_name text: name of that folder or program",
)
_ID_FOLDER = (
    "folder.type folder_type text: whether it lies in a Folder or a Program",
    "folder.id folder_id int: the folder or program it lies in",
)
_WORKSPACE = ("workspace text: workspace",)
_URL = ("url text: address in Marketo's user interface",)
_STATUS = ("status text: approved or draft; where there are both, the approved version is shown",)

COLUMNS: dict[str, tuple[str, tuple[Member, ...]]] = {
    "programs": (
        "Programs",
        _members(
            *_NAMED,
            "type text: kind of program, in Marketo's words",
            "channel text: channel, by name",
            "status text: on or off for engagement programs, locked or unlocked for email programs",
            "headStart flag: whether an email program begins to process before its time",
            "sfdcId text: id of its Salesforce campaign",
            "sfdcName text: name of its Salesforce campaign",
            *_VALUE_FOLDER,
            *_WORKSPACE,
            *_URL,
            *_STAMPS,
        ),
    ),
    "campaigns": (
        "Smart campaigns as the lead database knows them, with their program by id and name",
        _members(
            *_NAMED,
            "type text: batch or trigger",
            "active flag: whether it is active",
            "programId int: the program it belongs to",
            "programName text: name of that program",
            "workspaceName text: workspace",
            *_STAMPS,
        ),
    ),
    "emails": (
        "Emails",
        _members(
            *_NAMED,
            "subject.value subject text: subject line",
            "subject.type subject_type text: Text or DynamicContent",
            "fromName.value from_name text: sender's name",
            "fromEmail.value from_email text: sender's address",
            "replyEmail.value reply_email text: address for replies",
            "preHeader text: preview text",
            *_STATUS,
            "template int: id of its email template",
            "version int: version of its template's format",
            "operational flag: whether it is operational, so that unsubscribed leads get it too",
            "textOnly flag: whether it has no HTML part",
            "webView flag: whether it can be shown as a web page",
            "publishToMSI publish_to_msi flag: whether Sales Insight offers it",
            "autoCopyToText flag: whether its text part follows its HTML part",
            "isOpenTrackingDisabled flag: whether opens are not tracked",
            "ccFields json: lead fields whose addresses get a copy",
            *_VALUE_FOLDER,
            *_WORKSPACE,
            *_URL,
            *_STAMPS,
        ),
    ),
    "static_lists": (
        "Static lists",
        _members(*_NAMED, *_ID_FOLDER, *_WORKSPACE, *_URL, "computedUrl text: address of the list", *_STAMPS),
    ),
}
"""By table: what its rows are, and its members."""
OWN = {
    "removed_at": "when a reading of everything lacked it; NULL while it is not known to be gone",
    "_as_of": "when Marketo last told this",
    "_load_id": "the load that brought the content; see meta.loads",
}
"""Columns of every table that are ours, with their meaning."""
