"""What loading a month and publishing tell in the UI, from landed files written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.lead_tables import LEAD_TABLES, META_TABLES
from marketo_assets.warehouse import connect_readonly
from marketo_assets_tests.pipeline.handmade import AS_OF, csv_text, land, lead_rows

KINDS = {"email": "email", "city": "string", "leadScore": "score"}
HEADER = ["id", "createdAt", "updatedAt", *KINDS]
PUBLISHED = [spec.key for spec in (*LEAD_TABLES, *META_TABLES)]
MONTH, NEXT = "2026-03", "2026-04"


def write_month(
    data_dir: Path, *texts: tuple[str | None, ...], month: str = MONTH, first_id: int = 1, created: str | None = None
) -> None:
    """Land a month with one lead for each of *texts* (email, city, score)."""
    rows = lead_rows(texts, first_id=first_id)
    for row in rows:
        row[1] = row[2] = created or f"{month}-05T10:00:00Z"
    land(data_dir, csv_text(HEADER, rows), KINDS, month=month, records=len(rows), as_of=AS_OF)


def run_month(instance: dg.DagsterInstance, month: str = MONTH) -> dg.ExecuteInProcessResult:
    """Run the job's steps that make no call."""
    return defs.resolve_job_def("lead_snapshots").execute_in_process(
        partition_key=month,
        asset_selection=[lead_snapshots.key],
        instance=instance,
        raise_on_error=False,
    )


def run_published(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Run what the sensor starts after loads."""
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=PUBLISHED, instance=instance, raise_on_error=False)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def metadata(result: dg.ExecuteInProcessResult, step: str, key: dg.AssetKey) -> dict[str, object]:
    (found,) = (event for event in result.asset_materializations_for_node(step) if event.asset_key == key)
    return {name: value.value for name, value in found.metadata.items()}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_a_month_tells_what_was_loaded(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """A load tells rows, load, export job and release; every check passes; people can read the rows."""
    write_month(data_dir, ("ann@example.com", "Oslo", "3"), ("bob@example.com", None, None))

    result = run_month(instance)
    told = metadata(result, "marketo__raw__lead_snapshots", lead_snapshots.key)

    assert (2, 1, 0, 0) == tuple(
        told[n] for n in ("dagster/partition_row_count", "load_id", "rejected_values", "calls")
    )
    assert {"export_id", "sha256", "release", "calls_left_today", "export_mb_left_today", "as_of"} <= set(told)
    assert {True} == {evaluation.passed for evaluation in checks(result).values()}
    with connect_readonly() as con:
        assert [(1, "Oslo"), (2, None)] == con.execute("SELECT id, city FROM marketo.leads ORDER BY id").fetchall()


def test_no_person_reaches_the_event_log(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """Addresses and texts stay out of logs, metadata and previews, from load to release."""
    write_month(data_dir, ("ann@example.com", "Oslo", "not a number"))

    results = run_month(instance), run_published(instance)
    logged = "".join(str(entry) for result in results for entry in instance.all_logs(result.run_id))

    assert "| 1 | 2026-03-05 10:00:00 | 2026-03-05 10:00:00 | ••• | ••• |" in logged
    assert [] == [text for text in ("ann@", "Oslo", "not a number") if text in logged]


def test_a_faulty_month_stays_visible(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """Values that do not fit their type warn, with month and count, also after another month was loaded."""
    write_month(data_dir, ("a@example.com", "Oslo", "many"), ("b@example.com", "Rome", "2"))
    write_month(data_dir, ("c@example.com", "Bern", "1"), month=NEXT, first_id=3)

    first, second = (checks(run_month(instance, month))["values_fit_their_type"] for month in (MONTH, NEXT))

    assert (False, dg.AssetCheckSeverity.WARN) == (first.passed, first.severity)
    assert "2026-03 (1). Look into meta.rejected_values" in str(second.description)


def test_rows_outside_the_month_warn(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """A row whose createdAt is not in the month is kept, and a check says so."""
    write_month(data_dir, ("a@example.com", "Oslo", "1"), created="2026-04-01T00:00:00Z")

    found = checks(run_month(instance))["created_inside_month"]

    assert (False, 1) == (found.passed, found.metadata["found"].value)


@pytest.mark.parametrize(
    ("city", "indistinguishable"), [("null", 0), ("Oslo", 1)], ids=["the file quotes the word", "it may not"]
)
def test_missing_texts_are_counted(
    city: str, indistinguishable: int, data_dir: Path, instance: dg.DagsterInstance
) -> None:
    """Where no quoted null shows that the export tells the word from a missing value, missing texts are counted."""
    write_month(data_dir, ("a@example.com", city, "1"), ("b@example.com", None, "1"))

    found = checks(run_month(instance))["values_fit_their_type"].metadata

    assert (1, indistinguishable) == (found["null_texts"].value, found["indistinguishable"].value)


def test_a_missing_file_fails_the_step_with_what_to_do(instance: dg.DagsterInstance) -> None:
    """Loading a month that was not landed says which asset to materialize first."""
    failure = run_month(instance).failure_data_for_node("marketo__raw__lead_snapshots")

    assert failure is not None
    assert failure.user_failure_data is not None
    assert "Materialize landing/lead_exports for 2026-03 first" in str(failure.user_failure_data.description)


def test_publishing_before_any_load_says_what_to_do(instance: dg.DagsterInstance) -> None:
    """Nothing is published while nothing is loaded."""
    failure = run_published(instance).failure_data_for_node("published_tables")

    assert failure is not None
    assert failure.user_failure_data is not None
    assert "No month has been loaded yet" in str(failure.user_failure_data.description)


def test_what_follows_a_load_shows_every_table(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """What the sensor starts materializes marketo/leads and the tables beside it, with their row counts."""
    write_month(data_dir, ("a@example.com", "Oslo", "1"))
    run_month(instance)

    result = run_published(instance)
    events = result.asset_materializations_for_node("published_tables")

    assert set(PUBLISHED) == {event.asset_key for event in events}
    assert 1 == metadata(result, "published_tables", dg.AssetKey(["marketo", "leads"]))["dagster/row_count"]
    assert {True} == {evaluation.passed for evaluation in checks(result).values()}


def test_a_release_that_has_to_wait_is_not_forgotten(
    data_dir: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While releases are held back a month is loaded and not shown; what the sensor starts shows it."""
    monkeypatch.setenv("MARKETO_PUBLISH_MIN_SECONDS", "3600")
    write_month(data_dir, ("a@example.com", "Oslo", "1"))
    write_month(data_dir, ("b@example.com", "Rome", "1"), month=NEXT, first_id=2)
    run_month(instance, MONTH)

    held_back = metadata(run_month(instance, NEXT), "marketo__raw__lead_snapshots", lead_snapshots.key)
    shown = run_published(instance)

    assert "the next one: the newest is younger than MARKETO_PUBLISH_MIN_SECONDS" == held_back["release"]
    assert 2 == metadata(shown, "published_tables", dg.AssetKey(["marketo", "leads"]))["dagster/row_count"]
