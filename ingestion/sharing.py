"""Who else may read or change a collection: people, groups, or everyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models, transaction

from ingestion.errors import PermanentError
from ingestion.models import Collection


class Role(models.TextChoices):
    VIEWER = "viewer", "May read"
    EDITOR = "editor", "May add and delete documents"


class Kind(models.TextChoices):
    PERSON = "person", "Person"
    GROUP = "group", "Group"


class NobodyThere(PermanentError):
    code = "unknown_member"


@dataclass(frozen=True, slots=True)
class Member:
    """A person or a group, and what they may do."""

    kind: Kind
    name: str
    role: Role


def members(collection: Collection) -> list[Member]:
    """List whom the collection is shared with, people first, by name."""
    found = [
        Member(kind, name, role)
        for kind in Kind
        for role in Role
        for name in _names(collection, kind, role)
    ]
    return sorted(found, key=lambda member: (member.kind != Kind.PERSON, member.name.lower()))


def share(collection: Collection, *, kind: str, name: str, role: str) -> None:
    """Give a person or a group one role, in place of any other. Raises NobodyThere."""
    found = _find(Kind(kind), name, is_active=True)
    if found == collection.owner:
        raise NobodyThere(f"{name} is the owner, and may do everything already.")
    with transaction.atomic():
        unshare(collection, kind=kind, name=name)
        _set_of(collection, Kind(kind), Role(role)).add(found)


def unshare(collection: Collection, *, kind: str, name: str) -> None:
    """Take every role away from a person or a group. Raises NobodyThere."""
    found = _find(Kind(kind), name)
    for role in Role:
        _set_of(collection, Kind(kind), role).remove(found)


def set_public(collection: Collection, *, public: bool) -> None:
    """Let everyone who can sign in read it, or no longer."""
    collection.is_public = public
    collection.save(update_fields=["is_public"])


def _find(kind: Kind, name: str, **of_people: bool) -> Any:
    name = name.strip()
    if kind == Kind.GROUP:
        found: Any = Group.objects.filter(name=name).first()
    else:
        found = get_user_model().objects.filter(username=name, **of_people).first()
    if found is None:
        raise NobodyThere(f"There is no {kind.label.lower()} named {name!r} here.")
    return found


def _names(collection: Collection, kind: Kind, role: Role) -> list[str]:
    field = "name" if kind == Kind.GROUP else "username"
    return list(_set_of(collection, kind, role).values_list(field, flat=True))


def _set_of(collection: Collection, kind: Kind, role: Role) -> Any:
    return getattr(collection, f"{role}_groups" if kind == Kind.GROUP else f"{role}s")
