"""Every error of the API has the one shape."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404
from rest_framework import exceptions

from ingestion.documents import Refused
from ingestion.errors import PermanentError, TransientError
from rag_site.errors import api_exception_handler


def test_refusals_carry_their_code_and_sentence() -> None:
    response = api_exception_handler(Refused("too_large", "It is too large."), {})
    assert response is not None
    assert response.status_code == 413
    assert response.data == {
        "type": "about:blank",
        "title": HTTPStatus(413).phrase,
        "status": 413,
        "detail": "It is too large.",
        "code": "too_large",
    }


def test_kinds_of_errors() -> None:
    cases = [
        (PermanentError("No."), 422, "refused"),
        (TransientError("Later."), 503, "unavailable"),
        (Http404(), 404, "not_found"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
    ]
    for exc, status, code in cases:
        response = api_exception_handler(exc, {})
        assert response is not None
        assert (response.status_code, response.data["code"]) == (status, code)
        assert response.data["detail"]


def test_validation_errors_name_their_fields() -> None:
    exc = exceptions.ValidationError({"query": ["Required."], "filter": {"pages": ["Bad."]}})
    response = api_exception_handler(exc, {})
    assert response is not None
    assert response.data["errors"] == [
        {"field": "query", "message": "Required."},
        {"field": "filter.pages", "message": "Bad."},
    ]


def test_a_programming_error_is_not_dressed_up() -> None:
    assert api_exception_handler(ValueError("bug"), {}) is None
