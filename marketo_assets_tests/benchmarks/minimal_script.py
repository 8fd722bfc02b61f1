"""The least a script can do: export months, check SHA-256, read the CSV with types. No ledger, no landing, no history.

Run by whole_road.py, which measures it: `python -m marketo_assets_tests.benchmarks.minimal_script FOLDER MONTH ...`
"""

from __future__ import annotations

import calendar
import hashlib
import os
import sys
import time
from pathlib import Path

import duckdb
import httpx

TYPES = {
    "integer": "BIGINT",
    "score": "BIGINT",
    "float": "DOUBLE",
    "percent": "DOUBLE",
    "currency": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
}


def main(folder: Path, months: list[str]) -> None:
    base = os.environ["MARKETO_BASE_URL"]
    scale = float(os.environ["MARKETO_CLOCK"].split("/")[2])
    http = httpx.Client(base_url=base, timeout=60)
    credentials = {"client_id": os.environ["MARKETO_CLIENT_ID"], "client_secret": os.environ["MARKETO_CLIENT_SECRET"]}
    token = http.get("/identity/oauth/token", params={"grant_type": "client_credentials", **credentials}).json()
    http.headers["Authorization"] = f"Bearer {token['access_token']}"
    described = http.get("/rest/v1/leads/describe2.json").json()["result"][0]["fields"]
    fields = [field for field in described if field["dataType"] != "formula"]
    types = ["BIGINT" if f["name"] == "id" else TYPES.get(f["dataType"], "VARCHAR") for f in fields]
    columns = ", ".join(f"'c{number}': '{kind}'" for number, kind in enumerate(types))
    con = duckdb.connect(str(folder / "minimal.duckdb"))
    con.execute("SET TimeZone = 'UTC'")
    for number, month in enumerate(months):
        path = _export(http, month, [field["name"] for field in fields], scale, folder)
        select = (
            f"SELECT * FROM read_csv('{path}', header = true, auto_detect = false, delim = ',', quote = '\"', "
            f"escape = '\"', nullstr = 'null', allow_quoted_nulls = false, columns = {{{columns}}})"
        )
        con.execute(f"CREATE TABLE leads AS {select}" if number == 0 else f"INSERT INTO leads {select}")
    con.close()


def _export(http: httpx.Client, month: str, fields: list[str], scale: float, folder: Path) -> Path:
    last_day = calendar.monthrange(*map(int, month.split("-")))[1]
    created_at = {"startAt": f"{month}-01T00:00:00Z", "endAt": f"{month}-{last_day}T23:59:59Z"}
    body = {"fields": fields, "format": "CSV", "filter": {"createdAt": created_at}}
    job = http.post("/bulk/v1/leads/export/create.json", json=body).json()["result"][0]
    address = f"/bulk/v1/leads/export/{job['exportId']}"
    http.post(f"{address}/enqueue.json").raise_for_status()
    while job["status"] != "Completed":
        time.sleep(60 / scale)
        job = http.get(f"{address}/status.json").json()["result"][0]
    digest, path = hashlib.sha256(), folder / "month.csv"
    with http.stream("GET", f"{address}/file.json") as answer, path.open("wb") as file:
        for chunk in answer.iter_bytes(1 << 20):
            digest.update(chunk)
            file.write(chunk)
    if f"sha256:{digest.hexdigest()}" != job["fileChecksum"]:
        raise SystemExit(f"{month} arrived damaged")
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
