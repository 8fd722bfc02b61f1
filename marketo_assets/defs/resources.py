"""What assets are given: a way to Marketo, and the warehouse.

Why not `dagster.EnvVar` for credentials: a variable that is not set stops a run, or a whole backfill, before it
begins, with a stack trace in which only the name is of use. `EnvironmentVariable` is shown as an environment variable
in the UI too, its value never becomes part of a run's configuration, and the step that misses it says what to do.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.settings import Settings, load_settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse


class EnvironmentVariable(dg.Config):
    """The name of an environment variable, whose value is read when a step needs it."""

    env: str = Field(description="Name of the variable.")


class MarketoResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it is its own value
    """A Marketo instance: address and credentials of a custom service, from the environment."""

    base_url: EnvironmentVariable = Field(
        default=EnvironmentVariable(env="MARKETO_BASE_URL"), description="https://<munchkin id>.mktorest.com"
    )
    client_id: EnvironmentVariable = Field(
        default=EnvironmentVariable(env="MARKETO_CLIENT_ID"), description="Of the custom service in LaunchPoint."
    )
    client_secret: EnvironmentVariable = Field(
        default=EnvironmentVariable(env="MARKETO_CLIENT_SECRET"), description="Of the same custom service."
    )

    def settings(self) -> Settings:
        """Return the settings in force now.

        Raises: SettingsError naming the variable and what to put there.
        """
        named = {
            "MARKETO_BASE_URL": self.base_url,
            "MARKETO_CLIENT_ID": self.client_id,
            "MARKETO_CLIENT_SECRET": self.client_secret,
        }
        read = {name: dg.EnvVar(variable.env).get_value("") or "" for name, variable in named.items()}
        return load_settings({**os.environ, **read})

    def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
        """Return a client; no call is made yet, and whoever opened it closes it."""
        return MarketoClient.open(settings, is_backfill=is_backfill)


class WarehouseResource(DuckDBResource):
    """The database that the pipeline writes, below MARKETO_DATA_DIR; no credentials are needed.

    Only one process can have it open, so it is opened under a file lock for one transaction at a time.
    """

    database: str = Field(
        default="work.duckdb",
        description="The pipeline's own file, in MARKETO_DATA_DIR. People read marketo.duckdb beside it.",
    )

    def settings(self) -> Settings:
        """Return the settings in force now, without address and credentials."""
        return load_settings(is_local=True)

    def warehouse(self) -> Warehouse:
        """Return the files of the data folder."""
        return Warehouse(self.settings().data_dir)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Yield the account of calls, export bytes and export jobs."""
        settings = self.settings()
        ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock)
        try:
            yield ledger
        finally:
            ledger.shut()

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBConnection]:
        """Yield a connection in a transaction: committed when the block ends, undone when it raises.

        Raises: WarehouseError when another process keeps the file for too long.
        """
        with self.warehouse().transaction() as con:
            yield con
