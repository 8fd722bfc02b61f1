"""A reader in a process of its own: says what it saw when its standard input ends.

`hold PATH` opens the published file once, when told to by a first line, and asks it again and again; `poll PATH`
opens it anew each time. Each look checks that what is there agrees with itself. Prints reads, what was wrong, and the
longest time that one look took, opening included.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from marketo_assets.warehouse import DuckDBConnection, connect_readonly

_CHECK = """
SELECT
    (SELECT count(*) FROM main.leads),
    (SELECT count(DISTINCT id) FROM main.leads),
    (SELECT sum(rows) FROM meta.loads),
    (SELECT count(DISTINCT _load_id) FROM main.leads),
    (SELECT count(*) FROM meta.loads)
"""


def look(con: DuckDBConnection) -> tuple[int, ...]:
    """Return leads, different ids, rows loaded, loads that leads point at, loads."""
    row = con.execute(_CHECK).fetchone()
    return tuple(int(value or 0) for value in row or ())


def main() -> int:
    how, path = sys.argv[1], Path(sys.argv[2])
    is_over, seen, wrong, reads, slowest = threading.Event(), set[tuple[int, ...]](), set[str](), 0, 0.0
    threading.Thread(target=_wait_for_the_end, args=[is_over], daemon=True).start()
    held = connect_readonly(path)
    sys.stdout.write("reading\n")
    sys.stdout.flush()
    while not is_over.wait(0.005):
        began = time.monotonic()
        con = held if how == "hold" else connect_readonly(path)
        try:
            found = look(con)
            seen.add(found)
            if not (found[0] == found[1] == found[2] and found[3] == found[4]):
                wrong.add(f"{found}")
        except Exception as error:
            wrong.add(f"{type(error).__name__}: {error}")
        finally:
            if con is not held:
                con.close()
        reads, slowest = reads + 1, max(slowest, time.monotonic() - began)
    told = {"reads": reads, "wrong": sorted(wrong), "seen": sorted(seen), "slowest_seconds": slowest}
    sys.stdout.write(json.dumps(told))
    return 0


def _wait_for_the_end(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


if __name__ == "__main__":
    sys.exit(main())
