"""Encode rendered pixels, and tell an empty picture from one that shows something."""

from __future__ import annotations

import io

from ingestion.layout import PageImage

JPEG_QUALITY = 82


def encode(name: str, width: int, height: int, rgb: bytes) -> PageImage:
    """Encode RGB pixels, row by row without padding, as JPEG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), rgb).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return PageImage(
        name=name, data=buffer.getvalue(), media_type="image/jpeg", width=width, height=height
    )


def is_blank(width: int, height: int, rgb: bytes) -> bool:
    """Tell whether the pixels are (almost) all of one colour."""
    from PIL import Image

    image = Image.frombytes("RGB", (width, height), rgb).convert("L")
    histogram = image.histogram()
    commonest = max(range(256), key=histogram.__getitem__)
    near = sum(histogram[max(0, commonest - 6) : commonest + 7])
    return near > 0.998 * width * height
