"""The list of conversations, as the side bar shows it: those pinned, then grouped by age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.utils import timezone

from answers.models import Conversation

PINNED = "Pinned"


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    conversations: tuple[Conversation, ...]


def grouped(conversations: Iterable[Conversation], *, today: date) -> list[Group]:
    """Group conversations, which come pinned first and latest first, by when something was said."""

    def label(one: Conversation) -> str:
        return PINNED if one.is_pinned else _age(timezone.localdate(one.updated_at), today)

    return [Group(name, tuple(members)) for name, members in groupby(conversations, label)]


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
