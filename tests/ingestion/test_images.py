import random

from PIL import Image, ImageDraw

from ingestion.images import are_alike, encode, fingerprint, is_blank, is_drawn
from ingestion.raw_page import Pixels


def pixels(image: Image.Image) -> Pixels:
    return Pixels(image.width, image.height, image.tobytes(), scale=1.0)


def chart(*, bars: int = 4, side: int = 200) -> Image.Image:
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for bar in range(bars):
        left = side * bar / bars
        draw.rectangle((left + 4, side * bar / bars, left + side / bars - 4, side), "navy")
    return image


def noise() -> Image.Image:
    return Image.frombytes("RGB", (100, 100), random.Random(1).randbytes(30_000))


def test_one_colour_is_blank_and_a_chart_is_not() -> None:
    assert is_blank(pixels(Image.new("RGB", (50, 50), "beige")))
    assert not is_blank(pixels(chart()))


def test_a_chart_is_drawn_and_a_photograph_is_not() -> None:
    assert is_drawn(pixels(chart()))
    assert not is_drawn(pixels(noise()))


def test_the_same_picture_at_another_size_is_alike() -> None:
    small, large = (fingerprint(pixels(chart(side=side))) for side in (150, 400))
    other = fingerprint(pixels(noise()))
    assert are_alike(small, large)
    assert not are_alike(small, other)


def test_encodes_as_jpeg_of_the_same_size() -> None:
    image = encode("page", pixels(chart()))
    assert (image.data[:3], image.width, image.height) == (b"\xff\xd8\xff", 200, 200)
