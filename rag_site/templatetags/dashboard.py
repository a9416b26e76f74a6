"""How the dashboard says things."""

from __future__ import annotations

from dataclasses import dataclass

from django import template

register = template.Library()

QUEUE_NAMES = {"celery": "small tasks"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar that is 100 wide."""

    name: str
    start: float
    width: float


@register.filter
def stacked(counts: dict[str, int]) -> list[Part]:
    """Lay counts end to end over 100; nothing where there are none."""
    total, start, parts = sum(counts.values()), 0.0, []
    for name, count in counts.items():
        if count:
            width = 100 * count / total
            parts.append(Part(name, round(start, 3), round(width, 3)))
            start += width
    return parts


@register.filter
def queue(name: str) -> str:
    return QUEUE_NAMES.get(name, name)


@register.filter
def seconds(value: float) -> str:
    """Say a duration in one or two units: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = int(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
