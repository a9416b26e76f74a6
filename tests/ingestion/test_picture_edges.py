from PIL import Image, ImageDraw

from ingestion.layout import Box
from ingestion.picture_edges import Inked
from ingestion.raw_page import Pixels


def inked(*shapes: tuple[float, float, float, float], ground: str = "white") -> Inked:
    """A page of 300 by 400 points at two pixels a point, with black shapes in points."""
    image = Image.new("RGB", (600, 800), ground)
    for shape in shapes:
        ImageDraw.Draw(image).rectangle([2 * value for value in shape], "black")
    return Inked(Pixels(600, 800, image.tobytes(), scale=2.0))


def test_an_edge_that_cuts_a_shape_moves_out() -> None:
    grown = inked((50, 50, 150, 150)).grown(Box(60, 60, 140, 140), [])
    assert [round(value) for value in grown.as_list()] == [50, 50, 151, 151]


def test_white_ends_the_picture() -> None:
    page = inked((50, 50, 150, 150), (170, 50, 200, 150))
    assert page.grown(Box(60, 50, 140, 150), []).x1 < 155


def test_an_edge_never_moves_into_other_blocks() -> None:
    grown = inked((50, 50, 150, 250)).grown(Box(50, 60, 150, 140), [Box(40, 200, 160, 240)])
    assert grown.y1 == 140


def test_a_picture_without_an_end_stays_as_it_was() -> None:
    box = Box(100, 100, 150, 150)
    grown = inked((0, 0, 300, 180)).grown(box, [])
    assert grown.x0 == box.x0
