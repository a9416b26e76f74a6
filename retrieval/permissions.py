"""Who may change what all share."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, IsAdminUser
from rest_framework.request import Request


class StaffChanges(IsAdminUser):
    """Everyone who is signed in may look; staff may change."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in SAFE_METHODS or super().has_permission(request, view)
