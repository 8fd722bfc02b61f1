"""From landed text to typed values: DuckDB's own CSV reader, with no value lost on the way.

Why two readings: a cast may round or cut without a word ("1.5" to BIGINT is 2). The strict reading raises an
error instead and is as fast as a bare read; only a file that made it stumble is read again leniently, with every
text that does not fit kept as a rejected value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import zstandard

from marketo_assets.load.columns import TEXT, Column, decimal_size, text_literal

# Before a 0 it stands for a carriage return, before a 1 for itself; hardly any text holds this character.
_STAND_IN = "\U0010fffd"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
# Types that the CSV reader itself may be told; the others are read as text and cast with a check.
_READABLE = (TEXT, _MOMENT)
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"


class ParseError(ValueError):
    """A landed file is not the file that was asked for; the message says what is wrong and what to do."""


def read_header(path: Path) -> tuple[list[str], str]:
    """Return the header cells of a landed CSV, and its line end."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        line = io.BufferedReader(reader).readline().decode("utf-8-sig")
    cells = next(csv.reader([line]), [])
    return cells, "\r\n" if line.endswith("\r\n") else "\n"


def match_header(header: Sequence[str], columns: Sequence[Column]) -> list[Column | None]:
    """Return, for each cell of the header, the column it fills, or None for one that was not asked for.

    Raises: ParseError when a field that was asked for is not in the header.
    """
    by_field = {column.field: column for column in columns}
    by_lower = {column.field.lower(): column for column in columns if _is_only(column.field, columns)}
    matched = [by_field.get(cell) or by_lower.get(cell.lower()) for cell in header]
    missing = [column.field for column in columns if column not in matched]
    if missing:
        raise ParseError(
            f"The export's header lacks {', '.join(missing[:5])}{' and more' if len(missing) > 5 else ''}, "
            "which were asked for. Materialize landing/lead_exports again with refresh switched on."
        )
    return matched


def csv_source(path: Path, cells: int, line_end: str, *, types: Sequence[str], longest_line: int = 2_000_000) -> str:
    """Return the table expression that reads a landed CSV into columns c0, c1, ... of *types*.

    *longest_line* in bytes decides how much the reader holds in memory: sixteen times as much.
    """
    columns = ", ".join(f"'c{number}': '{types[number]}'" for number in range(cells))
    new_line = "\\r\\n" if line_end == "\r\n" else "\\n"
    return (
        f"read_csv({text_literal(str(path))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = ',', quote = '\"', escape = '\"', new_line = '{new_line}', "
        "nullstr = ['null', ''], allow_quoted_nulls = false, "
        f"max_line_size = {longest_line}, compression = 'zstd')"
    )


def reading_type(type_name: str, *, is_strict: bool) -> str:
    """Return the type that the CSV reader itself is told for a column of *type_name*."""
    return type_name if is_strict and type_name in _READABLE else TEXT


def strict_cast(cell: str, type_name: str) -> str:
    """Return the expression for *cell* as *type_name*, which raises an error rather than change a value.

    *cell* is of `reading_type`. The error may be raised needlessly: then the lenient reading tells better, and slower.
    """
    if type_name == TEXT:
        return _text(cell)
    if type_name == "BOOLEAN":
        truths = f"WHEN {cell} IN ('true', '1') THEN true WHEN {cell} IN ('false', '0') THEN false"
        return f"CASE WHEN {cell} IS NULL THEN NULL {truths} ELSE error('inexact') END"
    value = cell if type_name == _MOMENT else f"CAST({cell} AS {type_name})"
    exact = _is_surely_exact(cell, value, type_name)
    return f"CASE WHEN {cell} IS NULL THEN NULL WHEN {exact} THEN {value} ELSE error('inexact') END"


def lenient_cast(cell: str, type_name: str) -> str:
    """Return the expression for the text *cell* as *type_name*, NULL where the text does not fit."""
    if type_name == TEXT:
        return _text(cell)
    trimmed = f"nullif(trim({cell}), '')"
    return f"CASE WHEN {_fits(trimmed, type_name)} THEN TRY_CAST({trimmed} AS {type_name}) END"


def is_rejected(cell: str, type_name: str) -> str:
    """Return the condition under which *cell* holds a text that does not fit *type_name*."""
    return f"({cell} <> '' AND ({lenient_cast(cell, type_name)}) IS NULL)"


def decimal_digits(text: str) -> tuple[str, str]:
    """Return expressions for how many digits the number *text* needs before its point, at most, and behind it."""
    mantissa, exponent = f"split_part(lower({text}), 'e', 1)", f"nullif(split_part(lower({text}), 'e', 2), '')"
    shift = f"coalesce(TRY_CAST({exponent} AS INTEGER), 0)"
    whole = f"length(ltrim(split_part(ltrim({mantissa}, '+-'), '.', 1), '0'))"
    return f"({whole} + {shift})", f"(length(rtrim(split_part({mantissa}, '.', 2), '0')) - {shift})"


def is_number(text: str) -> str:
    """Return the condition under which *text* is a decimal number, with or without an exponent."""
    return f"regexp_full_match({text}, '{_NUMBER}')"


def _text(cell: str) -> str:
    # Marketo stores an empty text as no value, and spells "no value" in three ways; one of them is enough to keep.
    return f"nullif({cell}, '')"


def _is_surely_exact(cell: str, value: str, type_name: str) -> str:
    if type_name == "BIGINT":
        return f"CAST({value} AS VARCHAR) = {cell}"
    if type_name == "DATE":
        return f"strlen({cell}) = 10"
    if type_name == _MOMENT:
        # Marketo's moments are whole seconds: a fraction may have been cut, and `epoch` and `infinity` are words.
        return f"epoch_us({cell}) % 1000000 = 0 AND epoch_us({cell}) <> 0"
    if type_name == "DOUBLE":
        return f"isfinite({value}) AND NOT contains({cell}, '_')"
    decimals = f"strpos({cell}, '.') = 0 OR strlen({cell}) - strpos({cell}, '.') <= {decimal_size(type_name)[1]}"
    return f"({decimals}) AND NOT contains({cell}, 'e') AND NOT contains({cell}, 'E') AND NOT contains({cell}, '_')"


def _fits(text: str, type_name: str) -> str:
    # DuckDB would also take words (yes, epoch, infinity), other bases (0x10), 1_000, and round or cut what is too long.
    if type_name == "BOOLEAN":
        return f"lower({text}) IN ('true', 'false', '1', '0')"
    if type_name == "BIGINT":
        return f"regexp_full_match({text}, '[+-]?[0-9]+')"
    if type_name == "DATE":
        return f"regexp_full_match({text}, '[0-9]{{1,4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}')"
    if type_name == _MOMENT:
        return f"regexp_matches({text}, '^[0-9]') AND NOT regexp_matches({text}, '[.][0-9]{{6}}[0-9]*[1-9]')"
    if type_name == "DOUBLE":
        return f"{is_number(text)} AND isfinite(TRY_CAST({text} AS DOUBLE))"
    if type_name.startswith("DECIMAL"):
        return f"{is_number(text)} AND {decimal_digits(text)[1]} <= {decimal_size(type_name)[1]}"
    return "true"


def without_bare_returns(path: Path, line_end: str, target: Path) -> None:
    """Leave a copy of a landed CSV with line feeds for line ends and stand-ins for all other carriage returns.

    A carriage return outside quotes stops the CSV reader; Marketo has been seen to write them. So does a byte that is
    not UTF-8, which is written out as `\\xff`: a text that shows its damage beats a month that cannot be loaded.

    **Cost:** the whole file in memory.
    """
    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        parts = reader.read().split(b'"')
    if line_end == "\r\n":
        # Every other part stands between quotes, where the two characters are no line end.
        parts[::2] = [part.replace(b"\r\n", b"\n") for part in parts[::2]]
    stand_in = _STAND_IN.encode()
    text = b'"'.join(parts).replace(stand_in, stand_in + b"1").replace(b"\r", stand_in + b"0")
    text = text.decode("utf-8", "backslashreplace").encode()
    target.write_bytes(zstandard.ZstdCompressor(level=1).compress(text))


def with_returns(cell: str) -> str:
    """Return the expression that undoes `without_bare_returns` in *cell*."""
    returned = f"replace({cell}, {text_literal(_STAND_IN + '0')}, chr(13))"
    return f"replace({returned}, {text_literal(_STAND_IN + '1')}, {text_literal(_STAND_IN)})"


def _is_only(field: str, columns: Sequence[Column]) -> bool:
    return sum(column.field.lower() == field.lower() for column in columns) == 1
