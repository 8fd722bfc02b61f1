"""Any sequence of changes leaves the world equal to a model of plain dictionaries."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.sandbox.fields import Json
from marketo_assets.sandbox.world import World

NOW = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
NAMES = ["id", "createdAt", "updatedAt", "firstName", "order", "isPartner", "notes"]
TEXTS = (
    st.none() | st.sampled_from(["", "null", '"', "a,b\r\n", "\u2028", " x "]) | st.text('ab",\n\r \t漢', max_size=5)
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "firstName": TEXTS,
        "notes": TEXTS,
        "order": st.none() | st.integers(-(2**63), 2**63 - 1),
        "isPartner": st.none() | st.booleans(),
    },
)
PLACE = st.integers(0, 10**6)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), VALUES),
        st.tuples(st.just("edit"), PLACE, VALUES),
        st.tuples(st.just("delete"), PLACE),
        st.tuples(st.just("merge"), PLACE, PLACE),
        st.tuples(st.just("read")),
    ),
    max_size=25,
)


class Model:
    """The same leads as plain dictionaries, and the second of each one's latest change."""

    def __init__(self, world: World) -> None:
        self.leads = {int(str(lead["id"])): dict(lead) for lead in world.truth(NAMES)}
        self.latest: dict[int, datetime] = {}

    def add(self, lead_id: int, values: dict[str, Json], at: datetime) -> None:
        stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        self.leads[lead_id] = {**dict.fromkeys(NAMES), "id": lead_id, "createdAt": stamp, "updatedAt": stamp}
        self.leads[lead_id] |= {name: value for name, value in values.items() if value != ""}
        self.latest[lead_id] = at

    def edit(self, lead_id: int, values: dict[str, Json], at: datetime) -> None:
        lead = self.leads[lead_id]
        changed = {name: value for name, value in values.items() if (None if value == "" else value) != lead[name]}
        lead |= {name: None if value == "" else value for name, value in changed.items()}
        if changed:
            self.latest[lead_id] = at
        if "firstName" in changed:
            lead["updatedAt"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"

    def merge(self, winner: int, loser: int, at: datetime) -> None:
        theirs = self.leads.pop(loser)
        self.edit(winner, {name: value for name, value in theirs.items() if self.leads[winner][name] is None}, at)


def play(world: World, model: Model, change: tuple, at: datetime) -> None:  # type: ignore[type-arg]
    kind, *rest = change
    ids = sorted(model.leads)
    if kind == "add":
        model.add(world.add(rest[0], at), rest[0], at)
    elif kind == "edit" and ids:
        lead_id = ids[rest[0] % len(ids)]
        world.edit(lead_id, rest[1], at)
        model.edit(lead_id, rest[1], at)
    elif kind == "delete" and ids:
        lead_id = ids[rest[0] % len(ids)]
        world.delete(lead_id, at)
        del model.leads[lead_id]
    elif kind == "merge" and len(ids) > 1:
        winner = ids[rest[0] % len(ids)]
        loser = [lead_id for lead_id in ids if lead_id != winner][rest[1] % (len(ids) - 1)]
        # Fields outside the model may change too, which moves the latest change though not what the model sees.
        if [name for name in gaps(world, winner) if name in gaps(world, loser, filled=True)]:
            model.latest[winner] = at
        world.merge(winner, [loser], at)
        model.merge(winner, loser, at)
        model.leads[winner]["updatedAt"] = world.truth(["updatedAt"], winner - 1, 1)[0]["updatedAt"]
    elif kind == "read":
        world.truth(limit=1)


def gaps(world: World, lead_id: int, *, filled: bool = False) -> list[str]:
    return [name for name, value in held(world, lead_id).items() if (value is not None) == filled]


def held(world: World, lead_id: int) -> dict[str, Json]:
    names = [name for name, field in world.fields.items() if field.data_type != "formula"]
    return world.truth(names, lead_id - 1, 1)[0]


@settings(max_examples=60, deadline=None)
@given(leads=st.integers(0, 6), changes=CHANGES)
def test_world_equals_the_model(leads: int, changes: list[tuple]) -> None:  # type: ignore[type-arg]
    """Truth, windows, counts and the file agree with the model after every sequence of changes."""
    world = World(seed=5, leads=leads, months=2, now=NOW)
    model = Model(world)
    moments = [NOW + timedelta(seconds=number) for number in range(len(changes))]
    for at, change in zip(moments, changes, strict=True):
        play(world, model, change, at)
    truth = world.truth(NAMES)
    assert [model.leads[lead_id] for lead_id in sorted(model.leads)] == truth
    assert len(model.leads) == world.counts.live
    for at in moments:
        expected = sorted(lead_id for lead_id in model.leads if model.latest.get(lead_id) == at)
        assert expected == world.ids_between("updatedAt", at, at)
    out = io.BytesIO()
    world.write_export([int(str(lead["id"])) for lead in truth], ["notes", "order"], out)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))[1:]
    assert [
        ["null" if lead[name] is None else str(lead[name]) for name in ("notes", "order")] for lead in truth
    ] == rows
