"""Images for a model: read from the storage, made small, written as data URLs."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterable

from django.core.files.storage import default_storage

from answers.evidence import Evidence

logger = logging.getLogger(__name__)

JPEG_QUALITY = 85


def data_urls(evidence: Iterable[Evidence], *, longest: int) -> dict[int, str]:
    """Map numbers to data URLs, for the evidence that is to be shown as an image.

    No side of an image is over `longest` pixels. One that is gone from the storage (its
    document was deleted a moment ago) is left out.
    """
    urls: dict[int, str] = {}
    for piece in evidence:
        if not piece.image:
            continue
        try:
            with default_storage.open(piece.image) as file:
                urls[piece.number] = data_url(file.read(), longest=longest)
        except FileNotFoundError:
            logger.warning("the image %s of source %d is gone", piece.image, piece.number)
    return urls


def size(data: bytes) -> tuple[int, int]:
    """Width and height of an image in pixels, without a look at them."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size


def data_url(data: bytes, *, longest: int) -> str:
    """Encode an image as a JPEG data URL, scaled down until no side is over `longest`."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB")
        small.thumbnail((longest, longest))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
