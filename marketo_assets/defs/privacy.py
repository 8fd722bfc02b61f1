"""Which values are a person's, or may be: those are tagged, and no preview shows them. When in doubt, they are."""

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
# Columns that hold values of whatever field, or what somebody did, wrote or signs with; by their tables.
_HOLDS_ANY = {
    "lead_changes": ("old_value", "new_value"),
    "lead_history": ("value",),
    "rejected_values": ("value",),
    "activities": ("primary_attribute_value", "attributes"),
    "activities_with_leads": ("primary_attribute_value", "attributes"),
    "activity_exports": ("primaryAttributeValue", "attributes"),
    "reference_versions": ("record",),
    "emails": ("from_name", "from_email", "reply_email"),
    "email_template_history": ("from_name", "from_email", "reply_email"),
}
# The same of tables that hold activities of one type.
_OF_ACTIVITIES = (
    "client_ip_address",
    "details",
    "email",
    "form_fields",
    "link",
    "modifying_user",
    "new_value",
    "old_value",
    "primary_attribute_value",
    "query_parameters",
    "referrer_url",
    "user_agent",
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


def personal_tags(table: str, column: str, field: str | None = None, data_type: str | None = None) -> dict[str, str]:
    """Return the tag of a *column*, `pii` `yes` or `possible`, where it holds a person's data; *field* fills it."""
    if field is None or data_type is None:
        held = _HOLDS_ANY.get(table, _OF_ACTIVITIES if table.startswith("activity_") else ())
        return {"pii": "possible"} if column in held else {}
    if field == "id":
        return {}
    if is_personal(field, data_type):
        return {"pii": "yes"}
    return {} if may_show(field, data_type) else {"pii": "possible"}
