"""What becomes of each record of a Sync Leads call: created, updated, or skipped with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketo_assets.sandbox.changes import Why
from marketo_assets.sandbox.fields import InvalidValueError
from marketo_assets.sandbox.lead_fields import COMPANY_FIELDS
from marketo_assets.sandbox.world import World

ACTIONS = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")
PARTITION = "Default"
_LINK = "externalCompanyId"


@dataclass(frozen=True)
class SyncRequest:
    """How the records of one call are to be taken."""

    action: str = "createOrUpdate"
    lookup_field: str = "email"
    partition: str | None = None


class RecordError(Exception):
    """A record that is skipped, with Marketo's code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LeadSync:
    """One call at work. **Cost:** reads the column of the lookup field once, not once for each record."""

    def __init__(
        self, world: World, request: SyncRequest, records: Sequence[dict[str, Any]], at: datetime, why: Why
    ) -> None:
        self._world, self._request, self._at, self._why = world, request, at, why
        self._matches: dict[str, list[int]] = {}
        name = request.lookup_field
        values = {str(record[name]) for record in records if record.get(name) not in (None, "")}
        found = world.find(name, sorted(values))
        for lead in world.leads(found, ["id", name]):
            self._matches.setdefault(str(lead[name]), []).append(int(str(lead["id"])))

    def write(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the result for *record*, which by then is carried out."""
        try:
            return self._write(record)
        except RecordError as error:
            return skipped(error.code, str(error))

    def _write(self, record: dict[str, Any]) -> dict[str, Any]:
        request, name = self._request, self._request.lookup_field
        if request.partition not in (None, PARTITION):
            raise RecordError("1008", f"Lead partition '{request.partition}' access denied")
        if "id" in record and (request.action != "updateOnly" or name != "id"):
            raise RecordError("1003", "Field 'id' is allowed with action updateOnly and lookupField id only")
        if record.get(name) in (None, ""):
            raise RecordError("1002", f"Missing value for the required parameter '{name}'")
        self._check_fields(record)
        key = str(record[name])
        ids = [lead_id for lead_id in self._matches.get(key, []) if self._world.exists(lead_id)]
        values = {field: value for field, value in record.items() if field != "id"}
        if self._is_new(ids):
            return self._created(key, values)
        return self._updated(ids[0], values)

    def _is_new(self, ids: list[int]) -> bool:
        action = self._request.action
        if action == "createDuplicate":
            return True
        if action == "createOnly" and ids:
            raise RecordError("1005", "Lead already exists")
        if len(ids) > 1:
            raise RecordError("1007", "Multiple leads match the lookup criteria")
        if action == "updateOnly" and not ids:
            raise RecordError("1004", "Lead not found")
        return not ids

    def _created(self, key: str, values: dict[str, Any]) -> dict[str, Any]:
        try:
            lead_id = self._world.add(values, self._at, self._why)
        except InvalidValueError as error:
            raise RecordError("1001", str(error)) from None
        self._matches.setdefault(key, []).append(lead_id)
        return {"id": lead_id, "status": "created"}

    def _updated(self, lead_id: int, values: dict[str, Any]) -> dict[str, Any]:
        linked = (self._world.lead(lead_id, [_LINK]) or {}).get(_LINK) is not None
        if linked and (companys := (COMPANY_FIELDS - {_LINK}) & set(values)):
            raise RecordError("1021", f"Company update not allowed in sync lead: {', '.join(sorted(companys))}")
        try:
            self._world.edit(lead_id, values, self._at, self._why)
        except InvalidValueError as error:
            raise RecordError("1001", str(error)) from None
        return {"id": lead_id, "status": "updated"}

    def _check_fields(self, record: dict[str, Any]) -> None:
        for name in record:
            field = self._world.fields.get(name)
            if field is None or field.hidden or not field.rest:
                raise RecordError("1006", f"Field '{name}' not found")
            if field.read_only and name != "id":
                raise RecordError("1003", f"Field '{name}' is read only")


def skipped(code: str, message: str) -> dict[str, Any]:
    """Return the result for a record that was not carried out."""
    return {"status": "skipped", "reasons": [{"code": code, "message": message}]}
