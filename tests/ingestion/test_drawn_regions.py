"""Charts that the layout model took for text are told by what is drawn between the words."""

from PIL import Image, ImageDraw

from ingestion.drawn_regions import with_charts_told
from ingestion.layout import Box
from ingestion.picture_edges import Inked
from ingestion.raw_page import Pixels, Region, Word
from tests.ingestion.page_builders import words

PAGE = Box(0, 0, 600, 800)
PLACE = Box(100, 100, 400, 300)
LABELS = [*words("Jan Feb Mar", x=120, y=285), *words("500", x=102, y=110, run=1)]


def kind_of(found: list[Word], *, drawn: bool, ground: str = "white") -> str:
    image = Image.new("RGB", (600, 800), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((100, 100, 400, 300), fill=ground)
    if drawn:
        pen.line((110, 270, 200, 140, 290, 220, 390, 110), fill="navy", width=3)
    inked = Inked(Pixels(600, 800, image.tobytes(), scale=1.0, left=0.0, top=0.0))
    (region,) = with_charts_told([Region("text", PLACE)], found, inked, PAGE)
    return region.kind


def test_a_line_between_few_words_is_a_chart() -> None:
    assert kind_of(LABELS, drawn=True) == "picture"


def test_few_words_on_white_or_on_a_coloured_panel_are_text() -> None:
    assert kind_of(LABELS, drawn=False) == "text"
    assert kind_of(LABELS, drawn=False, ground="teal") == "text"


def test_a_paragraph_with_a_line_through_it_is_text() -> None:
    line = "This paragraph fills the place that it stands in from side to side"
    prose = [word for at in range(13) for word in words(line, x=104, y=102 + 15 * at, run=at)]
    assert kind_of(prose, drawn=True) == "text"
