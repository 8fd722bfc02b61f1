"""What went wrong, as Dagster shows it: one sentence that says what happened and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from marketo_assets.api.errors import MarketoError, SignInAgain, TryAgain
from marketo_assets.extract.bulk import ExportError
from marketo_assets.land.manifest import LandingError
from marketo_assets.load.file_reading import LoadError
from marketo_assets.load.parse import ParseError
from marketo_assets.settings import SettingsError
from marketo_assets.warehouse import WarehouseError

EXPLAINED = (SettingsError, MarketoError, ExportError, LandingError, ParseError, LoadError, WarehouseError)
_WORTH_REPEATING = (TryAgain, SignInAgain, ExportError)


@contextmanager
def explained() -> Iterator[None]:
    """Turn every error of this project inside the block into a failed step that says what to do.

    Raises: dagster.Failure. Any other error is a mistake of ours and passes with its trace.
    """
    try:
        yield
    except EXPLAINED as error:
        # No cause: a chain of exceptions would bury the sentence, and may quote what has no place in an event log.
        raise failure_for(error) from None


def failure_for(error: Exception) -> dg.Failure:
    """Return the failure that tells *error*, with Marketo's code, request id and the next step in its metadata.

    Retries are allowed only where the same request may work later.
    """
    facts = {"error": type(error).__name__, "next_step": next_step_of(error)}
    # An export that was given up has Marketo's last refusal behind it.
    refusal = error if isinstance(error, MarketoError) else error.__cause__
    if isinstance(refusal, MarketoError):
        facts |= {"code": refusal.code or "", "request_id": refusal.request_id or ""}
    return dg.Failure(
        description=str(error),
        metadata={name: text for name, text in facts.items() if text},
        allow_retries=isinstance(error, _WORTH_REPEATING),
    )


def next_step_of(error: Exception) -> str:
    """Return what to do about *error*: its advice, or what follows its first sentence."""
    if isinstance(error, MarketoError):
        return error.advice
    return f"{error}".partition(". ")[2]
