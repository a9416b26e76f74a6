"""People and groups, as administrators keep them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axes.utils import reset
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from ingestion.errors import PermanentError
from ingestion.folding import holds


class NotDone(PermanentError):
    """A change that would lock out whoever makes it."""


def everybody(containing: str = "") -> QuerySet[User]:
    """All people by name, with their groups, or those whose name or address holds the words."""
    return User.objects.filter(holds(containing, "username", "email")).prefetch_related("groups")


def add(username: str, *, email: str, groups: Iterable[Group], is_admin: bool) -> User:
    """Make an account without a password: the link lets its owner set one."""
    with transaction.atomic():
        user = User.objects.create_user(username, email, is_staff=is_admin, is_superuser=is_admin)
        user.groups.set(groups)
    return user


def change(
    user: User, *, by: Any, email: str, groups: Iterable[Group], is_admin: bool, is_active: bool
) -> None:
    """Change an account. Closing it ends its sessions and tokens. Raises NotDone."""
    if user == by and not (is_admin and is_active):
        raise NotDone("You cannot close your own account, or stop being an administrator.")
    with transaction.atomic():
        user.email, user.is_active = email, is_active
        user.is_staff = user.is_superuser = is_admin
        user.save(update_fields=["email", "is_active", "is_staff", "is_superuser"])
        user.groups.set(groups)


def password_link(user: User) -> str:
    """Return the path where the person sets a password: it holds once, and for three days.

    Who was locked out for wrong passwords may try again.
    """
    reset(username=user.username)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("accounts:set_password", args=[uid, default_token_generator.make_token(user)])
