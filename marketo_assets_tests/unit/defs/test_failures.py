"""Errors of the house become failed steps that say what to do."""

from __future__ import annotations

import dagster as dg
import pytest

from marketo_assets.api.errors import AccessDenied, ExportQuotaSpent, QueueFull, ServerTrouble
from marketo_assets.defs.failures import explained, failure_for
from marketo_assets.extract.bulk import ExportError
from marketo_assets.land.manifest import LandingError
from marketo_assets.settings import SettingsError


def test_a_refusal_carries_code_request_and_next_step() -> None:
    """The failure's text is what happened, Marketo's code and request id, and what to do."""
    failure = failure_for(AccessDenied("Access denied", "603", "8f2#1"))

    assert failure.description is not None
    assert failure.description.startswith("Access denied (code 603, requestId 8f2#1). Give the API user's role")
    told = {name: value.value for name, value in failure.metadata.items()}
    assert str(told.pop("next_step")).startswith("Give the API user's role the permission")
    assert {"error": "AccessDenied", "code": "603", "request_id": "8f2#1"} == told


def test_an_export_that_was_given_up_carries_the_last_refusal() -> None:
    """Marketo's code and request id stand beside our own words, with what to do."""
    error = ExportError("Marketo's export queue has been full for 24 hours. The job is kept: run the partition again.")
    error.__cause__ = QueueFull("Too many jobs in queue", "1029", "9a#1")

    assert {
        "error": "ExportError",
        "code": "1029",
        "request_id": "9a#1",
        "next_step": "The job is kept: run the partition again.",
    } == {name: value.value for name, value in failure_for(error).metadata.items()}


@pytest.mark.parametrize(
    ("error", "may_retry"),
    [
        (ServerTrouble("Bad gateway", "502"), True),
        (AccessDenied("Access denied", "603"), False),
        (ExportQuotaSpent("Export daily quota exceeded", "1029"), False),
        (SettingsError("MARKETO_BASE_URL is not set."), False),
        (LandingError("damaged"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_only_passing_trouble_may_be_retried(error: Exception, may_retry: bool) -> None:
    """A retry is allowed where the same request may work later, and nowhere else."""
    assert may_retry == failure_for(error).allow_retries


def test_the_failure_has_no_cause() -> None:
    """What lay behind an explained error stays out of the event log, where its text might not belong."""
    error = LandingError("The file could not be written. Free some space.")
    error.__cause__ = OSError("https://host/identity?client_secret=abc")

    with pytest.raises(dg.Failure) as raised, explained():
        raise error

    assert (None, True) == (raised.value.__cause__, raised.value.__suppress_context__)


def test_a_mistake_of_ours_passes() -> None:
    """An error that nobody explained keeps its type and trace."""
    with pytest.raises(ZeroDivisionError), explained():
        print(1 / 0)
