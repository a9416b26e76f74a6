"""Stored files as HTTP responses: fixed types, private caching, nothing executable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.core.files import File
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from ingestion import images
from ingestion.models import Document

IMAGE_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
BLOCK = 1024 * 1024
YEAR = 365 * 24 * 3600

Response = TypeVar("Response", HttpResponse, StreamingHttpResponse)


def version_of(name: str) -> str:
    """Return the content's hash, which the storage name of an image ends with."""
    return PurePosixPath(name).stem.rpartition("-")[2]


def image(request: HttpRequest, name: str, *, width: int | None = None) -> HttpResponse:
    """Answer with a stored image; 304 where the browser has it, 404 where it is gone.

    With a `width`, it is shrunk to so many pixels.

    An address that carries the image's version in `v` may be kept for ever: after a
    re-parse the pages carry another one.
    """
    path = PurePosixPath(name)
    if path.suffix not in IMAGE_TYPES:
        raise Http404("There is no image.")
    etag = f'"{version_of(name)}{f"-{width}" if width else ""}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = _shown(name, path.suffix, width)
        response["Content-Disposition"] = "inline"
    versioned = request.GET.get("v") == version_of(name)
    keep = f"max-age={YEAR}, immutable" if versioned else "no-cache"
    response["Cache-Control"] = f"private, {keep}"
    response["ETag"] = etag
    return _harmless(response)


def _shown(name: str, suffix: str, width: int | None) -> HttpResponse:
    if width is None:
        return HttpResponse(_read(name), content_type=IMAGE_TYPES[suffix])
    return HttpResponse(images.shrunk(_read(name), width=width), content_type="image/jpeg")


def _read(name: str) -> bytes:
    try:
        with default_storage.open(name) as file:
            return bytes(file.read())
    except FileNotFoundError as exc:
        raise Http404("The image is no longer there.") from exc


def download(document: Document) -> StreamingHttpResponse:
    """Answer with the document's file, as an attachment under the name it was uploaded with."""
    try:
        file = document.file.open()
    except FileNotFoundError as exc:
        raise Http404("The file is no longer there.") from exc
    response = StreamingHttpResponse(_blocks(file), content_type=document.media_type)
    response["Content-Length"] = file.size
    response["Content-Disposition"] = content_disposition_header(True, document.filename)
    response["Cache-Control"] = "private, no-cache"
    return _harmless(response)


def csv_download(text: str, name: str) -> HttpResponse:
    """Answer with comma-separated values, as an attachment."""
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "private, no-cache"
    return _harmless(response)


async def _blocks(file: File) -> AsyncIterator[bytes]:
    # Django's FileResponse would be read into memory as a whole under ASGI.
    try:
        while block := await sync_to_async(file.read)(BLOCK):
            yield block
    finally:
        await sync_to_async(file.close)()


def _harmless(response: Response) -> Response:
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
