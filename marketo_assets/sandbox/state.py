"""One sandbox: its world, its clock, its limits, and what has been counted."""

from __future__ import annotations

import random
import shutil
import tempfile
import weakref
from datetime import date, datetime
from functools import partial
from pathlib import Path

from marketo_assets.sandbox.activity import Activity
from marketo_assets.sandbox.activity_export import write_activities
from marketo_assets.sandbox.activity_log import ActivityLog
from marketo_assets.sandbox.activity_reader import ActivityReader
from marketo_assets.sandbox.activity_seed import ActivitySeed
from marketo_assets.sandbox.activity_types import ActivityTypes
from marketo_assets.sandbox.asset_seed import AssetSeed
from marketo_assets.sandbox.asset_shelf import AssetShelf
from marketo_assets.sandbox.chaos import Chaos
from marketo_assets.sandbox.clock import SandboxClock, day_end, day_of
from marketo_assets.sandbox.export_queue import ExportQueue
from marketo_assets.sandbox.export_request import Kind
from marketo_assets.sandbox.export_writer import ExportWriter, Source
from marketo_assets.sandbox.faults import Faults
from marketo_assets.sandbox.folders import FolderTree
from marketo_assets.sandbox.history import History
from marketo_assets.sandbox.identity import ApiUser, TokenDesk
from marketo_assets.sandbox.lead_export import write_leads
from marketo_assets.sandbox.limits import Meter
from marketo_assets.sandbox.member_export import write_members
from marketo_assets.sandbox.membership import MembershipSeed
from marketo_assets.sandbox.membership_now import Memberships
from marketo_assets.sandbox.options import Options, amend
from marketo_assets.sandbox.world import World


class Sandbox:
    """Everything a local Marketo knows. `close` removes its files.

    **Cost:** export files lie in a folder of their own below the system's temporary one until they expire.
    """

    def __init__(self, options: Options | None = None, *, clock: SandboxClock | None = None) -> None:
        options = options or Options()
        clock = clock or SandboxClock(options.now, options.time_scale)
        world = _world_of(options, clock)
        self.folder = Path(tempfile.mkdtemp(prefix="marketo-sandbox-"))
        self._removal = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._begin(options, clock, world)

    def _begin(self, options: Options, clock: SandboxClock, world: World) -> None:
        self.options, self.clock, self.world = options, clock, world
        self.limits, self.switches = options.limits, options.switches
        self.random = random.Random(options.seed)  # noqa: S311 - tokens of a sandbox are to be repeatable
        self.faults = Faults()
        self.chaos: Chaos | None = None
        if options.chaos is not None:
            self.begin_chaos(options.chaos)
        self.meter = Meter(self.clock, lambda: self.limits, self.day_of)
        self.tokens = TokenDesk(self.clock, self.random, lambda: self.limits.token_seconds)
        self.tokens.users[options.client_id] = ApiUser(
            options.client_id, options.client_secret, options.user_id, frozenset(options.permissions)
        )
        self.folders = FolderTree(self.world.start)
        self.assets = AssetShelf(AssetSeed(options.seed, world.edges[0], world.edges[-1]).assets(), self.folders)
        self.partitions: dict[int, dict[str, int | str]] = {
            1: {"id": 1, "name": "Default", "description": "Initial system lead partition"}
        }
        self.activity_types = ActivityTypes()
        memberships = MembershipSeed(world, options.seed)
        self.members = Memberships(world, memberships)
        self.activity_log = ActivityLog(world, clock, switches=lambda: self.switches, seed=options.seed)
        self.activities = ActivityReader(
            world,
            self.activity_log,
            ActivitySeed(world, memberships, seed=options.seed, per_lead=options.activities),
            self.activity_types,
            limits=lambda: self.limits,
            switches=lambda: self.switches,
        )
        self.history = History(self.activity_log)
        self.world.watch(self.history.record)
        self.token_series = 0
        self.exports = ExportQueue(
            self.world,
            self.clock,
            limits=lambda: self.limits,
            switches=lambda: self.switches,
            day=self.day_of,
            writer=self._writer(),
            random_source=self.random,
        )

    def _writer(self) -> ExportWriter:
        sources: dict[Kind, Source] = {
            "leads": partial(write_leads, self.world, self.members, lambda: self.switches),
            "activities": partial(write_activities, self.activities, lambda: self.switches),
            "program/members": partial(write_members, self.world, self.assets, self.members, lambda: self.switches),
        }
        return ExportWriter(sources, self.folder, lambda: self.switches)

    async def reset(self, options: Options) -> None:
        """Begin again from *options*: another world, no jobs, no tokens, no faults, nothing counted.

        Raises: ValueError for options that make no world; then everything is as it was.
        """
        clock = SandboxClock(options.now, options.time_scale)
        world = _world_of(options, clock)
        self.faults.clear()
        await self.exports.close()
        for path in self.folder.iterdir():
            path.unlink()
        self._begin(options, clock, world)

    def begin_chaos(self, seed: int | None) -> None:
        """Let the weather of *seed* begin, in place of what it was; None is fine weather. Switches stay turned."""
        chaos = None if seed is None else Chaos(seed, self.clock, lambda now: day_end(now, self.switches.midnight))
        self.chaos, self.faults.weather = chaos, chaos.draw if chaos else None
        self.switches = amend(self.switches, chaos.moods if chaos else {})

    def day_of(self, moment: datetime) -> date:
        """Return the quota day of *moment*."""
        return day_of(moment, self.switches.midnight)

    def today(self) -> date:
        """Return the running quota day."""
        return self.day_of(self.clock.now())

    def filled_at_birth(self, line: Activity) -> frozenset[str]:
        """Return the fields that the lead of a New Lead activity came with."""
        return self.world.filled_first(line.lead_id) if line.filled is None else line.filled

    def request_id(self) -> str:
        """Return an id for one answer, in the shape of Marketo's."""
        return f"{self.random.getrandbits(16):x}#{self.random.getrandbits(40):x}"

    @property
    def start_month(self) -> str:
        """The first month that can hold leads, `YYYY-MM`."""
        return f"{self.world.start:%Y-%m}"

    def close(self) -> None:
        """Remove the export files."""
        self._removal()


def _world_of(options: Options, clock: SandboxClock) -> World:
    if options.leads < 0 or options.months < 1 or options.activities < 0:
        raise ValueError("an instance has at least 0 leads, 1 month and 0 activities")
    return World(
        seed=options.seed,
        leads=options.leads,
        months=options.months,
        now=clock.now(),
        fields=options.fields,
        quote_null_text=options.switches.quote_null_text,
    )
