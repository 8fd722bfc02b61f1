"""Whose data a folder holds: one folder, one instance, since ids of two instances would be taken for the same leads."""

from __future__ import annotations

from urllib.parse import urlsplit

from marketo_assets.api.limits import Ledger
from marketo_assets.settings import Settings, SettingsError

_TABLE = "CREATE TABLE IF NOT EXISTS instance (name TEXT PRIMARY KEY)"
# A sandbox gets another port at each start and is still the same instance.
_THIS_MACHINE = "this machine"


def claim_folder(ledger: Ledger, settings: Settings) -> None:
    """Return when the data folder belongs to the instance of the settings; an unclaimed one does from now on.

    The name is kept beside the ledger too, which may be lost.

    **Cost:** no call. Raises: SettingsError when the folder holds another instance's data.
    """
    name, note = _name_of(settings.base_url), ledger.path.with_name("instance")
    with ledger.transaction() as db:
        db.execute(_TABLE)
        row = db.execute("SELECT name FROM instance").fetchone()
        holder = row[0] if row else (note.read_text("utf-8").strip() if note.exists() else name) or name
        if row is None and holder == name:
            db.execute("INSERT INTO instance VALUES (?)", (name,))
    if holder == name and not note.exists():
        note.touch(0o600)
        note.write_text(f"{name}\n", "utf-8")
    if holder != name:
        raise SettingsError(
            f"{settings.data_dir.name}/ holds the data of {holder}, but MARKETO_BASE_URL names {name}. "
            "Put another folder into MARKETO_DATA_DIR, or remove this one if its data is no longer wanted."
        )


def _name_of(base_url: str) -> str:
    host = urlsplit(base_url).hostname or base_url
    return _THIS_MACHINE if host in ("localhost", "127.0.0.1", "::1") else host.lower()
