"""How a capture of members runs: one at a time, within its terms, and on to the others where Marketo refuses some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, MarketoError, concerns_what_was_asked
from marketo_assets.extract.bulk import Exporter, ExportError, Log, OverdueExportError
from marketo_assets.extract.instance import claim_folder
from marketo_assets.land.store import alone
from marketo_assets.load.file_reading import LoadError
from marketo_assets.load.parse import ParseError
from marketo_assets.settings import Settings
from marketo_assets.warehouse import Warehouse, WarehouseError

PASSING = (MarketoError, ExportError, LoadError, ParseError)
"""What may concern single programs or lists alone."""
_MOST_FAILED = 10


@dataclass(frozen=True)
class ReadingTerms:
    """When members are read whole, and how much that may cost in one run."""

    whole_after: timedelta = timedelta(days=7)
    """A program, or list, that was read whole longer ago is read whole again."""
    is_whole: bool = False
    """Whether all are read whole now."""
    most_bytes: int = 100_000_000
    """What such repeated readings may export in a run; first readings are not bounded by it."""
    most_calls: int = 1_000
    """What readings of static lists may call in a run."""


@dataclass
class Failures:
    """What failed of single programs or lists, told when the others are done."""

    errors: list[Exception] = field(default_factory=list)

    def take(self, error: Exception) -> None:
        """Note that some failed with *error*. Raises: *error* itself where others would fail of it too."""
        if not _is_of_some_alone(error):
            raise error
        self.errors.append(error)
        # What ten are refused, others are too.
        if len(self.errors) == _MOST_FAILED:
            raise error

    def tell(self) -> None:
        """Raise the first of them, if there is one."""
        if self.errors:
            raise self.errors[0]


def _is_of_some_alone(error: Exception) -> bool:
    if isinstance(error, MarketoError):
        return concerns_what_was_asked(error) and not isinstance(error, AccessDenied)
    return not isinstance(error, OverdueExportError)


@contextmanager
def one_at_a_time(
    client: MarketoClient,
    warehouse: Warehouse,
    settings: Settings,
    what: str,
    *,
    log: Log,
    on_accepted: Callable[[], object] | None = None,
) -> Iterator[Exporter]:
    """Yield who sees exports through for a capture of *what*; other captures of it wait while the block runs.

    *on_accepted* hears that the day's first export is in Marketo's queue.

    Raises: WarehouseError when the one that runs does not end; SettingsError for the folder of another instance.
    """
    claim_folder(client.ledger, settings)
    exporter = Exporter(
        client, client.ledger, settings.clock, log, settings.status_poll_seconds, settings.export_deadline_hours
    )
    exporter.on_accepted = on_accepted or exporter.on_accepted
    folder = settings.data_dir / f"{what.removesuffix('s').replace(' ', '_')}_capture"
    try:
        with alone(folder, warehouse.lock_seconds, lambda: log(f"Another capture of {what} runs; waiting")):
            yield exporter
    except TimeoutError as error:
        raise WarehouseError(
            f"Another capture of {what} has been running for {warehouse.lock_seconds:.0f} s. Let it finish or stop it; "
            "the next one goes on from there."
        ) from error
