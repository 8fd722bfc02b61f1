"""Every code of Marketo's is one class, and every message says what to do next."""

from __future__ import annotations

import inspect
import pickle

import pytest

from marketo_assets.api import errors
from marketo_assets.api.codes import FREE_CODES, RULES, error_for, leaves_outcome_unknown, rejection_of
from marketo_assets.api.errors import MarketoError

CLASS_OF_CODE = {
    "413": "RequestTooLarge",
    "414": "RequestTooLarge",
    "500": "ServerTrouble",
    "502": "ServerTrouble",
    "503": "ServerTrouble",
    "504": "ServerTrouble",
    "600": "AccessDenied",
    "601": "SignInAgain",
    "602": "SignInAgain",
    "603": "AccessDenied",
    "604": "ServerTrouble",
    "605": "FixRequest",
    "606": "RateLimited",
    "607": "DailyQuotaSpent",
    "608": "Unavailable",
    "609": "InvalidData",
    "610": "FeatureAbsent",
    "611": "ServerTrouble",
    "612": "InvalidData",
    "613": "InvalidData",
    "614": "Unavailable",
    "615": "ConcurrencyLimited",
    "616": "FeatureAbsent",
    "701": "InvalidData",
    "702": "NoData",
    "703": "FeatureAbsent",
    "704": "InvalidData",
    "709": "FixRequest",
    "710": "NotFound",
    "711": "InvalidData",
    "712": "FixRequest",
    "713": "Unavailable",
    "714": "FixRequest",
    "718": "FixRequest",
    "719": "Unavailable",
    "1001": "InvalidData",
    "1002": "InvalidData",
    "1003": "InvalidData",
    "1004": "NotFound",
    "1005": "AlreadyDone",
    "1006": "FieldNotFound",
    "1007": "FixRequest",
    "1008": "AccessDenied",
    "1009": "InvalidData",
    "1010": "AccessDenied",
    "1011": "InvalidData",
    "1012": "InvalidData",
    "1013": "NotFound",
    "1014": "GiveUp",
    "1015": "AlreadyDone",
    "1016": "QueueFull",
    "1017": "AlreadyDone",
    "1018": "FeatureAbsent",
    "1019": "TryAgain",
    "1020": "AllowanceSpent",
    "1021": "FixRequest",
    "1022": "FixRequest",
    "1025": "InvalidData",
    "1026": "FeatureAbsent",
    "1027": "FixRequest",
    "1028": "FixRequest",
    "1029": "GiveUp",
    "1035": "UnsupportedFilter",
    "1036": "InvalidData",
    "1037": "AlreadyDone",
    "1042": "InvalidData",
    "1048": "GiveUp",
    "1049": "RequestTooLarge",
    "1076": "FixRequest",
    "1077": "FixRequest",
    "1078": "FixRequest",
    "1079": "FixRequest",
    "1080": "RequestTooLarge",
}


@pytest.mark.parametrize(("code", "name"), CLASS_OF_CODE.items())
def test_a_code_becomes_the_class_that_says_what_to_do_next(code: str, name: str) -> None:
    """Each code of the fact sheet is one class, and its text carries code, requestId and the next step."""
    error = error_for(code, "Something was refused", "a1#b2")

    assert name == type(error).__name__
    assert f"Something was refused (code {code}, requestId a1#b2). {error.advice}" == str(error)
    assert len(error.advice) > 10


def test_no_code_is_known_to_the_client_and_not_to_this_test() -> None:
    """The table above is the whole table."""
    assert set(CLASS_OF_CODE) == set(RULES)


@pytest.mark.parametrize(
    ("code", "message", "name"),
    [
        pytest.param("1029", "Too many jobs in queue", "QueueFull", id="full queue"),
        pytest.param("1029", "Too many jobs (10) in queue", "QueueFull", id="full queue with a number"),
        pytest.param("1029", "Export daily quota exceeded", "ExportQuotaSpent", id="spent quota"),
        pytest.param("1029", "Export daily quota 500MB exceeded.", "ExportQuotaSpent", id="spent quota with a number"),
        pytest.param("1029", "Job already queued", "JobAlreadyQueued", id="enqueued twice"),
        pytest.param("1029", "TOO MANY EXPORT REQUESTS", "QueueFull", id="full queue in other words"),
        pytest.param("1029", "The export queue is already full", "QueueFull", id="full queue, not a queued job"),
        pytest.param("1029", "Export job is already in Queued state", "JobAlreadyQueued", id="queued, in other words"),
        pytest.param("1029", "Words never seen before", "GiveUp", id="1029 in unknown words"),
        pytest.param("1003", "Too many results match the filter", "TooManyResults", id="more than 1,000 matches"),
        pytest.param("1003", "More than 100,000 members", "TooManyResults", id="more than 100,000 members"),
        pytest.param("1003", "Words never seen before", "InvalidData", id="1003 in unknown words"),
        pytest.param("611", "System error", "ServerTrouble", id="611 as documented"),
        pytest.param("611", "Invalid date in filter", "InvalidData", id="611 that names the fault"),
        pytest.param("611", "Words never seen before", "ServerTrouble", id="611 in unknown words"),
        pytest.param("1037", "Lead not in program", "AlreadyDone", id="1037 on removal"),
        pytest.param("9999", "A code from the future", "GiveUp", id="undocumented code"),
        pytest.param("", "", "GiveUp", id="no code at all"),
    ],
)
def test_a_code_with_several_meanings_is_told_apart_by_its_words(code: str, message: str, name: str) -> None:
    """Known words choose the meaning; unknown words take the branch that does least harm."""
    assert name == type(error_for(code, message)).__name__


@pytest.mark.parametrize("code", ["601", "602", "604", "605", "608", "611"])
def test_the_codes_with_an_asterisk_are_free(code: str) -> None:
    """Adobe does not count these answers against the day."""
    assert code in FREE_CODES


@pytest.mark.parametrize(
    ("code", "tries"), [("500", 3), ("611", 3), ("606", 8), ("1019", 5), ("614", 4)], ids=lambda value: str(value)
)
def test_some_errors_are_worth_fewer_tries_than_others(code: str, tries: int) -> None:
    """How often to repeat belongs to the error."""
    error = error_for(code, "System error")

    assert isinstance(error, errors.TryAgain)
    assert tries == error.tries


@pytest.mark.parametrize("code", ["500", "502", "503", "504", "604", "611", "713"])
def test_a_write_that_met_trouble_may_have_happened(code: str) -> None:
    """Trouble while handling says nothing about what was done."""
    assert leaves_outcome_unknown(error_for(code, "System error"))


@pytest.mark.parametrize("code", ["606", "607", "608", "615", "603", "1003", "1029"])
def test_a_write_that_was_refused_did_not_happen(code: str) -> None:
    """A refusal comes before the work."""
    assert not leaves_outcome_unknown(error_for(code, "refused"))


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_classes() -> None:
    """The drawing is the first thing a newcomer reads, so it is held to the truth."""
    drawn = []
    path: list[str] = []
    for line in inspect.getdoc(errors).splitlines()[2:]:
        depth, name = (len(line) - len(line.lstrip())) // 4, line.split()[0]
        path = [*path[:depth], name]
        drawn.append(tuple(path))
    defined = [
        tuple(base.__name__ for base in reversed(kind.__mro__) if issubclass(base, MarketoError))
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, MarketoError)
    ]

    assert sorted(defined) == sorted(drawn)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]}, id="reasons"),
        pytest.param({"status": "skipped", "reason": {"code": "1004", "message": "Lead not found"}}, id="reason"),
        pytest.param({"status": "skipped", "errors": [{"code": 1004, "message": "Lead not found"}]}, id="errors"),
        pytest.param({"reasons": [{"code": "1004", "message": "Lead not found"}]}, id="without a status"),
    ],
)
def test_a_rejected_record_is_understood_in_every_spelling(record: dict[str, object]) -> None:
    """Marketo names the reasons of a skipped record in three ways."""
    rejection = rejection_of(record, "a1#b2")

    assert isinstance(rejection, errors.NotFound)
    assert rejection.code == "1004"


@pytest.mark.parametrize("record", [{"id": 1, "status": "updated"}, {"id": 1}, {"reasons": []}, {"reasons": None}])
def test_an_accepted_record_has_no_rejection(record: dict[str, object]) -> None:
    """Nothing is read into a record that was taken."""
    assert rejection_of(record) is None


def test_a_record_skipped_without_a_reason_is_still_rejected() -> None:
    """A skipped record is never taken for an accepted one."""
    assert isinstance(rejection_of({"status": "skipped"}), errors.GiveUp)


def test_an_error_survives_the_way_between_processes() -> None:
    """Pickled and back, an error still says the same."""
    error = error_for("606", "Max rate limit '100' exceeded with in '20' secs", "a1#b2")

    assert str(error) == str(pickle.loads(pickle.dumps(error)))  # noqa: S301 - made on the same line
