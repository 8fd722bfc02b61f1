"""The folders of the instance: enough of them that a default page of 20 hides the oldest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

ROOTS = ("Marketing Activities", "Design Studio", "Lead Database", "Analytics")
WORKSPACE = "Default"


@dataclass(frozen=True)
class Folder:
    """One folder."""

    id: int
    name: str
    parent: Folder | None
    folder_type: str
    created_at: datetime
    updated_at: datetime
    is_system: bool = False

    @property
    def depth(self) -> int:
        """How many folders lie above it."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def path(self) -> str:
        """The names from the top down to it."""
        return f"{self.parent.path if self.parent else ''}/{self.name}"

    def shown(self) -> dict[str, object]:
        """Return it as Get Folders answers it; moments carry Marketo's `Z+0000`, which no standard knows."""
        above = self.parent.id if self.parent else 1
        return {
            "id": self.id,
            "name": self.name,
            "folderId": {"id": self.id, "type": "Folder"},
            "folderType": self.folder_type,
            "parent": {"id": above, "type": "Folder"},
            "path": self.path,
            "createdAt": _spell(self.created_at),
            "updatedAt": _spell(self.updated_at),
            "isArchive": False,
            "isSystem": self.is_system,
            "accessZoneId": 1,
            "workspace": WORKSPACE,
            "url": f"https://app.example.com/#MF{self.id}A1",
            "description": None,
        }


class FolderTree:
    """The folders of an instance provisioned shortly before *start*, when its first leads could come."""

    def __init__(self, start: datetime) -> None:
        provisioned = start - timedelta(hours=15)
        roots = [
            Folder(10 + place, name, None, "Zone", provisioned, provisioned, is_system=True)
            for place, name in enumerate(ROOTS)
        ]
        self.folders: list[Folder] = []
        for number in range(24):
            # The youngest first: the documents promise no order, and the oldest are the ones a client looks for.
            made = provisioned + timedelta(hours=23 - number)
            root = roots[number % len(roots)]
            branch = Folder(100 + number, f"{root.name} {number + 1}", root, "Marketing Folder", made, made)
            leaf = Folder(200 + number, "Archive", branch, "Marketing Folder", made, made + timedelta(hours=1))
            self.folders += [branch, leaf]
        self.folders += roots

    def below(self, root_id: int | None, depth: int) -> list[Folder]:
        """Return the folder *root_id* (None: every top folder) and those at most *depth* levels below it."""
        if root_id is None:
            return [folder for folder in self.folders if folder.depth <= depth]
        root = self.find(root_id)
        return [] if root is None else [item for item in self.folders if _levels_below(item, root) in range(depth + 1)]

    def find(self, folder_id: int) -> Folder | None:
        """Return the folder with that id."""
        return next((folder for folder in self.folders if folder.id == folder_id), None)

    def add(self, name: str, parent_id: int, at: datetime) -> Folder:
        """Return a new folder in the folder *parent_id*. Raises: LookupError."""
        number = max(folder.id for folder in self.folders) + 1
        made = Folder(number, name, self._require(parent_id), "Marketing Folder", at, at)
        self.folders.append(made)
        return made

    def edit(self, folder_id: int, at: datetime, *, name: str | None = None, parent_id: int | None = None) -> Folder:
        """Return the folder under a new name, in a new place or both; its updatedAt moves, not that of what it holds.

        Raises: LookupError.
        """
        old = self._require(folder_id)
        parent = old.parent if parent_id is None else self._require(parent_id)
        changed = replace(old, name=old.name if name is None else name, parent=parent, updated_at=at)
        self._put(old, changed)
        return changed

    def delete(self, folder_id: int) -> None:
        """Take a folder out, and all that lies below it. Raises: LookupError."""
        folder = self._require(folder_id)
        self.folders = [item for item in self.folders if _levels_below(item, folder) < 0]

    def _put(self, old: Folder, new: Folder) -> None:
        self.folders[self.folders.index(old)] = new
        for child in [item for item in self.folders if item.parent is old]:
            self._put(child, replace(child, parent=new))

    def _require(self, folder_id: int) -> Folder:
        folder = self.find(folder_id)
        if folder is None:
            raise LookupError(f"no folder {folder_id}")
        return folder


def _levels_below(folder: Folder, root: Folder) -> int:
    level, at = 0, folder
    while at.id != root.id:
        if at.parent is None:
            return -1
        level, at = level + 1, at.parent
    return level


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ+0000")
