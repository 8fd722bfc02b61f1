"""What of Marketo's own words may be repeated in an error: never a person's data, never a credential.

Marketo quotes values in its messages. A message that quotes a field or parameter name keeps it, because the name is
the answer; any other quoted text is masked, as is everything that looks like an address, a token or a phone number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 300
"""Characters of Marketo's message that are kept."""
MASK = "***"

_NAMING_CODES = frozenset({"606", "607", "610", "701", "1002", "1006", "1011", "1035"})
_TYPE_NAMES = frozenset(
    {"boolean", "currency", "date", "datetime", "email", "float", "integer", "number", "percent", "score", "string"}
)
_EMAIL = re.compile(r"[^\s'\"<>,;:()\[\]]+@[^\s'\"<>,;:()\[\]]+")
_TOKEN = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?::[a-z0-9]+)?\b", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ()./-]?\d){6,}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_API_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,254}")


@dataclass(frozen=True)
class Spoken:
    """What a request said, and Marketo may quote."""

    values: tuple[str, ...] = ()
    """Texts that may be a person's; they are never repeated."""
    names: frozenset[str] = frozenset()
    """Names of fields and filters, which may be."""


NOTHING = Spoken()


def said(code: str, message: str, spoken: Spoken = NOTHING) -> str:
    """Return Marketo's *message*, safe to log: on one line, bounded, and without personal data."""
    text = " ".join(message.split())
    if spoken.values:
        longest_first = sorted({re.escape(value) for value in spoken.values}, key=len, reverse=True)
        text = re.sub(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", MASK, text)
    text = _EMAIL.sub(MASK, _TOKEN.sub(MASK, text))
    text = _QUOTED.sub(lambda match: match[0] if _may_quote(code, match[0][1:-1], spoken.names) else f"'{MASK}'", text)
    text = _LONG_NUMBER.sub(MASK, text)
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return text or "Marketo refused the call without a message"


def mark(found: object, longest: int) -> str:
    """Return a code or an id as it may stand in a log: printable and no longer than *longest*."""
    return "".join(character for character in str(found) if character.isprintable())[:longest]


def _may_quote(code: str, quoted: str, names: frozenset[str]) -> bool:
    if quoted == MASK or quoted in names or quoted.lower() in _TYPE_NAMES or (quoted.isdigit() and len(quoted) <= 3):
        return True
    return code in _NAMING_CODES and _API_NAME.fullmatch(quoted) is not None
