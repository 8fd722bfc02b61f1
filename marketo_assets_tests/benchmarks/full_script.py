"""The whole road in one process: export, land, load, model, audit, publish. Dagster has no part in it.

Run by whole_road.py, which measures it: `python -m marketo_assets_tests.benchmarks.full_script MONTH ...`
"""

from __future__ import annotations

import sys

from marketo_assets.api.client import MarketoClient
from marketo_assets.land.lead_exports import land_lead_export, read_landed
from marketo_assets.load.lead_snapshots import load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.settings import load_settings
from marketo_assets.warehouse import Warehouse


def main(months: list[str]) -> None:
    settings = load_settings()
    warehouse = Warehouse(settings.data_dir)
    with MarketoClient.open(settings) as client:
        for month in months:
            land_lead_export(client, settings, month, log=lambda _: None)
        with warehouse.held():
            for month in months:
                landed = read_landed(settings.landing_dir, month)
                load_lead_snapshot(warehouse, landed, run_id="benchmark", now=settings.clock.now())
            publish(warehouse, client.ledger, now=settings.clock.now(), force=True)


if __name__ == "__main__":
    main(sys.argv[1:])
