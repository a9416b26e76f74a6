"""Rate limits of the API, and the headers that tell a program about them."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import (
    AnonRateThrottle,
    BaseThrottle,
    SimpleRateThrottle,
    UserRateThrottle,
)

# As proxies write where they were reached from: some add the port.
WITH_PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([^:]*):\d+")


def client_address(request: HttpRequest | Request) -> str | None:
    """Return where a request comes from, as TRUSTED_PROXIES lets it be told."""
    told = BaseThrottle().get_ident(request)  # type: ignore[arg-type]
    return _address(told) or _address(request.META.get("REMOTE_ADDR"))


def _address(told: str | None) -> str | None:
    """Return the address alone, in its usual form; None where it is none."""
    told = told or ""
    if match := WITH_PORT.fullmatch(told):
        told = match[1] or match[2]
    try:
        # The name of a network card may follow, which no database takes.
        return str(ipaddress.ip_address(told.partition("%")[0]))
    except ValueError:
        return None


class _Told(SimpleRateThrottle):
    """Leaves on the request what the headers say: (limit, remaining, seconds to the reset)."""

    num_requests: int | None
    duration: int | None
    history: list[float]

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            allowed = super().allow_request(request, view)
        except redis.RedisError:
            # The counters live in Redis. Without it nothing else is refused either.
            return True
        if self.key is not None and self.num_requests and self.duration:
            oldest = self.history[-1] if self.history else time.time()
            reset = max(0, round(oldest + self.duration - time.time()))
            remaining = max(0, self.num_requests - len(self.history))
            told = (self.num_requests, remaining, reset)
            request._request.rate_limit = told  # type: ignore[attr-defined]
        return bool(allowed)


class ApiThrottle(_Told, UserRateThrottle):
    """Requests of one user."""

    def get_rate(self) -> str:
        return f"{settings.API_REQUESTS_PER_MINUTE}/min"


def count_request_of(user: Any) -> None:
    """Count a request that no view of the API takes. Raises Throttled where it is one too many."""
    request = Request(HttpRequest())
    request.user = user
    throttle = ApiThrottle()
    if not throttle.allow_request(request, None):
        raise Throttled(throttle.wait())


class SignInThrottle(_Told, AnonRateThrottle):
    """Attempts to sign in from one address."""

    scope = "sign-in"

    def get_rate(self) -> str:
        return "20/min"

    def get_ident(self, request: Request) -> str | None:  # type: ignore[override]
        return client_address(request)


class RateLimitHeaders:
    """Middleware: `RateLimit-Limit`, `-Remaining` and `-Reset` on what was counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if limits := getattr(request, "rate_limit", None):
            for name, value in zip(("Limit", "Remaining", "Reset"), limits, strict=True):
                response[f"RateLimit-{name}"] = str(value)
        return response
