"""Issue, list and revoke API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from ingestion.errors import PermanentError
from rag_site.accounts.models import SCOPES, ApiToken, Scope

MAX_TOKENS = 50
MAX_DAYS = 3650
# Writing at every request would make readers wait for writers.
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(PermanentError):
    code = "token_refused"


def issue(
    user: Any, *, name: str, scope: str = Scope.READ, days: int | None = None, by: Any = None
) -> tuple[ApiToken, str]:
    """Make a token; return it and its secret, which is never to be had again.

    `days` is how long it lasts, None: until it is revoked. `by` is the token that asks for
    it, if one does: a token cannot give more than it has. Raises TokenRefused.
    """
    if scope == Scope.ADMIN and not user.is_superuser:
        raise TokenRefused("Only an administrator can have a token with the scope admin.")
    if isinstance(by, ApiToken) and not by.includes(scope):
        raise TokenRefused(f"A token with the scope {by.scope} cannot make one with more.")
    if of(user).count() >= MAX_TOKENS:
        raise TokenRefused(f"You have {MAX_TOKENS} tokens: revoke one that is not used any more.")
    expiry = timedelta(days=days) if days else None
    token, secret = ApiToken.objects.create(user, expiry=expiry, name=name, scope=scope)
    return token, secret


def of(user: Any) -> QuerySet[ApiToken]:
    """The user's tokens that still hold, the newest first."""
    holds = Q(expiry=None) | Q(expiry__gt=timezone.now())
    return ApiToken.objects.filter(holds, user=user)


def note_use(token: ApiToken) -> None:
    """Remember when a token was last used, to the minute."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def scopes_for(user: Any) -> list[tuple[str, str]]:
    """The scopes that the user may give, with what they mean."""
    allowed = SCOPES if user.is_superuser else SCOPES[:-1]
    return [(scope.value, str(scope.label)) for scope in allowed]
