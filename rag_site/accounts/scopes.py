"""What a token of a scope may do. A person who signed in is bound by no scope."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from rag_site.accounts.models import ApiToken, Scope


class TokenScope(BasePermission):
    """Lets a token do what its scope includes.

    Reading needs `read`, all else `write`, unless the view says otherwise in
    `required_scope` (one for all its methods) or `required_scopes` (by action).
    """

    code = "scope_too_small"

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        needed = scope_needed(request.method or "GET", view)
        self.message = f"This token's scope is {request.auth.scope}; this needs {needed}."
        return request.auth.includes(needed)


def scope_needed(method: str, view: Any) -> str:
    by_action = getattr(view, "required_scopes", {})
    if named := by_action.get(getattr(view, "action", None)):
        return str(named)
    if named := getattr(view, "required_scope", None):
        return str(named)
    return Scope.READ if method in SAFE_METHODS else Scope.WRITE
