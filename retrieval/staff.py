"""Pages that are for staff alone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, user_passes_test
from django.core.exceptions import PermissionDenied


def staff_only(view: Any) -> Any:
    """Let staff see a view, send who is not signed in to do so, and refuse others."""
    return login_required(user_passes_test(_is_staff)(view))


def _is_staff(user: Any) -> bool:
    if not user.is_staff:
        raise PermissionDenied
    return True
