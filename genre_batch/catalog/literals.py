"""Parse a text that is a value of JSON, Python, numpy or R; no text is ever evaluated."""

from __future__ import annotations

import ast
import json
import re

__all__ = ["KNOWN_CALLS", "opens_call", "parse_literal"]

KNOWN_CALLS = r"(?:array|frozenset|set|list|tuple|Index|c)\("
"""Calls that print a list, in Python and in R."""
_CALL = re.compile(rf"{KNOWN_CALLS}(.*?)(?:,\s*dtype=[^)]{{0,1000}}+)?\)", re.DOTALL)
"""The Python or R expression of a list: `array([...], dtype=object)`, `c("Drama", "War")`."""
_OPENS_CALL = re.compile(
    r"""[A-Za-z_][\w.]*\(\s*(?:[\[{(]|[bBrRuU]?["']|[A-Za-z_]\w*\s*=|[A-Za-z_][\w.]*\(|\))"""
)
"""The start of a call of quoted names, a list, an object, a keyword or another call.

`Film (Noir)` and `Musical(s)` are names.
"""
_STRING = r"""[bu]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PRINTED_ARRAY = re.compile(rf"\[\s*{_STRING}(?:\s+{_STRING})+\s*\]", re.DOTALL)
"""A list as numpy prints it: quoted names in brackets, without commas between them."""
_BARE_STRINGS = re.compile(rf"{_STRING}(?:\s*,\s*{_STRING})*\s*,?", re.DOTALL)
_EMPTY_CALL = re.compile(
    r"array|Counter|deque|frozenset|Index|list|set|tuple|(?:o?dict|OrderedDict)(?:_keys|_values)?"
)
"""Calls that are an empty list without an argument."""
_LISTING = re.compile(r"c|set|tuple|\w*(?:Array|ArraySeq|Buffer|[Ll]ist|Vector|Seq|Set)")
"""Calls whose arguments are all items of a list, in R and in Scala."""
_NUMERIC = re.compile(r"(?:u?int|float|bool|double)\w*|Decimal")
"""Calls that print a number: `np.int64(18)`, `Decimal('0.9')`."""
_NULLS = frozenset(("nan", "NaN", "NULL", "NA", "null"))
_NUMPY_FLAGS = {"True_": True, "False_": False}


def opens_call(text: str) -> bool:
    """Return whether a text starts as the call that a program prints, `Counter({'Drama'`."""
    return _OPENS_CALL.match(text) is not None


def parse_literal(text: str) -> object:
    """Parse a JSON, Python, numpy or R value; return None if the text is none of them.

    A call stands for its first argument that is no number, `np.str_('Drama')` for Drama, or, if it
    only has keywords, for an object of them. The items of a set are a list in the text's order.

    Args:
        text: stripped, not empty.
    """
    called = _CALL.fullmatch(text)
    if called is not None:
        text = called[1].strip() if called[1].lstrip()[:1] in ("[", "{", "(") else f"[{called[1]}]"
    elif text[0] not in "[{('\"" and not opens_call(text):
        return None
    if _PRINTED_ARRAY.fullmatch(text):
        # Python would join the strings into one.
        return [ast.literal_eval(quoted[0]) for quoted in re.finditer(_STRING, text, re.DOTALL)]
    if text[0] == "'" and _BARE_STRINGS.fullmatch(text) is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if text[0] == '"':
            return None
    try:
        parsed = _value(ast.parse(text, mode="eval").body)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return [parsed] if isinstance(parsed, str | bytes) else parsed


def _value(node: ast.expr) -> object:
    """Return the value of an expression; ValueError if it is not a literal or such a call."""
    match node:
        case ast.Constant():
            return node.value
        case ast.List():
            return [_value(item) for item in node.elts]
        case ast.Tuple():
            return tuple(_value(item) for item in node.elts)
        case ast.Set():  # `{NULL}` is PostgreSQL's
            if any(isinstance(item, ast.Name) for item in node.elts):
                raise ValueError("a set of bare words")
            return [_value(item) for item in node.elts]
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return {_key(key): _value(value) for key, value in pairs}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Name() if node.id in _NULLS:
            return None
        case ast.Attribute(attr="nan"):
            return None
        case ast.Attribute() if node.attr in _NUMPY_FLAGS:
            return _NUMPY_FLAGS[node.attr]
        case ast.Call():
            return _called(node)
        case _:
            raise ValueError("not a literal")


def _key(node: ast.expr | None) -> object:
    if node is None:
        raise ValueError("not a literal")
    return _value(node)


def _called(call: ast.Call) -> object:
    """Return what a call stands for; ValueError if that is neither a name nor holds names."""
    function = call.func
    if not isinstance(function, ast.Name | ast.Attribute):
        raise ValueError("not the call of a name")
    name = function.id if isinstance(function, ast.Name) else function.attr
    if not call.args:
        if call.keywords:
            return _keywords(call.keywords)
        if _EMPTY_CALL.fullmatch(name):
            return []
        raise ValueError("a call without an argument")
    if _NUMERIC.fullmatch(name):
        value = _value(call.args[0])
        return float(value) if isinstance(value, str) else value
    if len(call.args) > 1 and _LISTING.fullmatch(name):
        return [_value(item) for item in call.args]
    numbers = (isinstance(item, ast.Constant) and _is_number(item.value) for item in call.args)
    item = next((item for item, skip in zip(call.args, numbers, strict=True) if not skip), None)
    value = None if item is None else _value(item)
    if not isinstance(value, str | bytes | list | tuple | dict):
        raise ValueError("a call of a number")
    return value


def _keywords(keywords: list[ast.keyword]) -> dict[str, object]:
    """Return keywords as an object, without those whose value is not a literal."""
    members: dict[str, object] = {}
    for keyword in keywords:
        try:
            if keyword.arg is not None:
                members[keyword.arg] = _value(keyword.value)
        except ValueError:
            continue
    if not any(isinstance(value, str | bytes | list | dict) for value in members.values()):
        raise ValueError("keywords without a name")
    return members


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
