"""Credentials, permissions or an address that do not work: the error says what to do, and nothing is exported."""

from __future__ import annotations

import socket
from dataclasses import replace

import httpx
import pytest

from marketo_assets.api.errors import AccessDenied, BadCredentials, FieldNotFound, Unreachable, WrongInstance
from marketo_assets.settings import Secret, SettingsError
from marketo_assets_tests.pipeline.road import Road

MONTH = "2026-07"
CLIENT = "/users/5d0f0c3e-sandbox-client"


def assert_nothing_happened(road: Road) -> None:
    assert 0 == road.exports("created")
    assert [] == [path for path in road.settings.data_dir.rglob("*") if path.suffix in (".json", ".zst", ".duckdb")]


def test_a_wrong_secret(road: Road) -> None:
    """A secret that Marketo does not know is refused once, with the place where the right one stands."""
    wrong = road.with_settings(client_secret=Secret("not-the-secret"))
    with pytest.raises(
        BadCredentials, match=r"Check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.*LaunchPoint"
    ) as caught:
        wrong.land(MONTH)

    assert "not-the-secret" not in repr(caught.value)
    assert 1 == road.desk("GET", "/counters")["identity_calls"]
    assert_nothing_happened(road)


def test_a_service_that_was_removed(road: Road) -> None:
    """Credentials that were revoked between two months stop the next one; what is published stays."""
    road.travel("2026-06")
    road.desk("DELETE", CLIENT)
    with pytest.raises(BadCredentials, match="LaunchPoint"):
        road.travel(MONTH)

    assert [("2026-06",)] == road.query("SELECT partition FROM meta.loads")


def test_a_service_that_is_removed_while_its_export_runs(road: Road) -> None:
    """Credentials revoked in the middle of an export stop it clearly; restored, the same job is taken up."""
    road.desk("POST", "/faults", route="GET */status.json", kind="token_revoked")
    road.desk("POST", "/faults", route="GET /identity/*", kind="http", status=401, skip=1, count=1)
    with pytest.raises(BadCredentials, match="LaunchPoint"):
        road.travel(MONTH)
    road.travel("2026-06", MONTH, "2026-08")

    assert [] == road.differences()
    assert 3 == road.exports("created")


@pytest.mark.parametrize(
    "permissions", [[], ["Read-Only Activity", "Read-Only Assets"]], ids=["no role", "other roles"]
)
def test_a_user_without_permission_for_leads(road: Road, permissions: list[str]) -> None:
    """A user who may not read leads gets 603, and the error names the role's permission that is missing."""
    road.desk("PUT", CLIENT, permissions=permissions)
    with pytest.raises(AccessDenied, match=r"603.*Give the API user's role the permission.*Access API"):
        road.land(MONTH)

    assert_nothing_happened(road)


def test_permission_taken_away_before_the_export(road: Road) -> None:
    """A permission that is lost between Describe and the export is told the same way."""
    road.desk("POST", "/faults", route="POST */create.json", kind="error", code="603")
    with pytest.raises(AccessDenied, match=r"603.*Give the API user's role"):
        road.land(MONTH)

    assert_nothing_happened(road)


def test_a_host_that_is_not_marketo(road: Road) -> None:
    """A web server that answers with a page is told apart from Marketo, by name of the setting."""
    page = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>Welcome</html>"))
    with pytest.raises(WrongInstance, match="MARKETO_BASE_URL"):
        replace(road, transport=page).land(MONTH)

    assert_nothing_happened(road)


def test_a_host_where_nobody_listens(road: Road) -> None:
    """A host that cannot be reached is tried a few times, then named as the network or the setting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    nowhere = replace(road.with_settings(base_url=f"http://127.0.0.1:{port}"), transport=None)
    with pytest.raises(Unreachable, match="Check the network and that MARKETO_BASE_URL names your instance"):
        nowhere.land(MONTH)

    assert_nothing_happened(road)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("emial", "Did you mean email"),
        ("regioncode", "Did you mean RegionCode, regionCode"),
        ("x" * 60, "REST API names"),
    ],
    ids=["misspelt", "two that differ in case only", "like nothing known"],
)
@pytest.mark.parametrize("setting", ["lead_fields", "lead_fields_exclude"])
def test_an_unknown_field_in_the_settings(road: Road, setting: str, name: str, hint: str) -> None:
    """A field that Marketo does not describe is named, with its setting and the nearest ones that exist."""
    with pytest.raises(SettingsError, match=f"MARKETO_{setting.upper()} names '{name}'.*{hint}"):
        road.with_settings(**{setting: ("email", name)}).land(MONTH)

    assert_nothing_happened(road)


def test_a_field_that_is_hidden_between_describe_and_export(road: Road) -> None:
    """A field that vanishes while a run is under way is told with its advice; the next run goes without it."""
    road.desk(
        "POST", "/faults", route="POST */create.json", kind="error", code="1006", message="Field 'planName' not found"
    )
    with pytest.raises(FieldNotFound, match="planName"):
        road.land(MONTH)
    road.desk("POST", "/fields/planName/hide")
    road.travel("2026-06", MONTH, "2026-08")

    assert [] == road.differences()
