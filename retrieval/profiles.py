"""Search profiles: named requests, of which one is live."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from rest_framework.exceptions import ValidationError as Refused

from retrieval import requests
from retrieval.models import SearchProfile
from retrieval.request import SearchRequest
from retrieval.request_form import RequestSerializer, to_request

logger = logging.getLogger(__name__)


def standard() -> SearchRequest:
    """Return the request of the live profile; of the settings where there is none.

    A live profile that no longer fits the spaces is left aside, and the log says so: `live`
    tells why.
    """
    profile = SearchProfile.objects.filter(is_live=True).first()
    if profile is None:
        return requests.of_settings()
    try:
        return request_of(profile.request)
    except Refused as exc:
        logger.error("The live search profile %s is left aside: %s", profile, problem_in(exc))
        return requests.of_settings()


def named(name: str) -> SearchRequest:
    """Return a profile's request. Raises LookupError when there is none that can be run."""
    profile = SearchProfile.objects.filter(name=name).first()
    if profile is None:
        raise LookupError(f"There is no search profile {name!r}.")
    try:
        return request_of(profile.request)
    except Refused as exc:
        raise LookupError(f"The profile {name} no longer fits: {problem_in(exc)}") from exc


def request_of(form: Any) -> SearchRequest:
    """Read a request from JSON; what it leaves out is as in the settings. Raises Refused."""
    read = RequestSerializer(data=form)
    read.is_valid(raise_exception=True)
    return to_request(read.validated_data, requests.of_settings())


def validate(form: Any) -> None:
    """Make sure that a profile's request can be run. Raises Django's ValidationError."""
    try:
        request_of(form)
    except Refused as exc:
        raise ValidationError({"request": problem_in(exc)}) from exc


def problem_in(refused: Refused) -> str:
    """Say what was refused in one line: each place and what is wrong there."""
    return " ".join(_lines(refused.detail, ""))


def _lines(detail: Any, place: str) -> list[str]:
    if isinstance(detail, dict):
        found = [
            _lines(value, f"{place}.{key}" if place else f"{key}") for key, value in detail.items()
        ]
        return [line for lines in found for line in lines]
    if isinstance(detail, list):
        return [line for value in detail for line in _lines(value, place)]
    return [f"{place}: {detail}" if place else str(detail)]


def make_live(profile: SearchProfile | None) -> None:
    """Let searches run this profile from now on; None: as the settings say."""
    with transaction.atomic():
        if profile is not None:
            validate(profile.request)
        SearchProfile.objects.filter(is_live=True).update(is_live=False)
        if profile is not None:
            SearchProfile.objects.filter(pk=profile.pk).update(is_live=True)
