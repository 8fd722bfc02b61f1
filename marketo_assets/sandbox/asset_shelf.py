"""The assets of the instance, besides its folders: what there is of each kind, and what has been done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from marketo_assets.sandbox.asset_kinds import BY_NAME, AssetKind
from marketo_assets.sandbox.folders import WORKSPACE, FolderTree

_UNMOVED = frozenset({"tags", "costs"})
STATUSES = ("approved", "draft", "approved with draft")
_SHUFFLE = 1_009


class Place(NamedTuple):
    """The folder or the program in which an asset lies."""

    type: str
    id: int


@dataclass(frozen=True)
class Asset:
    """One asset as it is now."""

    kind: str
    id: int
    name: str
    place: Place | None
    created: int
    updated: int
    status: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The members of its own, under Marketo's names."""
    draft: Mapping[str, Any] = field(default_factory=dict)
    """What its draft has in their place, of an asset that is `approved with draft`."""

    def truth(self) -> dict[str, Any]:
        """Return it as the control desk tells it."""
        place = None if self.place is None else {"type": self.place.type, "id": self.place.id}
        told = {"kind": self.kind, "id": self.id, "name": self.name, "folder": place, "status": self.status}
        stamps = {"createdAt": _iso(self.created), "updatedAt": _iso(self.updated)}
        return {**told, **stamps, **self.values, "draft": dict(self.draft)}


class AssetShelf:
    """All assets of one instance."""

    def __init__(self, assets: Iterable[Asset], folders: FolderTree) -> None:
        self._folders = folders
        self._assets: dict[str, dict[int, Asset]] = {name: {} for name in BY_NAME}
        self.gone: list[Asset] = []
        """Deleted ones, as they were."""
        for asset in assets:
            self._assets[asset.kind][asset.id] = asset

    def all(self, kind: str) -> list[Asset]:
        """Return the assets of a kind in the order in which a browse tells them: no source promises one by id.

        Raises: LookupError for an unknown kind.
        """
        if kind not in self._assets:
            raise LookupError(f"no kind of asset {kind!r}; there are {', '.join(self._assets)}")
        return sorted(self._assets[kind].values(), key=lambda asset: (asset.id * 7919 % _SHUFFLE, asset.id))

    def find(self, kind: str, asset_id: int) -> Asset | None:
        """Return the asset of that kind with that id."""
        return self._assets[kind].get(asset_id)

    def named(self, kind: str, name: str) -> list[Asset]:
        """Return the assets of a kind that are called exactly that."""
        return [asset for asset in self.all(kind) if asset.name == name]

    def add(self, kind: str, name: str, place: Place | None, second: int, values: Mapping[str, Any]) -> Asset:
        """Return a new asset; what *values* do not tell it has as another of its kind has it.

        Raises: LookupError for an unknown kind.
        """
        others = sorted(self.all(kind), key=lambda asset: asset.id)
        model = others[0] if others else None
        usual = dict(model.values) if model else {}
        number = max((asset.id for asset in [*others, *self.gone] if asset.kind == kind), default=0) + 1
        status = "approved" if BY_NAME[kind].has_versions else (model.status if model else "")
        place = place or (model.place if model else None)
        asset = Asset(kind, number, name, place, second, second, status, usual)
        self._assets[kind][number] = _with(asset, values)
        return self._assets[kind][number]

    def edit(self, kind: str, asset_id: int, values: Mapping[str, Any], second: int, *, tags_move: bool) -> Asset:
        """Return the asset with new *values* (`name`, `status`, `folder`, `draft` and members of its own).

        Its updatedAt moves, unless only tags and costs changed and *tags_move* is false. Raises: LookupError.
        """
        asset = self._require(kind, asset_id)
        moves = tags_move or bool(set(values) - _UNMOVED)
        changed = _with(asset, values)
        self._assets[kind][asset_id] = replace(changed, updated=max(second, asset.updated)) if moves else changed
        return self._assets[kind][asset_id]

    def delete(self, kind: str, asset_id: int) -> None:
        """Take an asset out for good. Raises: LookupError."""
        self.gone.append(self._require(kind, asset_id))
        del self._assets[kind][asset_id]

    def versions(self, asset: Asset, wanted: str | None, usual: str) -> list[Asset]:
        """Return *asset* as it is shown where a *wanted* status is asked for, or none: then as *usual* says."""
        if not BY_NAME[asset.kind].has_versions:
            return [asset] if wanted in (None, asset.status) else []
        draft = replace(asset, status="draft", values={**asset.values, **asset.draft})
        approved = replace(asset, status="approved")
        shown = {"approved": [approved], "draft": [draft], "approved with draft": [approved, draft]}[asset.status]
        if wanted is None and len(shown) > 1:
            return shown if usual == "both" else [item for item in shown if item.status == usual]
        return [item for item in shown if wanted in (None, item.status)]

    def shown(self, asset: Asset, *, in_browse: bool) -> dict[str, Any]:
        """Return *asset* as the asset API shows it, in a browse or alone."""
        kind = BY_NAME[asset.kind]
        url = f"https://app.example.com/#{asset.kind.upper()}{asset.id}A1"
        common = {
            "description": asset.values.get("description", ""),
            "createdAt": _asset_date(asset.created),
            "updatedAt": _asset_date(asset.updated),
            "url": url,
            "folder": self._reference(kind, asset.place),
            "workspace": WORKSPACE,
            "status": asset.status,
        }
        own = {name: value for name, value in asset.values.items() if not (in_browse and name in kind.hidden_in_browse)}
        head = {} if kind.name == "tag_type" else {"id": asset.id, "name": asset.name}
        return {**head, **{name: common[name] for name in kind.common}, **own}

    def _reference(self, kind: AssetKind, place: Place | None) -> dict[str, Any] | None:
        if place is None:
            return None
        if kind.folder_style == "id":
            return {"id": place.id, "type": place.type}
        folder = self._folders.find(place.id) if place.type == "Folder" else self.find("program", place.id)
        return {"type": place.type, "value": place.id, "folderName": folder.name if folder else None}

    def _require(self, kind: str, asset_id: int) -> Asset:
        asset = self._assets.get(kind, {}).get(asset_id)
        if asset is None:
            raise LookupError(f"no {kind} {asset_id}")
        return asset


def _with(asset: Asset, values: Mapping[str, Any]) -> Asset:
    own = {name: value for name, value in values.items() if name not in ("name", "status", "folder", "draft")}
    place = Place(**values["folder"]) if values.get("folder") else asset.place
    return replace(
        asset,
        name=str(values.get("name", asset.name)),
        status=str(values.get("status", asset.status)),
        place=place,
        values={**asset.values, **own},
        draft=values.get("draft", asset.draft),
    )


def _asset_date(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}+0000"


def _iso(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
