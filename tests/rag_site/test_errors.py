"""Every error of the API has the one shape."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth import get_user_model
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


def test_addresses_that_are_not_there(client) -> None:
    for path in ("/api/v1/nothing/", "/api/v1/documents/no-uuid/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"
    answer = client.post("/v1/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer.json()["error"]["code"] == "not_found"
    page = client.get("/nothing/")
    assert page.status_code == 404
    assert "This page is not here" in page.content.decode()


@pytest.mark.django_db
def test_faults_of_the_site_itself_are_told_in_the_same_shape(client, monkeypatch) -> None:
    def broken(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("rag_site.views.health.services", broken)
    monkeypatch.setattr("rag_site.pagination.StrictLimitOffset.get_limit", broken)
    client.raise_request_exception = False
    user = get_user_model().objects.create_user("ann")
    client.force_login(user)
    answer = client.get("/api/v1/collections/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "a bug" not in answer.content.decode()
    assert "Something went wrong" in client.get("/status/").content.decode()
