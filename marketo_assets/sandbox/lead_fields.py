"""Which fields the instance has now: users add, hide and retype them at any time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from marketo_assets.sandbox.fields import (
    Field,
    InvalidValueError,
    Texts,
    UnknownFieldError,
    default_length,
    to_text,
)

FIXED = frozenset({"id", "createdAt", "updatedAt"})
COMPANY_FIELDS = frozenset(
    {
        "externalCompanyId", "company", "site", "website", "mainPhone", "annualRevenue", "numberOfEmployees",
        "industry", "sicCode", "billingStreet", "billingCity", "billingState", "billingCountry", "billingPostalCode",
    }
)  # fmt: skip
"""What a lead that is linked to a company has from it, and the link."""
_SEARCHABLE_TYPES = frozenset({"string", "email", "integer"})


class LeadFields:
    """Every field by its REST name, in the order in which the instance got them."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._fields = {field.name: field for field in fields}
        self.by_name: Mapping[str, Field] = MappingProxyType(self._fields)

    def __getitem__(self, name: str) -> Field:
        """Return the field called *name*, hidden or not. Raises: UnknownFieldError."""
        try:
            return self._fields[name]
        except KeyError:
            raise UnknownFieldError(name) from None

    def visible(self, name: str) -> Field:
        """Return the field called *name*. Raises: UnknownFieldError, also for one that is hidden or unknown to REST."""
        field = self[name]
        if field.hidden or not field.rest:
            raise UnknownFieldError(name)
        return field

    def exportable(self) -> list[str]:
        """Return the names that a bulk export accepts."""
        return [name for name, field in self._fields.items() if field.is_exportable]

    def held(self) -> list[str]:
        """Return the names of all fields in which a lead keeps a value, hidden ones included."""
        return [name for name, field in self._fields.items() if name not in FIXED and field.data_type != "formula"]

    def texts(self, values: Mapping[str, object]) -> Texts:
        """Return *values* as they are kept.

        Raises: UnknownFieldError, or InvalidValueError for a value of the wrong type and for a field nobody can set.
        """
        for name in values:
            if self.visible(name).data_type == "formula" or name in FIXED:
                raise InvalidValueError(name, "Marketo alone sets it")
        return {name: to_text(self._fields[name], value) for name, value in values.items()}

    def add(self, name: str, data_type: str, *, display_name: str | None, length: int | None) -> Field:
        """Return a new custom field. Raises: InvalidValueError when the name is taken or is no REST name."""
        if name in self._fields or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise InvalidValueError(name, "a new name is unused and made of letters, digits and underscores")
        self._fields[name] = Field(
            id=max(field.id for field in self._fields.values()) + 1,
            name=name,
            display_name=display_name or name,
            data_type=data_type,
            length=length or default_length(data_type),
            custom=True,
            searchable=data_type in _SEARCHABLE_TYPES,
            soap_name=name,
        )
        return self._fields[name]

    def hide(self, name: str, *, hidden: bool) -> Field:
        """Return the field, hidden or shown. Raises: UnknownFieldError; also for id and the stamps."""
        return self._replace(replace(self._changeable(name), hidden=hidden))

    def retype(self, name: str, data_type: str) -> Field:
        """Return the field with another data type. Raises: UnknownFieldError; also for id and the stamps."""
        return self._replace(replace(self._changeable(name), data_type=data_type, length=default_length(data_type)))

    def _changeable(self, name: str) -> Field:
        if name in FIXED:
            raise UnknownFieldError(name)
        return self[name]

    def _replace(self, field: Field) -> Field:
        self._fields[field.name] = field
        return field
