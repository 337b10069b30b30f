"""Read scalars, lists and mappings of YAML and JSON, whatever type is there."""

from __future__ import annotations

import re
from typing import Any

Value = Any  # dict, list, text or None


def text(value: Value) -> str:
    """Return a scalar as text, and anything else as empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def items(value: Value) -> list[Value]:
    """Return a list as it is, and a single value as a list of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def mapping(value: Value, *keys: str) -> dict[str, Value]:
    """Return the mapping below these keys, or an empty one."""
    for key in keys:
        value = mapping(value).get(key)
    return value if isinstance(value, dict) else {}


def is_on(value: Value) -> bool:
    """Return whether Compose reads this as true."""
    return text(value).lower() in ("true", "yes", "on", "y")


def number(value: Value, base: int = 10) -> int | None:
    """Return a number of at most nine digits, or None for anything else."""
    return int(text(value), base) if re.fullmatch(r"[0-7]{1,9}" if base == 8 else r"[0-9]{1,9}", text(value)) else None


def seconds_of_duration(value: str) -> float | None:
    """Return the seconds of a duration as Compose and Go write it, such as 1m30s."""
    if not re.fullmatch(r"(\d{1,9}(\.\d{1,9})?(us|ms|s|m|h))+", value):
        return None
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
    return sum(float(amount) * unit[name] for amount, name in re.findall(r"([\d.]+)([a-z]+)", value))


def seconds_of_timespan(value: str) -> float | None:
    """Return the seconds of a TimeSpan of .NET: 00:00:05, 1.12:00:00, and 5, which is five days."""
    match = re.fullmatch(r"\s*(?:(?:(\d{1,8})\.)?(\d\d?):(\d\d?)(?::(\d\d?(?:\.\d{1,7})?))?|(\d{1,8}))\s*", value)
    if not match:
        return None
    days, hours, minutes, seconds, only_days = (float(part or 0) for part in match.groups())
    return (days + only_days) * 86400 + hours * 3600 + minutes * 60 + seconds
