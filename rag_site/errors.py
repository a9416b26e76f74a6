"""One JSON shape for every error of the API: problem details (RFC 9457).

Beside it, under /v1/, that of OpenAI: its clients read no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from answers import openai_errors
from ingestion import json_types
from ingestion.errors import PermanentError, TransientError

STATUS_BY_CODE = {
    **{"invalid": 400, "duplicate": 409, "name_taken": 409, "too_large": 413},
    **{"busy": 503, "disk_full": 507, "permission_denied": 403},
    # Of uploads in parts; 460 is the word of their protocol.
    **{"wrong_offset": 409, "incomplete": 409, "expired": 410, "tus_version": 412},
    **{"in_hand": 423, "checksum_mismatch": 460},
}
# Where programs speak OpenAI's dialect.
OPENAI = "/v1/"
TITLES = {460: "Checksum Mismatch"}
# Of a field's error: what it names is not there, or does not go with the rest.
CANNOT_BE_DONE = {"does_not_exist", "unique", json_types.Refused.default_code}


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Translate an exception to problem details: type, title, status, detail, code.

    Validation errors carry `errors`, a list of {field, message}; a refused duplicate
    carries `existing`, the id of the document that is already there.
    """
    if isinstance(exc, PermanentError):
        return _refusal(exc)
    if isinstance(exc, TransientError):
        return _problem(503, "unavailable", str(exc), headers={"Retry-After": "5"})
    if isinstance(exc, OperationalError):
        sentence = "The database is busy or away. Try again in a moment."
        return _problem(503, "unavailable", sentence, headers={"Retry-After": "5"})
    response = exception_handler(exc, context)
    if response is None:
        return None
    if isinstance(exc, exceptions.ValidationError):
        detail = "Some fields are not right; see errors."
        status, code = _what_is_wrong(exc)
        return _problem(status, code, detail, errors=_field_errors(exc.detail))
    headers = {
        name: response[name] for name in ("WWW-Authenticate", "Retry-After") if name in response
    }
    return _problem(response.status_code, _code(exc), _detail(exc, response), headers=headers)


def _what_is_wrong(exc: exceptions.ValidationError) -> tuple[int, str]:
    """Tell what is malformed from what is well-formed but cannot be done, or is taken."""
    codes = set(_codes(exc.get_codes()))
    if codes == {"unique"}:
        return 409, "name_taken"
    return (422, "refused") if codes <= CANNOT_BE_DONE else (400, "invalid")


def _codes(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
        return
    for part in found.values() if isinstance(found, dict) else found:
        yield from _codes(part)


def _refusal(exc: PermanentError) -> Response:
    code = getattr(exc, "code", "refused")
    existing = getattr(exc, "existing", None)
    extra: dict[str, Any] = {"existing": str(existing.uuid)} if existing is not None else {}
    status = getattr(exc, "status", None) or STATUS_BY_CODE.get(code, 422)
    return _problem(status, code, str(exc), **extra)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that there is not: programs get problem details, people a page."""
    if not _is_program(request.path):
        return defaults.page_not_found(request, exception)
    return _to_program(request.path, 404, "not_found", "There is no such address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer where the site itself is at fault; the log has the details."""
    if not _is_program(request.path):
        return defaults.server_error(request)
    sentence = "Something went wrong; the server's log has the details."
    return _to_program(request.path, 500, "internal_error", sentence)


def too_large(path: str, sentence: str) -> HttpResponse:
    """Answer a body that is not taken in."""
    if not _is_program(path):
        return HttpResponse(sentence, status=413, content_type="text/plain; charset=utf-8")
    return _to_program(path, 413, "too_large", sentence)


def _is_program(path: str) -> bool:
    return path.startswith(("/api/", OPENAI))


def _to_program(path: str, status: int, code: str, detail: str) -> HttpResponse:
    if path.startswith(OPENAI):
        return JsonResponse(openai_errors.body(detail, code), status=status)
    return problem(status, code, detail)


def problem(status: int, code: str, detail: str) -> HttpResponse:
    """Return problem details, where no view of the API has a part in the answer."""
    body = _problem(status, code, detail).data
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }
    return Response(body, status, headers=headers, content_type="application/problem+json")


def _code(exc: Exception) -> str:
    if isinstance(exc, Http404):
        return "not_found"
    if isinstance(exc, PermissionDenied):
        return "permission_denied"
    return str(getattr(exc, "default_code", "error"))


def _detail(exc: Exception, response: Response) -> str:
    if isinstance(exc, Http404):
        return "There is no such thing, or you may not see it."
    data = response.data
    return str(data.get("detail", exc)) if isinstance(data, dict) else str(exc)


def _field_errors(detail: Any, field: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        pairs = [(f"{field}.{key}" if field else str(key), value) for key, value in detail.items()]
        return [error for name, value in pairs for error in _field_errors(value, name)]
    if isinstance(detail, list):
        return [error for value in detail for error in _field_errors(value, field)]
    return [{"field": field, "message": str(detail)}]
