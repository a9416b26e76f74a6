"""API tokens: what a program shows instead of a password."""

from __future__ import annotations

import uuid

from django.db import models
from knox.models import AbstractAuthToken


class Scope(models.TextChoices):
    """What a token may be used for; each includes the ones before it."""

    READ = "read", "Read, search and ask"
    WRITE = "write", "Also change collections, documents and conversations"
    ADMIN = "admin", "Also what administrators may do"


SCOPES = (Scope.READ, Scope.WRITE, Scope.ADMIN)


class ApiToken(AbstractAuthToken):
    """A named, scoped token of one user. Only its hash is stored: it is shown once."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.READ)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name

    def includes(self, scope: str) -> bool:
        """Say whether the token may do what needs `scope`."""
        return SCOPES.index(Scope(self.scope)) >= SCOPES.index(Scope(scope))
