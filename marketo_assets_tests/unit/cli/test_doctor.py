"""What `doctor` finds in a sandbox in this process, and that every finding says what to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.open_waits import note_wait
from marketo_assets.cli.doctor import examine
from marketo_assets.cli.doctor_instance import check_clock
from marketo_assets.cli.findings import Finding, Findings
from marketo_assets.cli.project import Project
from marketo_assets.cli.sandbox_record import World, claim
from marketo_assets.cli.screen import Screen
from marketo_assets.clock import SystemClock
from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.options import ALL_PERMISSIONS, Options, Switches
from marketo_assets.sandbox.state import Sandbox
from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import in_process_transport

SECRET = "a-very-secret-secret"
VARIABLES = {
    "MARKETO_BASE_URL": "http://127.0.0.1:1",
    "MARKETO_CLIENT_ID": "a-client",
    "MARKETO_CLIENT_SECRET": SECRET,
}
Examine = Callable[..., list[Finding]]


@pytest.fixture
def examined(tmp_path: Path, data_dir: Path) -> Iterator[Examine]:
    """Examines a new small sandbox; its options and more variables may be told."""
    with ExitStack() as stack:

        def run(variables: dict[str, str] | None = None, **options: Any) -> list[Finding]:
            chosen = {"leads": 30, "months": 3, "client_id": "a-client", "client_secret": SECRET, **options}
            sandbox = Sandbox(Options(**chosen))
            stack.callback(sandbox.close)
            environ = {**VARIABLES, "MARKETO_DATA_DIR": str(data_dir), **(variables or {})}
            findings = Findings(Screen(is_terminal=False))
            transport = in_process_transport(create_app(sandbox))
            examine(Project(tmp_path, Path(environ["MARKETO_DATA_DIR"])), environ, findings, transport=transport)
            return findings.items

        yield run


def found(findings: list[Finding], subject: str, level: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject and finding.level == level]


def test_a_healthy_instance_has_no_problem(examined: Examine) -> None:
    """With credentials that may do everything, nothing prevents work, and what was looked at is named."""
    findings = examined()
    assert [] == [finding for finding in findings if finding.level in ("problem", "warning")]
    subjects = {finding.subject for finding in findings if finding.level == "ok"}
    expected = {
        "clock",
        "data folder",
        "settings",
        "disk",
        "credentials",
        "fields",
        "bulk export",
        "updatedAt filter",
        "quotas",
        "exports",
        "others",
        "past week",
    }
    assert {*expected, "start month"} == subjects


def test_every_finding_ends_with_what_to_do(examined: Examine) -> None:
    """Each finding's last words are a whole sentence, whether there is something to do or not."""
    findings = examined({"MARKETO_LEAD_FIELDS": "emial"}, permissions=("Read-Only Lead",))
    assert [] == [finding for finding in findings if not re.fullmatch(r".+[^\s].*", finding.todo)]
    assert [] == [finding.todo for finding in findings if finding.level == "problem" and "Nothing" in finding.todo]


def test_what_is_said_is_what_was_found(examined: Examine, capsys: pytest.CaptureFixture[str]) -> None:
    """Every finding is printed on a line of its own."""
    findings = examined()
    assert len(findings) == len(capsys.readouterr().out.strip().splitlines())


def test_no_secret_and_no_person_is_shown(examined: Examine, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither credentials nor the API user's address nor a lead's are printed, found or refused."""
    examined()
    examined(client_secret="another")
    said = capsys.readouterr().out
    assert [] == [text for text in (SECRET, "a-client", "another", "@") if text in said]


def test_the_start_month_is_found_and_stored(examined: Examine, data_dir: Path) -> None:
    """The month of the oldest top-level folder is kept where the partitions are read from."""
    findings = examined()
    month = (data_dir / "start_month").read_text().strip()
    assert re.fullmatch(r"\d{4}-\d{2}", month)
    assert [f"{month}, from the oldest top-level folder; stored."] == [
        finding.text for finding in found(findings, "start month", "ok")
    ]


def test_a_stored_month_is_never_replaced_by_a_later_one(examined: Examine, data_dir: Path) -> None:
    """Partitions that were copied do not vanish because somebody tidied folders up."""
    data_dir.mkdir()
    (data_dir / "start_month").write_text("2019-03\n")
    assert found(examined(), "start month", "ok")
    assert "2019-03\n" == (data_dir / "start_month").read_text()


def test_the_setting_wins_over_the_folders(examined: Examine, data_dir: Path) -> None:
    """With `MARKETO_START_MONTH`, nothing is stored."""
    findings = examined({"MARKETO_START_MONTH": "2025-02"})
    assert found(findings, "start month", "ok")[0].text.startswith("2025-02, from MARKETO_START_MONTH.")
    assert not (data_dir / "start_month").exists()


def test_folders_that_may_not_be_read(examined: Examine) -> None:
    """Without the permission for assets (603), the default month is used and the ways out are named."""
    others = [name for name in ALL_PERMISSIONS if name != "Read-Only Assets"]
    warning = found(examined(permissions=tuple(others)), "start month", "warning")[0]
    assert "2020-01" in warning.text
    assert "MARKETO_START_MONTH" in warning.todo
    assert "Read-Only Assets" in warning.todo


def test_leads_that_may_not_be_read(examined: Examine) -> None:
    """Without the permission for leads, fields and exports are problems that name the role."""
    findings = examined(permissions=("Read-Only Assets",))
    problems = [*found(findings, "leads", "problem"), *found(findings, "bulk export", "problem")]
    assert ["603", "603"] == [re.findall(r"code (\d+)", problem.text)[0] for problem in problems]
    assert ["role" in problem.todo for problem in problems] == [True, True]


def test_wrong_credentials_stop_the_questions(examined: Examine) -> None:
    """When Identity refuses, nothing more is asked, and the two variables are named."""
    findings = examined(client_secret="another")
    assert "MARKETO_CLIENT_SECRET" in found(findings, "credentials", "problem")[0].todo
    assert ["this examination made 0 calls and spent no export quota."] == [
        finding.text for finding in findings if finding.subject == "cost"
    ]


def test_nobody_there(tmp_path: Path, data_dir: Path) -> None:
    """A host that does not answer is a problem with the address, and the rest is left unasked."""
    findings = Findings(Screen(is_terminal=False))
    moment = datetime.now(UTC).timestamp()
    environ = {**VARIABLES, "MARKETO_DATA_DIR": str(data_dir), "MARKETO_CLOCK": f"{moment}/{moment}/1000"}
    examine(Project(tmp_path, data_dir), environ, findings)
    assert "MARKETO_BASE_URL" in found(findings.items, "credentials", "problem")[0].todo


def test_without_settings_all_that_is_missing_is_named(tmp_path: Path, data_dir: Path) -> None:
    """The three variables are problems of their own, and the way without an account is told."""
    findings = Findings(Screen(is_terminal=False))
    examine(Project(tmp_path, data_dir), {"MARKETO_DATA_DIR": str(data_dir)}, findings)
    problems = found(findings.items, "settings", "problem")
    assert [f"{name} is not set." for name in VARIABLES] == [problem.text for problem in problems]
    assert "marketo-assets sandbox" in found(findings.items, "settings", "note")[0].todo
    assert not data_dir.exists()


def test_an_unknown_field_in_the_settings(examined: Examine) -> None:
    """A name that Describe does not know is a problem with the nearest names."""
    problem = found(examined({"MARKETO_LEAD_FIELDS": "emial"}), "fields", "problem")[0]
    assert "MARKETO_LEAD_FIELDS names 'emial'" in problem.text
    assert "email" in problem.todo


def test_a_variable_that_is_no_setting_is_told(examined: Examine) -> None:
    """A misspelt name is a warning with the nearest setting, and its value is not shown; all settings are known."""
    warnings = found(examined({"MARKETO_OBJECT": "programs", "MARKETO_QUOTA_SHARE": "0.5"}), "settings", "warning")
    assert [("MARKETO_OBJECT is no setting and changes nothing.", "Did you mean MARKETO_OBJECTS?")] == [
        (warning.text, warning.todo) for warning in warnings
    ]


def test_fields_that_are_left_out_are_named(examined: Examine) -> None:
    """What is not copied is said: by the settings, or because no export holds it."""
    text = found(examined({"MARKETO_LEAD_FIELDS_EXCLUDE": "phone,email"}), "fields", "ok")[0].text
    assert "58 of 61 lead fields" in text
    assert "by the settings: email, phone." in text.replace("phone, email", "email, phone")
    assert "(formula): fullAddressFormula." in text


def test_fields_that_differ_in_case_only(examined: Examine) -> None:
    """Twins are named, since one of them gets another column name."""
    assert any("differ in case only" in finding.text for finding in found(examined(), "fields", "note"))


def test_a_subscription_without_the_updated_at_filter(examined: Examine) -> None:
    """1035 is a capability that is absent, not a problem."""
    findings = examined(switches=Switches(updated_at_filter=False))
    assert [] == found(findings, "updatedAt filter", "problem")
    assert "does not have it" in found(findings, "updatedAt filter", "note")[0].text


def test_the_jobs_of_the_check_are_cancelled(data_dir: Path, tmp_path: Path) -> None:
    """Nothing that the examination creates is left to run or to wait."""
    sandbox = Sandbox(Options(leads=30, months=3, client_id="a-client", client_secret=SECRET))
    environ = {**VARIABLES, "MARKETO_DATA_DIR": str(data_dir)}
    transport = in_process_transport(create_app(sandbox))
    examine(Project(tmp_path, data_dir), environ, Findings(Screen(is_terminal=False)), transport=transport)
    with httpx.Client(transport=transport, base_url="http://sandbox") as http:
        jobs = http.get("/sandbox/jobs").json()
    sandbox.close()
    # Marketo writes it with one l and with two.
    assert ["canceled", "canceled"] == [job["status"].lower().replace("ll", "l") for job in jobs]


def test_a_sandboxs_folder_and_a_real_address(tmp_path: Path, data_dir: Path) -> None:
    """A real instance would be mixed with a sandbox's leads: a problem."""
    claim(data_dir, World(), begin=datetime(2026, 8, 15, tzinfo=UTC))
    findings = Findings(Screen(is_terminal=False))
    environ = {
        **VARIABLES,
        "MARKETO_BASE_URL": "https://123-abc-456.mktorest.com",
        "MARKETO_DATA_DIR": str(data_dir),
    }
    refuse = httpx.MockTransport(lambda _: httpx.Response(401))
    examine(Project(tmp_path, data_dir), environ, findings, transport=refuse)
    assert "sandbox's leads" in found(findings.items, "data folder", "problem")[0].text


def test_a_folder_that_others_may_read(examined: Examine, data_dir: Path) -> None:
    """Personal data that others may read is a warning with the command that ends it."""
    data_dir.mkdir(mode=0o755)
    assert f"chmod 700 {data_dir}" in found(examined(), "data folder", "warning")[0].todo


def test_a_folder_that_cannot_be_written(examined: Examine, tmp_path: Path) -> None:
    """Where nothing can be kept, Marketo is not asked, and the message names the setting."""
    (tmp_path / "a-file").write_bytes(b"")
    findings = examined({"MARKETO_DATA_DIR": str(tmp_path / "a-file")})
    assert "MARKETO_DATA_DIR" in found(findings, "data folder", "problem")[0].todo
    assert [] == found(findings, "credentials", "ok")


@pytest.mark.parametrize(
    ("ahead", "level", "word"),
    [(0, "ok", "agrees"), (3600, "warning", "behind"), (-3600, "warning", "ahead")],
    ids=["agrees", "an hour behind", "an hour ahead"],
)
def test_the_clock_is_compared_with_marketos(ahead: int, level: str, word: str) -> None:
    """The date of an answer tells whether this machine's clock can be relied on."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    transport = httpx.MockTransport(lambda _: httpx.Response(401, headers={"Date": date}))
    findings = Findings(Screen(is_terminal=False))
    check_clock(load_settings(VARIABLES), findings, transport=transport)
    assert [(level, "clock", True)] == [(item.level, item.subject, word in item.text) for item in findings.items]


def test_a_pause_is_a_warning_that_says_until_when(examined: Examine, data_dir: Path) -> None:
    """While exports rest, doctor says why and when they go on, and that nothing has to be done."""
    settings = load_settings({"MARKETO_DATA_DIR": str(data_dir)}, is_local=True)
    ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock)
    ledger.exports.close()
    ledger.shut()

    (finding,) = found(examined(), "exports", "warning")
    assert finding.text.startswith("paused: export quota spent by Marketo's count, resumes ")
    assert "export_quota_gate" in finding.todo


def test_it_tells_what_others_spent(data_dir: Path) -> None:
    """Calls of another integration are told apart from ours, and leave us less than our share."""
    sandbox = Sandbox(Options(leads=30, months=3, client_id="a-client", client_secret=SECRET))
    sandbox.meter.tally.calls_by_day[sandbox.today()] = Counter({"crm@example.com": 49_000})
    findings = Findings(Screen(is_terminal=False))
    environ = {**VARIABLES, "MARKETO_DATA_DIR": str(data_dir)}
    examine(Project(data_dir, data_dir), environ, findings, transport=in_process_transport(create_app(sandbox)))
    sandbox.close()

    (others,) = found(findings.items, "others", "warning")
    assert "49,000 of them are not this project's" in others.text
    (quotas,) = found(findings.items, "quotas", "ok")
    assert "Others' calls leave it less than its share." in quotas.text
    left = int(re.findall(r"still make ([0-9,]+) of 25,000", quotas.text)[0].replace(",", ""))
    assert 850 <= left <= 900


def test_it_tells_the_refusals_of_the_week(data_dir: Path) -> None:
    """What Marketo refused for its limits, and how often, is told with what to do."""
    sandbox = Sandbox(Options(leads=30, months=3, client_id="a-client", client_secret=SECRET))
    sandbox.meter.tally.errors_by_day[sandbox.today()] = Counter({"606": 12, "601": 5})
    findings = Findings(Screen(is_terminal=False))
    environ = {**VARIABLES, "MARKETO_DATA_DIR": str(data_dir)}
    examine(Project(data_dir, data_dir), environ, findings, transport=in_process_transport(create_app(sandbox)))
    sandbox.close()

    (week,) = found(findings.items, "past week", "note")
    assert "12 times 606 (too fast)" in week.text


def test_it_tells_pauses_and_open_waits(examined: Examine, data_dir: Path) -> None:
    """Whether exports rest, why and until when, and what a run waits for at this moment."""
    data_dir.mkdir(mode=0o700)
    now = datetime.now(UTC)
    ledger = Ledger(data_dir / "ledger.sqlite", Limits(), SystemClock())
    ledger.exports.close()
    until, next_look = now + timedelta(hours=24), now + timedelta(minutes=5)
    note_wait(ledger, "2026-07", "Marketo to begin with the export", until=until, next_look=next_look)
    ledger.shut()
    findings = examined()

    (paused,) = found(findings, "exports", "warning")
    assert "paused: export quota spent by Marketo's count, resumes" in paused.text
    (wait,) = found(findings, "waiting", "note")
    assert wait.text.startswith("2026-07 has waited ")
    assert "for Marketo to begin with the export; it gives up at " in wait.text
