"""What resources read from the environment, and what they say when it is not there."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.resources import EnvironmentVariable, MarketoResource, WarehouseResource
from marketo_assets.warehouse import DuckDBError

VARIABLES = {
    "MARKETO_BASE_URL": "http://127.0.0.1:9",
    "MARKETO_CLIENT_ID": "an-id",
    "MARKETO_CLIENT_SECRET": "hunter2-hunter2",
}


def test_credentials_come_from_the_environment_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resource made before the variables were set reads them when asked."""
    marketo = MarketoResource()
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    settings = marketo.settings()

    assert list(VARIABLES.values()) == [settings.base_url, settings.client_id, settings.client_secret]


def test_another_variable_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second instance is a second resource with other variables."""
    for name, value in {**VARIABLES, "OTHER_SECRET": "another"}.items():
        monkeypatch.setenv(name, value)

    assert "another" == MarketoResource(client_secret=EnvironmentVariable(env="OTHER_SECRET")).settings().client_secret


@pytest.mark.parametrize("missing", VARIABLES)
def test_a_missing_variable_fails_the_step_with_what_to_do(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step fails at once; its text names the variable, where to find the value, and the sandbox."""
    for name, value in VARIABLES.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [lead_exports],
            partition_key="2024-03",
            resources={"marketo": MarketoResource()},
            instance=instance,
            raise_on_error=False,
        )
        failure = result.failure_data_for_node("landing__lead_exports")
        logged = str(instance.all_logs(result.run_id))

    assert failure is not None
    assert failure.user_failure_data is not None
    assert f"{missing} is not set." in str(failure.user_failure_data.description)
    assert "marketo-assets sandbox" in str(failure.user_failure_data.description)
    assert VARIABLES["MARKETO_CLIENT_SECRET"] not in logged


def test_the_resource_shows_names_and_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the resource nor its configuration ever holds a credential."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    shown = repr(MarketoResource()) + str(MarketoResource().settings())

    assert "MARKETO_CLIENT_SECRET" in shown
    assert VARIABLES["MARKETO_CLIENT_SECRET"] not in shown


def test_the_warehouse_needs_no_credentials(data_dir: Path) -> None:
    """Loads and releases work without Marketo's address, in a transaction that an exception undoes."""
    warehouse = WarehouseResource()
    with warehouse.get_connection() as con:
        con.execute("CREATE TABLE main.kept (id INTEGER)")
    with pytest.raises(DuckDBError), warehouse.get_connection() as con:
        con.execute("DROP TABLE main.kept; SELECT error('stop')")
    with warehouse.get_connection() as con:
        assert (0,) == con.execute("SELECT count(*) FROM main.kept").fetchone()

    assert (data_dir / "work.duckdb").exists()
