"""Which error a code of Marketo's is, and what is known about it.

Codes that mean several things are told apart by the message; wording is no contract, so an unknown wording takes the
branch that does least harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketo_assets.api.errors import (
    AccessDenied,
    AllowanceSpent,
    AlreadyDone,
    ConcurrencyLimited,
    DailyQuotaSpent,
    ExportQuotaSpent,
    FeatureAbsent,
    FieldNotFound,
    FixRequest,
    GiveUp,
    InvalidData,
    JobAlreadyQueued,
    MarketoError,
    NoData,
    NotFound,
    QueueFull,
    RateLimited,
    RequestTooLarge,
    ServerTrouble,
    SignInAgain,
    TooManyResults,
    TryAgain,
    Unavailable,
    UnsupportedFilter,
)
from marketo_assets.api.redact import NOTHING, Spoken, said

FREE_CODES = frozenset({"601", "602", "604", "605", "608", "611"})
"""Codes with an asterisk in Adobe's table: the call is not counted against the day."""

_UNKNOWN_OUTCOME = frozenset({"713"})


@dataclass(frozen=True)
class Rule:
    """What a code means: the class, and where the class's own advice is too general, the next step."""

    kind: type[MarketoError]
    next_step: str | None = None
    after_seconds: float | None = None
    tries: int | None = None


_BUG = "This is a fault of the request as it was built: report it to the maintainers with the code and the requestId."
_CONFIGURE = "Correct the partition settings of the API user in Marketo, or the partition named in the request."
_CRM = "Merge the records in the CRM by hand, or repeat with mergeInCRM=false."

RULES: Mapping[str, Rule] = {
    # response level (Adobe: Error Codes)
    "413": Rule(RequestTooLarge),
    "414": Rule(RequestTooLarge, "Send fewer values, or send the request as POST with _method=GET."),
    "500": Rule(ServerTrouble),
    "502": Rule(ServerTrouble, tries=5),
    "503": Rule(ServerTrouble, tries=5),
    "504": Rule(ServerTrouble, tries=5),
    "600": Rule(AccessDenied),
    "601": Rule(SignInAgain),
    "602": Rule(SignInAgain),
    "603": Rule(AccessDenied),
    "604": Rule(ServerTrouble, "Ask for a smaller batch or a shorter range.", tries=4),
    "605": Rule(FixRequest, _BUG),
    "606": Rule(RateLimited),
    "607": Rule(DailyQuotaSpent),
    "608": Rule(Unavailable),
    "609": Rule(InvalidData, _BUG),
    "610": Rule(
        FeatureAbsent, "Check that MARKETO_BASE_URL has no path; otherwise this instance has no such endpoint."
    ),
    "611": Rule(ServerTrouble, "Often a disguised bad request: check the parameters, then report the requestId."),
    "612": Rule(InvalidData, _BUG),
    "613": Rule(InvalidData, _BUG),
    "614": Rule(
        Unavailable,
        "Usually temporary: try again in some minutes; if it stays so, check MARKETO_BASE_URL and the subscription.",
        after_seconds=30,
        tries=4,
    ),
    "615": Rule(ConcurrencyLimited),
    "616": Rule(FeatureAbsent),
    "701": Rule(InvalidData),
    "702": Rule(NoData),
    "703": Rule(FeatureAbsent),
    "704": Rule(InvalidData),
    "709": Rule(FixRequest, "A rule of Marketo's forbids it: read the message and change the object there."),
    "710": Rule(NotFound, "Create the parent folder, or name another."),
    "711": Rule(InvalidData, "Name a folder of the right type."),
    "712": Rule(FixRequest, "Merge these records in the CRM by hand."),
    "713": Rule(Unavailable),
    "714": Rule(FixRequest, "Ask the CRM's administrator for a default record type."),
    "718": Rule(FixRequest, "Create the sales person first."),
    "719": Rule(Unavailable),
    # record level, some of them at response level too
    "1001": Rule(InvalidData, "Send a value of the field's type."),
    "1002": Rule(InvalidData, "Send the missing parameter."),
    "1003": Rule(InvalidData),
    "1004": Rule(NotFound),
    "1005": Rule(AlreadyDone),
    "1006": Rule(FieldNotFound),
    "1007": Rule(FixRequest, "Several leads carry this key: name the lead by its id."),
    "1008": Rule(AccessDenied, _CONFIGURE),
    "1009": Rule(InvalidData, _CONFIGURE),
    "1010": Rule(AccessDenied, _CONFIGURE),
    "1011": Rule(InvalidData, "Choose a field from searchableFields of Describe Lead2."),
    "1012": Rule(InvalidData, "Leave the cookie out."),
    "1013": Rule(NotFound),
    "1014": Rule(GiveUp),
    "1015": Rule(AlreadyDone),
    "1016": Rule(QueueFull),
    "1017": Rule(AlreadyDone),
    "1018": Rule(FeatureAbsent, "The native CRM synchronisation owns this object: change it in the CRM."),
    "1019": Rule(TryAgain, "Wait until the running import of that list has ended.", after_seconds=30),
    "1020": Rule(AllowanceSpent),
    "1021": Rule(FixRequest, "Change company values with Sync Companies."),
    "1022": Rule(FixRequest, "Remove what refers to the object first."),
    "1025": Rule(InvalidData, "Use a status of the program's channel."),
    "1026": Rule(FeatureAbsent),
    "1027": Rule(FixRequest, "The instance holds as many custom activity types as it may: remove one first."),
    "1028": Rule(FixRequest, "The activity type holds as many attributes as it may: remove one first."),
    "1029": Rule(GiveUp, "An unknown refusal of a bulk job: look at the job list, then report the requestId."),
    "1035": Rule(UnsupportedFilter),
    "1036": Rule(InvalidData, "Send each key once in a request."),
    "1037": Rule(AlreadyDone),
    "1042": Rule(InvalidData, "Choose a runAt within two years."),
    "1048": Rule(GiveUp),
    "1049": Rule(RequestTooLarge, "Shorten or split the activity's attributes."),
    "1076": Rule(FixRequest, _CRM),
    "1077": Rule(FixRequest, _CRM),
    "1078": Rule(FixRequest, _CRM),
    "1079": Rule(FixRequest, _CRM),
    "1080": Rule(RequestTooLarge, "Merge at most 25 leads in one call."),
}

_BY_WORDS: Mapping[str, tuple[tuple[tuple[str, ...], Rule], ...]] = {
    # One number, three refusals: a full queue drains, a spent quota stays spent until midnight Central.
    "1029": (
        (("too many jobs", "queue"), Rule(QueueFull)),
        (("quota",), Rule(ExportQuotaSpent)),
        (("queue", "full"), Rule(QueueFull)),
        (("already", "queue"), Rule(JobAlreadyQueued)),
        (("too many",), Rule(QueueFull)),
    ),
    "1003": (
        (("too many results",), Rule(TooManyResults)),
        (("100,000",), Rule(TooManyResults)),
        (("100000",), Rule(TooManyResults)),
        (("10,000",), Rule(TooManyResults, "Leave the list filter out: the list is too large for it.")),
        (("10000",), Rule(TooManyResults, "Leave the list filter out: the list is too large for it.")),
    ),
    # "System error" is worth a few tries; one that names the fault is a bad request in disguise.
    "611": (
        (("invalid",), Rule(InvalidData)),
        (("malformed",), Rule(InvalidData)),
        (("unable to parse",), Rule(InvalidData)),
        (("not supported",), Rule(InvalidData)),
    ),
    "1037": ((("not in program",), Rule(AlreadyDone, "The lead is not a member: take its removal as done.")),),
}
_UNKNOWN = Rule(GiveUp, "A code that is not documented: report it with the requestId to Marketo support.")


def rule_for(code: str, message: str) -> Rule:
    """Return what *code* means, told apart by the words of *message* where the code means several things."""
    text = message.lower()
    for words, rule in _BY_WORDS.get(code, ()):
        if all(word in text for word in words):
            return rule
    return RULES.get(code, _UNKNOWN)


def error_for(code: str, message: str, request_id: str | None = None, *, spoken: Spoken = NOTHING) -> MarketoError:
    """Return the exception whose class says what to do next; *spoken* is what its message must be careful with."""
    rule = rule_for(code, message)
    error = rule.kind(said(code, message, spoken), code, request_id, next_step=rule.next_step)
    if isinstance(error, TryAgain):
        error.after_seconds = error.after_seconds if rule.after_seconds is None else rule.after_seconds
        error.tries = error.tries if rule.tries is None else rule.tries
    return error


def leaves_outcome_unknown(error: MarketoError) -> bool:
    """Say whether a write that met *error* may have happened all the same."""
    return isinstance(error, ServerTrouble) or error.code in _UNKNOWN_OUTCOME


def rejection_of(record: Mapping[str, Any], request_id: str | None = None) -> MarketoError | None:
    """Return why Marketo refused this record of an accepted call, or None when it took it.

    The reasons stand under `reasons`, `reason` or `errors`, in a list or alone, with or without a `status`.
    """
    for key in ("reasons", "reason", "errors"):
        found = record.get(key)
        items = found if isinstance(found, list) else [found]
        for item in items:
            if isinstance(item, Mapping):
                return error_for(str(item.get("code", "")), str(item.get("message", "")), request_id)
    if str(record.get("status", "")).lower() in ("skipped", "failed"):
        return GiveUp("Marketo skipped a record and gave no reason", None, request_id)
    return None
