"""One tree of errors; the class says what to do next.

MarketoError
    TryAgain                    the same request may work after `after_seconds`
        RateLimited             606, and HTTP 429
        ConcurrencyLimited      615
        Unavailable             608, 614, 713, 719: not handled this time
        ServerTrouble           500, 502, 604, 611, HTTP 5xx: a write may have happened all the same
        Unreachable             no answer: DNS, refused, timed out, connection lost
        QueueFull               1029 in one of its meanings, 1016: wait for other jobs to end
        FileInterrupted         a download ended early: go on by Range
        GarbledAnswer           HTTP 200 with nothing in it, or with no whole JSON object: a write may have happened
    SignInAgain                 601, 602: fetch a token and repeat once
    WaitForReset                not before `resets_at`
        DailyQuotaSpent         607, or this project's share of the day's calls
        ExportQuotaSpent        1029 in another meaning, or this project's share of the day's bytes
            ExportQuotaHeld     what is left is set aside for export jobs under way
        AllowanceSpent          1020
        InstanceDown            500, 502, 608, 611, 614 or no answer, for half an hour, to a harmless call too
    FixRequest                  the same request will be refused again
        BadCredentials          HTTP 401 from Identity
        WrongInstance           the address is not (this) Marketo
        AccessDenied            603, 403, 1008 and their kin
        FeatureAbsent           610, 616, 703, 1018, 1026: the subscription does not have it
            UnsupportedFilter   1035
        FieldNotFound           1006
        TooManyResults          1003 in one of its meanings
        RequestTooLarge         HTTP 413 and 414, 1049, 1080
        BadRange                HTTP 416, or a Range that was not honoured: start again at byte 0
        NotFound                1004, 1013, 710
        InvalidData             1001, 1002, 1003 in its other meanings, 609, 612, 701 and their kin
            PagingTokenRefused  a paging token does not work (any more): start again from a new one
        NoData                  702: an empty result
        AlreadyDone             1005, 1015, 1017, 1037: what was asked for is so already
            JobAlreadyQueued    1029 in its third meaning
    GiveUp                      a person has to look
        OutcomeUnknown          a write whose answer never came: look before repeating
        FileGone                HTTP 404 for a file: not there yet, or no longer
        UnreadableAnswer        neither Marketo's envelope nor a known refusal
        StuckPaging             pages that do not end
        LedgerUnusable          the limits cannot be kept, so no call is made
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class MarketoError(Exception):
    """A call that did not do what was asked.

    *message* says what happened, *code* and *request_id* are what Marketo support asks for, *next_step* is what
    the reader should do. The text holds no credentials and no person's data.
    """

    next_step: ClassVar[str] = "Report the code and the requestId to Marketo support."

    def __init__(
        self, message: str, code: str | None = None, request_id: str | None = None, *, next_step: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.advice = next_step or self.next_step

    def __str__(self) -> str:
        marks = [f"code {self.code}"] * (self.code is not None)
        marks += [f"requestId {self.request_id}"] * (self.request_id is not None)
        said = self.message.rstrip(". ")
        return f"{said} ({', '.join(marks)}). {self.advice}" if marks else f"{said}. {self.advice}"


class TryAgain(MarketoError):  # noqa: N818 - the name is the next step
    """The same request may work later: not before *after_seconds*, and not more than *tries* times in one go."""

    next_step = "Try again in a few minutes; if it stays so, report the code and the requestId to Marketo support."
    after_seconds: float = 0.0
    tries: int = 5


class RateLimited(TryAgain):
    """More calls in the rate window than the instance accepts, by all integrations together."""

    next_step = "Wait 20 seconds; if it happens often, lower MARKETO_QUOTA_SHARE or slow the other integrations down."
    after_seconds = 20.0
    tries = 8


class ConcurrencyLimited(TryAgain):
    """More calls at once than the instance accepts, by all integrations together."""

    next_step = "Wait a few seconds; if it happens often, lower MARKETO_QUOTA_SHARE or MARKETO_CONCURRENCY."
    after_seconds = 3.0
    tries = 8


class Unavailable(TryAgain):
    """Marketo did not handle the request this time."""


class ServerTrouble(TryAgain):
    """Marketo failed while handling the request; what a write did is unknown."""

    tries = 3


class Unreachable(TryAgain):
    """No answer came. *was_sent* says whether Marketo may have received the request."""

    next_step = "Check the network and that MARKETO_BASE_URL names your instance, then run again."
    tries = 4
    was_sent: bool = False


class GarbledAnswer(TryAgain):
    """What came is empty, cut off, or otherwise no JSON object: a gateway's accident, as a rule, and soon over."""

    next_step = "Try again; if it stays so, check for a proxy or gateway in between."
    tries = 3


class QueueFull(TryAgain):
    """Ten jobs wait already; the client does not wait for them, its caller does."""

    next_step = "Wait for running jobs to end (a minute, then two, then four between tries); the queue is shared."
    after_seconds = 60.0
    tries = 1


class FileInterrupted(TryAgain):
    """A download ended before the file did."""

    next_step = "Ask for the rest by Range, from the number of bytes already written."
    tries = 1


class SignInAgain(MarketoError):  # noqa: N818 - the name is the next step
    """The access token is not accepted (any more)."""

    next_step = "Fetch a new token and repeat the call once."


class WaitForReset(MarketoError):  # noqa: N818 - the name is the next step
    """An allotment is used up; *resets_at* says when it surely is available again."""

    next_step = "Run again after midnight Central Time (06:00 UTC at the latest)."
    resets_at: datetime | None = None


class DailyQuotaSpent(WaitForReset):
    """The day's calls are used up: the instance's, or this project's share."""

    next_step = (
        "Run again after 06:00 UTC, when the quota has surely been reset; "
        "MARKETO_DAILY_CALLS and MARKETO_QUOTA_SHARE say how much this project may use."
    )


class ExportQuotaSpent(WaitForReset):
    """The day's export bytes are used up: the instance's, or this project's share."""

    next_step = (
        "Run again after 06:00 UTC, when the quota has surely been reset; "
        "MARKETO_DAILY_EXPORT_MB and MARKETO_QUOTA_SHARE say how much this project may use."
    )


class ExportQuotaHeld(ExportQuotaSpent):
    """The day's export bytes would do, but others have set them aside; what they do not use is given back."""

    next_step = "Wait until the exports under way have ended, or run again after 06:00 UTC."


class AllowanceSpent(WaitForReset):
    """Another daily allowance is used up."""


class InstanceDown(WaitForReset):
    """The instance handles no call, not even a harmless one; *resets_at* is when to look again."""

    next_step = "Nothing to correct here: look at status.adobe.com, and run again when the instance is back."


class FixRequest(MarketoError):  # noqa: N818 - the name is the next step
    """The same request will be refused again."""

    next_step = "Correct the request; repeating it as it is will not help."


class BadCredentials(FixRequest):
    """Identity does not know this client id and secret."""

    next_step = (
        "Check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET: they stand in Marketo under Admin, LaunchPoint, "
        "your custom service, View Details."
    )


class WrongInstance(FixRequest):
    """Whatever answers at the base URL is not the Marketo instance of these credentials."""

    next_step = (
        "Check MARKETO_BASE_URL: it is https://<munchkin id>.mktorest.com of the instance whose credentials you use "
        "(Marketo: Admin, Integration, Web Services)."
    )


class AccessDenied(FixRequest):
    """The API user lacks a permission, or its address is not on the allow-list."""

    next_step = (
        "Give the API user's role the permission for this object (Admin, Users & Roles, Roles, Access API), "
        "and check the IP allow-list under Admin, Web Services."
    )


class FeatureAbsent(FixRequest):
    """The subscription does not have what was asked for."""

    next_step = "Go on without it, or ask Adobe to enable it for the subscription."


class UnsupportedFilter(FeatureAbsent):
    """The subscription does not accept this export filter; a capability, not a fault."""

    next_step = "Use another filter: createdAt is accepted everywhere."


class FieldNotFound(FixRequest):
    """A field name is not known (any more)."""

    next_step = (
        "Run `marketo-assets doctor` and correct MARKETO_LEAD_FIELDS; the field may have been hidden or renamed."
    )


class TooManyResults(FixRequest):
    """The filter matches more records than Marketo is willing to return."""

    next_step = "Narrow the filter."


class RequestTooLarge(FixRequest):
    """The request is larger than Marketo accepts."""

    next_step = "Split the request into smaller ones."


class BadRange(FixRequest):
    """The file cannot be continued from the byte that was asked for."""

    next_step = "Start the download again at byte 0."


class NotFound(FixRequest):
    """The record or object that was named does not exist (any more)."""

    next_step = "Check whether it was deleted or merged."


class InvalidData(FixRequest):
    """A value or parameter is not acceptable."""


class PagingTokenRefused(InvalidData):
    """The paging token of the request does not work (any more); how long one lives is not documented."""

    next_step = "Ask for a new paging token from the moment of the watermark, and read again from there."


class NoData(FixRequest):
    """Nothing matched; an empty result rather than a fault."""

    next_step = "Take it as an empty result."


class AlreadyDone(FixRequest):
    """What was asked for is so already."""

    next_step = "Take it as done."


class JobAlreadyQueued(AlreadyDone):
    """The export job was enqueued before."""

    next_step = "Go on with asking for its status."


class GiveUp(MarketoError):  # noqa: N818 - the name is the next step
    """Neither repeating nor a known correction helps."""


class OutcomeUnknown(GiveUp):
    """A write was sent and no usable answer came: it may have happened, or not."""

    next_step = "Look whether it happened (for an export: the list of jobs) before asking again."


class FileGone(GiveUp):
    """There is no file: the job is not Completed, or its file has expired."""

    next_step = "Ask for the job's status; if it is Completed, create a new export."


class UnreadableAnswer(GiveUp):
    """The answer is neither Marketo's envelope nor a refusal that Marketo documents."""

    next_step = "Check for a proxy or gateway in between; otherwise report the requestId to Marketo support."


class StuckPaging(GiveUp):
    """Marketo keeps promising more and does not deliver it."""

    next_step = "Run again; if it stays so, report the requestId to Marketo support."


class LedgerUnusable(GiveUp):
    """The ledger of limits cannot be written, so no call may be made."""

    next_step = "Make the folder MARKETO_DATA_DIR writable and on a local disk with free space, then run again."


def concerns_what_was_asked(error: MarketoError) -> bool:
    """Say whether Marketo answered something of what was asked for alone, so that others may still be had.

    It does not where it gave no answer, where an allotment is spent, and where it does not know who asks.
    """
    is_answer = error.code is not None or isinstance(error, UnreadableAnswer | GarbledAnswer | StuckPaging)
    return is_answer and not isinstance(error, WaitForReset | SignInAgain | BadCredentials)
