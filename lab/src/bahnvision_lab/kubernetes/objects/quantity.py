"""Quantities (500m, 2Gi): parsed, compared and written in the one form that the API server answers with."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))((?:[KMGTPE]i)|[numkMGTPE]|[eE][+-]?\d+|)")
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
WORDS = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def amount(text: str) -> Decimal:
    """Return the number; ValueError when it is none."""
    found = _FORM.fullmatch(str(text))
    if not found:
        raise ValueError(WORDS)
    number, suffix = Decimal(found[1]), found[2]
    if suffix in _BINARY:
        return number * _BINARY[suffix]
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return number.scaleb(int(suffix[1:]))
    return number.scaleb(_DECIMAL[suffix])


def canonical(text: str) -> str:
    """The form that the API server stores: no fraction, the largest suffix that keeps it so."""
    value = amount(text).quantize(Decimal("1e-9"), ROUND_CEILING)
    found = _FORM.fullmatch(str(text))
    assert found is not None
    if found[2] in _BINARY and value == value.to_integral_value() and abs(value) >= 1024:
        return _binary(int(value))
    if found[2][:1] in ("e", "E") and len(found[2]) > 1:
        return _exponent(value)
    return _decimal(value)


def _binary(value: int) -> str:
    for suffix, factor in reversed(_BINARY.items()):
        if value % factor == 0:
            return f"{value // factor}{suffix}"
    return str(value)


def _power(value: Decimal) -> tuple[int, int]:
    for power in (18, 15, 12, 9, 6, 3, 0, -3, -6, -9):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return int(scaled), power
    return 0, 0


def _decimal(value: Decimal) -> str:
    if value == 0:
        return "0"
    number, power = _power(value)
    return f"{number}{_SUFFIX[power]}"


def _exponent(value: Decimal) -> str:
    number, power = _power(value)
    return f"{number}e{power}" if power and number else str(number)
