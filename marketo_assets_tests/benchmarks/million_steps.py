"""One measured step of million_leads.py in a process of its own, so that its peak memory is its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from marketo_assets.api.client import MarketoClient
from marketo_assets.extract.bulk import Exporter
from marketo_assets.extract.export_jobs import ExportRequest, recorded_jobs
from marketo_assets.land.lead_exports import land_lead_export, read_landed
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.columns import column_type
from marketo_assets.load.lead_snapshots import load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.settings import Settings, load_settings
from marketo_assets.warehouse import Warehouse


def land(settings: Settings, month: str) -> int:
    with MarketoClient.open(settings) as client:
        return land_lead_export(client, settings, month, log=lambda _: None).file_bytes


def download(settings: Settings, month: str, folder: str) -> int:
    with MarketoClient.open(settings) as client:
        job = next(job for job in recorded_jobs(client.ledger) if job.partition == month)
        exporter = Exporter(client, client.ledger, settings.clock, lambda _: None)
        landed = read_landed(settings.landing_dir, month)
        request = ExportRequest("leads", month, landed.window, tuple(field.name for field in landed.fields))
        path = Path(folder) / "ours.csv"
        path.write_bytes(b"")
        with path.open("r+b") as sink:
            exporter.fetch(request, job, sink)
            return sink.tell()


def curl(settings: Settings, month: str, folder: str) -> int:
    landed, path = read_landed(settings.landing_dir, month), Path(folder) / "curl.csv"
    with MarketoClient.open(settings) as client:
        client.sign_in()
        token = client._auth.token().value
    url = f"{settings.base_url}/bulk/v1/leads/export/{landed.export_id}/file.json"
    subprocess.run(["curl", "-sf", "-H", f"Authorization: Bearer {token}", "-o", str(path), url], check=True)  # noqa: S607  # curl as found
    return path.stat().st_size


def load(settings: Settings, month: str) -> int:
    warehouse = Warehouse(settings.data_dir)
    warehouse.work_path.unlink(missing_ok=True)
    landed = read_landed(settings.landing_dir, month)
    with MarketoClient.open(settings) as client, warehouse.held():
        load_lead_snapshot(warehouse, landed, run_id="benchmark", now=settings.clock.now())
        publish(warehouse, client.ledger, now=settings.clock.now(), force=True)
    return landed.file_bytes


def bare(settings: Settings, month: str, *, is_ordered: bool = False) -> int:
    landed: LandedFile = read_landed(settings.landing_dir, month)
    path = settings.data_dir / "bare.duckdb"
    path.unlink(missing_ok=True)
    columns = ", ".join(
        f"'c{number}': '{column_type(field.name, field.data_type)}'" for number, field in enumerate(landed.fields)
    )
    with duckdb.connect(str(path), config={"preserve_insertion_order": str(is_ordered).lower()}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            f"CREATE TABLE leads AS SELECT * FROM read_csv('{landed.path}', header = true, auto_detect = false, "
            f"delim = ',', quote = '\"', escape = '\"', nullstr = 'null', allow_quoted_nulls = false, "
            f"columns = {{{columns}}})"
        )
    return landed.file_bytes


STEPS: dict[str, Callable[..., int]] = {
    "land": land,
    "download": download,
    "curl": curl,
    "load": load,
    "bare": bare,
    "bare-ordered": lambda settings, month: bare(settings, month, is_ordered=True),
}


def main(name: str, *arguments: str) -> None:
    settings = load_settings(os.environ)
    began = time.monotonic()
    size = STEPS[name](settings, *arguments)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "bytes": size, "peak_mb": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
