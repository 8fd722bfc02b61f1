"""Asset checks of what was captured: nothing twice, nobody both here and gone, nothing left unseen."""

from collections.abc import Iterator

import dagster as dg

from marketo_assets.defs.check_results import ERROR, WARN, counted
from marketo_assets.load.current_leads import GONE
from marketo_assets.load.lead_changes import Capture
from marketo_assets.load.lead_versions import ALL_KEYS, SHOWN
from marketo_assets.warehouse import DuckDBConnection

CHANGES, DELETIONS, MERGES = (
    dg.AssetKey(["marketo", "raw", name]) for name in ("lead_changes", "lead_deletions", "lead_merges")
)
_COUNTED = (
    (
        CHANGES,
        "unique_changes",
        "No change of a field is there twice.",
        "SELECT count(*) - count(DISTINCT (activity_guid, coalesce(field, ''))) FROM raw.lead_changes",
        ERROR,
        "changes are there twice. Tell the maintainers: activities are told apart by their marketoGUID.",
    ),
    (
        DELETIONS,
        "unique_deletions",
        "No deletion is there twice.",
        "SELECT count(*) - count(DISTINCT activity_guid) FROM raw.lead_deletions",
        ERROR,
        "deletions are there twice. Tell the maintainers: activities are told apart by their marketoGUID.",
    ),
    (
        DELETIONS,
        "gone_or_here",
        "No lead is both shown and deleted or merged away.",
        f"SELECT count(*) FROM {SHOWN} AS version ANTI JOIN meta.superseded_rows AS superseded "
        f"ON superseded.lead_id = version.id AND superseded.load_id = version._load_id SEMI JOIN ({GONE}) USING (id)",
        ERROR,
        "leads are shown although they are gone. Materialize marketo/raw/lead_snapshots of their months again.",
    ),
    (
        DELETIONS,
        "known_leads",
        "Deleted leads were known here: created and deleted between two polls, or in a month that was never loaded, "
        "they are not.",
        f"SELECT count(*) FROM (SELECT DISTINCT lead_id AS id FROM raw.lead_deletions) ANTI JOIN {ALL_KEYS} USING (id)",
        WARN,
        "deleted leads were never seen. Where months are missing, materialize them; otherwise nothing is to be done.",
    ),
    (
        MERGES,
        "one_winner",
        "No lead was merged away twice.",
        "SELECT count(*) - count(DISTINCT loser_id) FROM raw.lead_merges",
        WARN,
        "merges name a lead that had been merged before. The first is taken; look at raw.lead_merges.",
    ),
)
_SEEN = "nothing_unseen"
CHANGES_CHECKS = (
    *(dg.AssetCheckSpec(name, asset=key, description=told) for key, name, told, *_ in _COUNTED),
    dg.AssetCheckSpec(
        _SEEN, asset=CHANGES, description="The poll began before Marketo forgot anything, and no search failed."
    ),
)


def check_changes(con: DuckDBConnection, key: dg.AssetKey, capture: Capture) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks on the table *key*."""
    for asset, name, _, query, severity, advice in _COUNTED:
        if asset == key:
            row = con.execute(query).fetchone()
            found = int(row[0]) if row else 0
            yield counted(name, found, f"{found:,} {advice}", asset=key, severity=severity)
    if key == CHANGES:
        yield counted(_SEEN, len(capture.warnings), " ".join(capture.warnings), asset=key)
