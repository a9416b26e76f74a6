"""Pictures that people search by."""

from __future__ import annotations

import base64
import binascii
import io

from ingestion.errors import PermanentError

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")


def from_base64(text: str) -> bytes:
    """Decode a picture, with or without "data:image/...;base64," before it.

    Raises PermanentError.
    """
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise PermanentError("The picture is not in base64.") from exc


def checked(data: bytes) -> bytes:
    """Return the bytes of a picture that can be read. Raises PermanentError."""
    from PIL import Image, UnidentifiedImageError

    if len(data) > MAX_BYTES:
        raise PermanentError(f"The picture is larger than {MAX_BYTES // 2**20} MB.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            picture.verify()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as exc:
        raise PermanentError("The picture cannot be read: send PNG, JPEG, WebP or TIFF.") from exc
    except Image.DecompressionBombError as exc:
        raise PermanentError("The picture has too many pixels.") from exc
    if width * height > MAX_PIXELS:
        raise PermanentError(f"The picture has more than {MAX_PIXELS // 10**6} million pixels.")
    return data
