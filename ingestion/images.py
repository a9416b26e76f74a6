"""Encode rendered pixels, and tell what kind of picture they show."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ingestion.layout import PageImage
from ingestion.raw_page import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

JPEG_QUALITY = 82
# Pixels that differ by at most this from the commonest brightness (0 to 255) are background.
NEAR = 6
# Charts, diagrams and scanned text have at least this share of background; photographs not.
DRAWN = 0.25
HASH_SIDE = 8


def encode(name: str, pixels: Pixels) -> PageImage:
    """Encode pixels as JPEG."""
    buffer = io.BytesIO()
    _image(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return PageImage(
        name=name,
        data=buffer.getvalue(),
        media_type="image/jpeg",
        width=pixels.width,
        height=pixels.height,
    )


def shrunk(data: bytes, *, width: int) -> bytes:
    """Return an encoded picture as a JPEG of this width, or as it is where it is no wider."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        if picture.width <= width:
            return data
        height = max(1, round(picture.height * width / picture.width))
        # Lets the decoder skip what is not needed: several times as fast.
        picture.draft("RGB", (2 * width, 2 * height))
        buffer = io.BytesIO()
        picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS).save(
            buffer, "JPEG", quality=JPEG_QUALITY
        )
    return buffer.getvalue()


def is_blank(pixels: Pixels, *, ink: float = 0.002) -> bool:
    """Tell whether (almost) all pixels are of one colour: less than a share of `ink` is not."""
    return 1 - _background(pixels) < ink


def is_drawn(pixels: Pixels) -> bool:
    """Tell a chart, diagram or page of text, which may hold words, from a photograph."""
    return _background(pixels) > DRAWN


def fingerprint(pixels: Pixels) -> str:
    """Return 64 bits, as hexadecimal, that near-duplicate pictures share but for a few.

    Each bit tells whether a pixel of the picture, shrunk to 9 by 8, is brighter than the
    one to its left ("difference hash").
    """
    shrunk = _image(pixels).convert("L").resize((HASH_SIDE + 1, HASH_SIDE))
    values = shrunk.tobytes()
    bits = 0
    for row in range(HASH_SIDE):
        for column in range(HASH_SIDE):
            at = row * (HASH_SIDE + 1) + column
            bits = bits << 1 | (values[at + 1] > values[at])
    return f"{bits:016x}"


def are_alike(one: str, other: str, *, bits: int = 3) -> bool:
    """Tell whether two fingerprints differ in at most so many bits."""
    return (int(one, 16) ^ int(other, 16)).bit_count() <= bits


def _image(pixels: Pixels) -> Image:
    from PIL import Image

    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)


def _background(pixels: Pixels) -> float:
    """The share of pixels that are about as bright as the commonest ones."""
    histogram = _image(pixels).convert("L").histogram()
    commonest = max(range(256), key=histogram.__getitem__)
    near = sum(histogram[max(0, commonest - NEAR) : commonest + NEAR + 1])
    return near / (pixels.width * pixels.height)
