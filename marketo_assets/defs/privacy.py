"""Which values may be shown in a preview: those that are obviously no person's. When in doubt, not."""

import re

MASK = "•••"

_PERSONAL_TYPES = frozenset({"email", "phone"})
# Values of these types say nothing about who somebody is, unless the field's name says that they do.
_PLAIN_TYPES = frozenset({"integer", "score", "float", "percent", "currency", "boolean", "date", "datetime"})
_PERSONAL_NAME = re.compile(
    r"name|mail|phone|mobile|fax|address|street|postal|zip|birth|gender|salut|salary|income|passport|social|"
    r"ssn|taxid|iban|account|cookie|ipaddr|latitude|longitude|twitter|facebook|linkedin|instagram|photo|comment|note",
    re.IGNORECASE,
)
# Texts from short, public lists of choices.
_PLAIN_TEXTS = frozenset(
    {"leadsource", "leadstatus", "industry", "rating", "originalsourcetype", "registrationsourcetype"}
)


def is_personal(field: str, data_type: str) -> bool:
    """Say whether the Marketo *field* surely holds personal data, by its type or its name."""
    if data_type == "boolean":  # an answer to a question, such as emailInvalid
        return False
    return data_type in _PERSONAL_TYPES or _PERSONAL_NAME.search(field) is not None


def may_show(field: str, data_type: str) -> bool:
    """Say whether values of the Marketo *field* may stand in a preview or log."""
    if is_personal(field, data_type):
        return False
    return data_type in _PLAIN_TYPES or field.lower() in _PLAIN_TEXTS
