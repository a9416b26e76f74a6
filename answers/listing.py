"""The list of conversations, as the side bar shows it: the latest first, grouped by age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.utils import timezone

from answers.models import Conversation


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    conversations: tuple[Conversation, ...]


def grouped(conversations: Iterable[Conversation], *, today: date) -> list[Group]:
    """Group conversations, which come latest first, by how long ago something was said."""
    return [
        Group(label, tuple(members))
        for label, members in groupby(
            conversations, lambda one: _age(timezone.localdate(one.updated_at), today)
        )
    ]


def _age(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    if day > today - timedelta(days=30):
        return "Last 30 days"
    return f"{day:%B %Y}"
