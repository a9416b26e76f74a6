"""Template filters of the lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(mapping: Mapping[str, Any], key: str) -> Any:
    """Return a mapping's entry by a key that a variable holds; None when there is none."""
    return mapping.get(key)


@register.filter
def signed(value: float) -> str:
    return f"{value:+.3f}"


@register.filter
def percent(value: float) -> str:
    return f"{value:.0%}"
