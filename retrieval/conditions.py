"""Filters as people write them: conditions on fields, combined by must, should and must_not.

Pure; `retrieval.scope` looks up which documents a condition on their fields means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from operator import ge, gt, le, lt
from typing import Any

METADATA_PREFIX = "metadata."
FIELDS = ("collection", "document", "kind", "page", "tags")
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field must be: one of `any`, within `bounds`, or there at all (`exists`).

    `field` is one of FIELDS, or "metadata." and a key. `bounds` maps gt, gte, lt, lte to a
    number, or to a date or moment in ISO 8601. A field that holds a list (tags, or a list in
    the metadata) meets a condition when one of its entries does.
    """

    field: str
    any: tuple[Scalar, ...] | None = None
    bounds: tuple[tuple[str, Scalar], ...] = ()
    exists: bool | None = None

    @property
    def metadata_key(self) -> str:
        """The key of a condition on metadata; empty for any other."""
        is_metadata = self.field.startswith(METADATA_PREFIX)
        return self.field.removeprefix(METADATA_PREFIX) if is_metadata else ""

    def met_by(self, value: Any) -> bool:
        """Tell whether a document's value meets the condition; None stands for no value."""
        values = value if isinstance(value, list) else [value]
        present = [each for each in values if each is not None and each != ""]
        if self.exists is not None and self.exists != bool(present):
            return False
        if self.any is None and not self.bounds:
            return True
        return any(self._one_meets(each) for each in present)

    def _one_meets(self, value: Any) -> bool:
        if self.any is not None and not any(_equal(value, wanted) for wanted in self.any):
            return False
        return all(_compares(value, name, bound) for name, bound in self.bounds)


@dataclass(frozen=True, slots=True)
class Filter:
    """All of `must`, at least one of `should` where there is any, none of `must_not`."""

    must: tuple[Condition | Filter, ...] = ()
    should: tuple[Condition | Filter, ...] = ()
    must_not: tuple[Condition | Filter, ...] = ()


def moment(text: str) -> datetime | None:
    """Read a date or a moment in ISO 8601; a date is its first moment, UTC where none is said."""
    try:
        if len(text) == len("2024-01-31"):
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_bound(value: Any) -> bool:
    """Tell whether a value can bound a range: a number, a date, or a moment."""
    if isinstance(value, str):
        return moment(value) is not None
    return _is_number(value)


def _equal(value: Any, wanted: Scalar) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    # True equals 1 in Python, and is another thing in JSON.
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _compares(value: Any, name: str, bound: Scalar) -> bool:
    """Compare numbers with numbers and dates with dates; anything else does not compare."""
    if isinstance(bound, str):
        end = moment(bound)
        # Up to a day means that day included: 2024-03-05T10:00 is no later than 2024-03-05.
        is_day = len(bound) == len("2024-01-31") and isinstance(value, str)
        if is_day and name in ("lte", "gt"):
            value = value[: len(bound)]
        here = moment(value) if isinstance(value, str) else None
        return here is not None and end is not None and COMPARISONS[name](here, end)
    return _is_number(value) and COMPARISONS[name](value, bound)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
