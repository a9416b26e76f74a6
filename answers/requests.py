"""The requests that the chat's pages get."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request with what the middleware adds: who asks, and whether a script does."""

    htmx: HtmxDetails
    user: Any
    auser: Callable[[], Awaitable[Any]]
