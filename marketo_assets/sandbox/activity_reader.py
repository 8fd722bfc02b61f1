"""All activities of the instance together: the seed's, the New Lead of each of its leads, and the logged ones.

REST reads them one by one from a position on, exports and the control desk by the frame.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime

import polars as pl

from marketo_assets.sandbox.activity import FIRST_NUMBER, FRAME, Activity, activity_of, frame_of
from marketo_assets.sandbox.activity_log import ActivityLog
from marketo_assets.sandbox.activity_numbers import DELETE_LEAD, KEPT_90_DAYS, NEW_LEAD
from marketo_assets.sandbox.activity_seed import ActivitySeed
from marketo_assets.sandbox.activity_types import ActivityTypes
from marketo_assets.sandbox.options import Limits, Switches
from marketo_assets.sandbox.world import World

_BIRTHS = 2_000
_DAY = 86_400
_LINES = 20_000


class ActivityReader:
    """Reads every activity there is. Any number of threads may read while nothing is logged."""

    def __init__(
        self,
        world: World,
        log: ActivityLog,
        seed: ActivitySeed,
        types: ActivityTypes,
        *,
        limits: Callable[[], Limits],
        switches: Callable[[], Switches],
    ) -> None:
        self._world, self._log, self._seed, self._types = world, log, seed, types
        self._limits, self._switches = limits, switches
        self._births = world.first.select("created", "id").with_row_index("number", FIRST_NUMBER)

    def read(
        self, type_ids: Collection[int], since: tuple[int, int], lead_ids: Collection[int] | None, now: float
    ) -> Iterator[Activity]:
        """Yield the activities of these types that are visible and not pruned *now*, from the position *since* on.

        A position is a second and the lowest number within it. Without *lead_ids* those of all leads are yielded.
        """
        wanted, lead_ids = set(type_ids), None if lead_ids is None else set(lead_ids)
        streams = [self._log.since(type_id, since) for type_id in wanted]
        sources = None if lead_ids is None else {*lead_ids, *(a for a, b in self._winners().items() if b in lead_ids)}
        streams.append(self._read_seed(wanted, since, sources))
        if NEW_LEAD in wanted:
            streams.append(self._read_births(since, sources))
        oldest = {type_id: self.oldest(type_id, now) for type_id in wanted}
        gone = self._hidden_leads()
        for line in heapq.merge(*streams):
            is_kept = line.second >= oldest[line.type_id] and line.visible_from <= now
            if is_kept and (lead_ids is None or self.shown_lead_id(line) in lead_ids) and not self._hides(line, gone):
                yield line

    def frames(self, first: int, last: int, type_ids: Collection[int] | None = None) -> Iterator[pl.DataFrame]:
        """Yield all activities from second *first* to *last*, both included, with the columns of FRAME, in no order.

        **Cost:** the memory of 20,000 activities and of the rows of a few months.
        """
        if type_ids is None or NEW_LEAD in type_ids:
            born = self._births.filter(pl.col("created").is_between(first, last))
            yield from map(_births, born.iter_slices(_LINES))
        for rows in self._seed.rows(first, last):
            chosen = rows if type_ids is None else rows.filter(pl.col("type_id").is_in(list(type_ids)))
            told = self._seed.texts(chosen, with_unfit=self._switches().unfit_attributes)
            yield told.with_columns(visible_from=pl.lit(0.0)).select(*FRAME)
        lines = self._log.between(first, last, type_ids)
        yield from (frame_of(lines[start : start + _LINES]) for start in range(0, len(lines), _LINES))

    def served(self, first: int, last: int, type_ids: Collection[int] | None, at: datetime) -> Iterator[pl.DataFrame]:
        """Yield of `frames` what the API shows at that moment, each under the lead that it shows."""
        now = at.timestamp()
        gone = list(self._hidden_leads())
        merged = self._winners()
        for rows in self.frames(first, last, type_ids):
            kept = rows.filter((pl.col("second") >= self.oldest_of(now)) & (pl.col("visible_from") <= now))
            if gone:
                kept = kept.filter(~pl.col("lead_id").is_in(gone) | (pl.col("type_id") == DELETE_LEAD))
            if merged:
                kept = kept.with_columns(pl.col("lead_id").replace(merged))
            yield kept

    def shown_lead_id(self, line: Activity) -> int:
        """Return the lead under which *line* is shown now."""
        # The lead of a deletion is the one that was deleted, in every source; what happened before may follow a merge.
        merged = self._world.counts.merged if self._switches().merged_activities_follow else {}
        lead_id = line.lead_id
        while line.type_id != DELETE_LEAD and lead_id in merged:
            lead_id = merged[lead_id]
        return lead_id

    def oldest(self, type_id: int, now: float) -> int:
        """Return the first second whose activities of that type are not pruned *now*."""
        limits = self._limits()
        days = limits.changes_days if type_id in KEPT_90_DAYS else limits.activities_days
        return int(now - _DAY * (limits.deletions_days if type_id == DELETE_LEAD else days)) + 1

    def oldest_of(self, now: float) -> pl.Expr:
        """Return `oldest` for the type of each row of a frame."""
        kinds = {type_id: self.oldest(type_id, now) for type_id in self._types.by_id}
        return pl.col("type_id").replace_strict(kinds, default=self.oldest(0, now), return_dtype=pl.Int64)

    def _read_births(self, since: tuple[int, int], lead_ids: Collection[int] | None) -> Iterator[Activity]:
        start = self._births["created"].search_sorted(since[0], side="left") if self._births.height else 0
        births = self._births.slice(int(start))
        if lead_ids is not None:
            births = births.filter(pl.col("id").is_in(list(lead_ids)))
        for rows in births.iter_slices(_BIRTHS):
            yield from (line for line in map(activity_of, _births(rows).iter_rows()) if line[:2] >= since)

    def _read_seed(
        self, type_ids: Collection[int], since: tuple[int, int], lead_ids: Collection[int] | None
    ) -> Iterator[Activity]:
        names = {kind.id: [attribute.name for attribute in kind.attributes] for kind in self._types.by_id.values()}
        for rows in self._seed.since(since[0], type_ids, lead_ids):
            told = self._seed.texts(rows, with_unfit=self._switches().unfit_attributes)
            for row in told.with_columns(visible_from=pl.lit(0.0)).select(*FRAME).iter_rows():
                line = activity_of(row, names[row[2]])
                if line[:2] >= since:
                    yield line

    def _hidden_leads(self) -> Collection[int]:
        return () if self._switches().deleted_leads_activities else self._world.deleted

    def _hides(self, line: Activity, gone: Collection[int]) -> bool:
        return line.type_id != DELETE_LEAD and line.lead_id in gone

    def _winners(self) -> dict[int, int]:
        if not self._switches().merged_activities_follow:
            return {}
        merged, found = self._world.counts.merged, {}
        for loser, winner in merged.items():
            while winner in merged:
                winner = merged[winner]
            found[loser] = winner
        return found


def _births(rows: pl.DataFrame) -> pl.DataFrame:
    day = pl.from_epoch("created", "s").dt.strftime("%Y-%m-%d")
    return rows.select(
        second="created",
        number=pl.col("number").cast(pl.Int64),
        type_id=pl.lit(NEW_LEAD, pl.Int32),
        lead_id="id",
        campaign_id=pl.lit(None, pl.Int64),
        value_id="id",
        value=pl.lit("New Person"),
        attributes=pl.concat_str(pl.lit('{"Created Date":"'), day, pl.lit('","Source Type":"New lead"}')),
        result=pl.lit("succeeded"),
        visible_from=pl.lit(0.0),
    )


def moment_of(second: int) -> str:
    """Return a second since 1970 as the control desk writes it."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
