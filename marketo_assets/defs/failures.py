"""What went wrong, as Dagster shows it: one sentence that says what happened and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from marketo_assets.api.errors import MarketoError, SignInAgain, TryAgain
from marketo_assets.extract.bulk import ExportError
from marketo_assets.land.manifest import LandingError
from marketo_assets.load.lead_snapshots import LoadError
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
    """Return the failure that tells *error*; retries are allowed only where the same request may work later."""
    facts = {"error": type(error).__name__}
    if isinstance(error, MarketoError):
        marks = {"code": error.code, "request_id": error.request_id}
        facts |= {name: text for name, text in marks.items() if text}
    return dg.Failure(description=str(error), metadata=facts, allow_retries=isinstance(error, _WORTH_REPEATING))
