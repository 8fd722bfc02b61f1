"""The attributes of an activity in one form, whichever road they came by: REST writes a list, files an object.

The form: a JSON object, names in alphabetical order, members without a value left out, and each value of the kind that
its type declares where it can be (`"21"` of an integer becomes `21`). So an activity that comes again reads the same.

Why two ways to it: taking an object apart costs more than reading the file. For each type the object is rebuilt as a
struct of the members that the type declares, which is cheap. Where what was rebuilt is as long as the object, has as
many members, and no value of it is of another kind than declared, it is the one form; other objects are taken apart
member by member.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from marketo_assets.api.activities import ActivityType
from marketo_assets.load.columns import text_literal

# Kinds of values in JSON that Marketo's data types ask for; all others are texts.
_KINDS = {
    "integer": "whole",
    "score": "whole",
    "boolean": "truth",
    "float": "number",
    "percent": "number",
    "currency": "number",
}
_TEXT = "text"
_PAIRS = text_literal('[{"name":"VARCHAR","apiName":"VARCHAR","value":"JSON"}]')
_MAP = text_literal('"MAP(VARCHAR,JSON)"')
_QUOTE = '"'
_WHOLE, _NUMBER = '"-?(0|[1-9][0-9]{0,17})"', r'"-?(0|[1-9][0-9]*)(\.[0-9]+)?"'


def with_canonical(source: str, cell: str, type_cell: str, types: Iterable[ActivityType]) -> str:
    """Return *source*, a table expression, with the column `attributes`: the one form of the JSON text *cell*.

    *type_cell* is the activity's type. NULL for a text that is no object and no list of pairs.
    DuckDB raises an error for one that is no JSON.
    """
    kinds = {kind.id: {known.name: _kind(known.data_type) for known in kind.attributes} for kind in types}
    return (
        f"(SELECT *, CASE WHEN {cell} IS NULL THEN '{{}}' "
        f"WHEN whole IS NULL OR {_is_other(cell)} OR {_has_other_kind(type_cell, kinds)} "
        f"THEN {_taken_apart(cell, type_cell, kinds)} "
        f"WHEN contains(whole, ':\"\"') THEN {_without_empty('whole')} ELSE whole END AS attributes "
        # Queries of their own, for within CASE the object would be rebuilt at each mention.
        "FROM (SELECT * REPLACE (CASE WHEN contains(whole, ':null') THEN json_merge_patch('{}', whole)::VARCHAR "
        f"ELSE whole END AS whole) FROM (SELECT *, {_rebuilt(cell, type_cell, kinds)} AS whole FROM {source})))"
    )


def _rebuilt(cell: str, type_cell: str, kinds: Mapping[int, Mapping[str, str]]) -> str:
    parts = {number: _rebuilt_of_type(cell, declared) for number, declared in kinds.items()}
    whens = " ".join(f"WHEN {number} THEN {rebuilt}" for number, rebuilt in parts.items() if rebuilt)
    return f"CASE {type_cell} {whens} END::VARCHAR" if whens else "NULL::VARCHAR"


def _rebuilt_of_type(cell: str, declared: Mapping[str, str]) -> str | None:
    # To DuckDB two names that differ in case are one; activities that have either are taken apart.
    folded = Counter(name.lower() for name in declared)
    names = sorted((name for name in declared if folded[name.lower()] == 1), key=lambda name: name.encode())
    if not names:
        return None
    # A value that is no text is taken as it stands: read as a truth, a number that is as long would become one.
    kept = {name: "VARCHAR" if declared[name] == _TEXT else "JSON" for name in names}
    shape = text_literal(json.dumps(kept, ensure_ascii=False))
    return f"to_json(from_json({cell}, {shape}))"


def _is_other(cell: str) -> str:
    """Return the condition that the rebuilt *whole* is not what *cell* holds, or holds an object in place of a text."""
    # Quotes inside values are escaped, so a quote and a colon end a name: so many members there are at least. One that
    # the type does not declare could make up in length for numbers that became texts, but not in number.
    members = [f"strlen(replace({told}, '\":', ''))" for told in ("whole", cell)]
    objects = "contains(whole, ':\"{') OR contains(whole, ':\"[')"
    return f"strlen(whole) <> strlen({cell}) OR {members[0]} <> {members[1]} OR {objects}"


def _has_other_kind(type_cell: str, kinds: Mapping[int, Mapping[str, str]]) -> str:
    """Return the condition that *whole* has a text where its type declares none, or a number with `.0` at its end."""
    whens = []
    for number, declared in kinds.items():
        keys = (json.dumps(name, ensure_ascii=False) for name, kind in declared.items() if kind != _TEXT)
        found = [f"contains(whole, {text_literal(f'{key}:{_QUOTE}')})" for key in keys]
        if {"whole", "number"} & set(declared.values()):
            found += ["contains(whole, '.0,')", "contains(whole, '.0}')"]
        if found:
            whens.append(f"WHEN {number} THEN {' OR '.join(found)}")
    return f"(CASE {type_cell} {' '.join(whens)} ELSE false END)" if whens else "false"


def _without_empty(whole: str) -> str:
    # Quotes inside names and values are escaped, so what looks like an empty member is one.
    members = rf"""regexp_replace({whole}, '"([^"\\]|\\.)*":"",?', '', 'g')"""
    return rf"regexp_replace({members}, ',\}}$', '}}')"


def _taken_apart(cell: str, type_cell: str, kinds: Mapping[int, Mapping[str, str]]) -> str:
    by_kind = ", ".join(f"'{kind}s': {_names_of(kind, type_cell, kinds)}" for kind in (_TEXT, *_DISTINCT_KINDS))
    pairs = (
        f"list_transform(from_json({cell}, {_PAIRS}), "
        "lambda pair: {'key': coalesce(nullif(pair.name, ''), pair.apiName), 'value': pair.value})"
    )
    # A name that is there twice makes no map, and of the two the first is taken.
    members = (
        f"coalesce(map_entries(from_json({cell}, {_MAP})), list_transform(list_distinct(json_keys({cell})), "
        f"lambda name: {{'key': name, 'value': json_extract({cell}, '$.' || to_json(name))}}))"
    )
    kept = "lambda member: member.key IS NOT NULL AND member.value IS NOT NULL AND member.value NOT IN ('\"\"', 'null')"
    written = f"list_transform(list_sort(list_filter(told, {kept})), lambda member: {_member('member', 'declared')})"
    told = f"CASE json_type({cell}) WHEN 'ARRAY' THEN {pairs} WHEN 'OBJECT' THEN {members} END"
    return (
        f"CASE WHEN {cell} IS NULL OR json_type({cell}) = 'NULL' THEN '{{}}' ELSE list_transform([{{{by_kind}}}], "
        f"lambda declared: list_transform([{told}], lambda told: "
        f"'{{' || array_to_string({written}, ',') || '}}')[1])[1] END"
    )


_DISTINCT_KINDS = tuple(dict.fromkeys(_KINDS.values()))


def _kind(data_type: str) -> str:
    return _KINDS.get(data_type, _TEXT)


def _names_of(kind: str, type_cell: str, kinds: Mapping[int, Mapping[str, str]]) -> str:
    lists = {
        number: [text_literal(name) for name, its_kind in sorted(declared.items()) if its_kind == kind]
        for number, declared in kinds.items()
    }
    whens = " ".join(f"WHEN {number} THEN [{', '.join(names)}]" for number, names in lists.items() if names)
    return f"CASE {type_cell} {whens} ELSE []::VARCHAR[] END" if whens else "[]::VARCHAR[]"


def _member(member: str, declared: str) -> str:
    key, value = f"{member}.key", f"{member}.value::VARCHAR"
    bare = f"substr({value}, 2, strlen({value}) - 2)"
    shortened = r"regexp_replace({}, '(\.[0-9]*[1-9])0+$|\.0+$', '\1')"

    def is_of(kind: str) -> str:
        return f"list_contains({declared}.{kind}s, {key})"

    read = (
        f"CASE WHEN starts_with({value}, '\"') THEN CASE "
        f"WHEN {is_of('whole')} AND regexp_full_match({value}, '{_WHOLE}') THEN {bare} "
        f"WHEN {is_of('truth')} AND lower({value}) IN ('\"true\"', '\"false\"') THEN lower({bare}) "
        f"WHEN {is_of('number')} AND regexp_full_match({value}, '{_NUMBER}') THEN {shortened.format(bare)} "
        f"ELSE {value} END "
        f"WHEN {is_of(_TEXT)} AND NOT (starts_with({value}, '{{') OR starts_with({value}, '[')) "
        f"THEN '\"' || {value} || '\"' "
        f"WHEN {is_of('whole')} OR {is_of('number')} THEN {shortened.format(value)} ELSE {value} END"
    )
    return f"to_json({key}) || ':' || {read}"
