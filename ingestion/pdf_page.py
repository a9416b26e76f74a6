"""One page of a PDF: its words, regions and images as plain data, and its pixels."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from ingestion.characters import Char, gaps, named, with_room
from ingestion.font_maps import font_maps, is_guess, says_itself
from ingestion.holes import UNKNOWN
from ingestion.layout import BlockKind, Box
from ingestion.pdf_library import PdfError, translated
from ingestion.raw_page import Pixels, Region, Word
from ingestion.text_repair import clean

LABELS: dict[str, BlockKind] = {
    "title": "title",
    "section-header": "heading",
    "text": "text",
    "list-item": "list_item",
    "table": "table",
    "picture": "picture",
    "caption": "caption",
    "formula": "formula",
    "footnote": "footnote",
    "page-header": "page_header",
    "page-footer": "page_footer",
}
BOLD = 16
# Regions thinner than this hold nothing, and the layout model makes a few.
THINNEST = 2.0
INVISIBLE = 3
# How far letters reach above and below the baseline, in font sizes.
ABOVE, BELOW = 0.8, 0.22
# Letters this many times as high as their font's size are scaled by other means.
SCALED = 4.0
# White between letters that is wider than the line's usual by this much is a space.
NARROW_SPACE = 0.1

# Where text runs to, across and down, and how far it is turned to run to the right. It is where
# more than this share of the page's letters agree.
TURNS = {(0, -1): 90, (-1, 0): 180, (0, 1): 270}
PREVAILING = 0.7


def show_upright(page: Any) -> None:
    """Bake the page's rotation into its content, so that boxes fit the page as shown.

    A page whose text runs up, down or upside down is turned first: large tables are often
    set sideways.
    """
    page.set_rotation(_rotation(page))
    if not page.rotation:
        return
    media, crop = page.mediabox, page.cropbox
    # What is cut away would come back: make the visible part the whole page first.
    visible = (crop.x0, media.y1 - crop.y1, crop.x1, media.y1 - crop.y0)
    if crop.width < media.width or crop.height < media.height:
        page.set_mediabox(type(media)(visible))
    page.remove_rotation()


def _rotation(page: Any) -> int:
    """Return by how many degrees, clockwise, the page is to be turned for most of its text.

    The directions of lines are those of the page as it is without its own rotation.
    """
    letters: Counter[int] = Counter()
    for block in page.get_text("dict", flags=0)["blocks"]:
        for line in block.get("lines", ()):
            across, down = map(round, line["dir"])
            # Vertical writing runs down, as it should.
            turn = 0 if line["wmode"] else TURNS.get((across, down), 0)
            letters[turn] += sum(len(span["text"]) for span in line["spans"])
    turn, most = max(letters.items(), key=lambda pair: pair[1], default=(0, 0))
    return turn if most > PREVAILING * letters.total() else int(page.rotation)


class PdfPage:
    """One open page, upright as shown. Every method raises PdfError."""

    def __init__(self, page: Any, library: Any, number: int, label: str) -> None:
        self._page = page
        self._library = library
        self.number = number
        self.label = label
        with translated():
            self.width = float(page.rect.width)
            self.height = float(page.rect.height)

    def words(self) -> tuple[Word, ...]:
        """Read the text layer, in the file's order."""
        flags = self._library.TEXT_PRESERVE_WHITESPACE | self._library.TEXT_CLIP
        with translated():
            blocks = self._page.get_text("rawdict", flags=flags)["blocks"]
        lines = [line for block in blocks for line in block.get("lines", ())]
        with contextlib.suppress(PdfError), translated():
            # A hint: a map that cannot be read costs no page.
            _show_guesses(lines, self._page)
        return tuple(word for run, line in enumerate(lines) for word in _split_line(line, run))

    def rasters(self) -> tuple[Box, ...]:
        """List where images are placed."""
        with translated():
            images = self._page.get_image_info()
        boxes = (as_box(image["bbox"]) for image in images)
        return tuple(box for box in boxes if box is not None)

    def regions(self) -> tuple[Region, ...]:
        """Let the layout model label the areas of the page."""
        with translated():
            return tuple(_regions(self._page))

    def regions_over(self, words: Sequence[Word], pixels: Pixels) -> tuple[Region, ...]:
        """Let the layout model label a page that looks like `pixels` and holds `words`.

        The model goes by the text layer as much as by the looks: where the file has none,
        or a wrong one, it is shown a page made of the image and what was read from it.
        """
        library = self._library
        with translated(), library.open() as made:
            page = made.new_page(width=self.width, height=self.height)
            pixmap = library.Pixmap(library.csRGB, pixels.width, pixels.height, pixels.rgb, False)
            page.insert_image(page.rect, pixmap=pixmap)
            for line in _by_run(words):
                self._write_invisibly(page, line)
            return tuple(_regions(page))

    def _write_invisibly(self, page: Any, words: list[Word]) -> None:
        library = self._library
        # Only how much text stands where matters, and the built-in font draws Latin alone.
        text = " ".join(word.text for word in words).encode("latin-1", "replace").decode("latin-1")
        size = max(1.0, words[0].size)
        length = library.get_text_length(text, fontsize=size)
        if not words[0].upright or not length:
            return
        start = library.Point(words[0].box.x0, words[0].origin)
        fit = library.Matrix((words[-1].box.x1 - words[0].box.x0) / length, 1)
        page.insert_text(start, text, fontsize=size, render_mode=INVISIBLE, morph=(start, fit))

    def render(self, box: Box | None, *, scale: float) -> Pixels:
        """Render the page, or a part of it, at `scale` pixels per point."""
        library = self._library
        with translated():
            pixmap = self._page.get_pixmap(
                matrix=library.Matrix(scale, scale),
                clip=library.Rect(box.x0, box.y0, box.x1, box.y1) if box else None,
                colorspace=library.csRGB,
                alpha=False,
            )
            return Pixels(
                width=pixmap.width,
                height=pixmap.height,
                rgb=bytes(pixmap.samples_mv),
                scale=scale,
                left=pixmap.x / scale,
                top=pixmap.y / scale,
            )


def _show_guesses(lines: Sequence[dict[str, Any]], page: Any) -> None:
    """Put the sign for an unknown letter where the library guessed one."""
    maps = font_maps(page)
    guessed = [
        char
        for line in (lines if maps else ())
        for span in line["spans"]
        for char in span["chars"]
        if is_guess(char["c"], span["font"], maps)
    ]
    if guessed and not says_itself(page):
        for char in guessed:
            char["c"] = UNKNOWN


def _by_run(words: Sequence[Word]) -> Iterator[list[Word]]:
    line: list[Word] = []
    for word in words:
        if line and word.run != line[-1].run:
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _split_line(line: dict[str, Any], run: int) -> Iterator[Word]:
    """Cut a line of the library into words: at its spaces, and at gaps as wide as one."""
    cosine, sine = line["dir"]
    upright = abs(sine) < 0.1 and cosine > 0
    chars = named([(char, span) for span in line["spans"] for char in span["chars"]])
    chars = with_room(chars) if upright else chars
    white = gaps(chars) if upright else []
    known = [gap for gap in white if gap is not None]
    usual = max(0.0, median(known)) if known else 0.0
    pending: list[Char] = []
    for index, (char, span) in enumerate(chars):
        gap = white[index - 1] if index and white else None
        apart = gap is not None and gap > usual + NARROW_SPACE
        if pending and (char["c"].isspace() or apart):
            yield from _word(pending, run, upright)
            pending = []
        if not char["c"].isspace():
            pending.append((char, span))
    if pending:
        yield from _word(pending, run, upright)


def _word(chars: list[Char], run: int, upright: bool) -> Iterator[Word]:
    stretches = [list(group) for _, group in itertools.groupby(chars, key=_stretch)]
    word = _plain_word(chars, run, upright)
    if word is not None and len(stretches) > 1 and upright:
        parts = (_plain_word(stretch, run, upright) for stretch in stretches)
        word = replace(word, parts=tuple(part for part in parts if part is not None))
    if word is not None:
        yield word


def _stretch(char: Char) -> tuple[float, float]:
    """Letters of one stretch share their baseline and size."""
    return round(char[0]["origin"][1]), round(char[1]["size"])


def _plain_word(chars: list[Char], run: int, upright: bool) -> Word | None:
    text = clean("".join(char["c"] for char, _ in chars))
    boxes = [char["bbox"] for char, _ in chars]
    box = as_box(
        (
            min(b[0] for b in boxes),
            min(b[1] for b in boxes),
            max(b[2] for b in boxes),
            max(b[3] for b in boxes),
        )
    )
    if not text or box is None:
        return None
    first, span = chars[0]
    usable = _is_plausible(box, span["size"])
    return Word(
        text=text,
        box=_on_baseline(box, first["origin"][1], span["size"]) if upright and usable else box,
        run=run,
        origin=first["origin"][1],
        size=box.height if upright and box.height > SCALED * span["size"] else span["size"],
        bold=bool(span["flags"] & BOLD),
        upright=upright,
    )


def _is_plausible(box: Box, size: float) -> bool:
    return 0.5 < box.height / size < 2


def _on_baseline(box: Box, baseline: float, size: float) -> Box:
    """Let the box reach from the letters' top to their bottom.

    Fonts state those heights too large, too small, or not at all; of the baseline and the
    size they cannot be wrong.
    """
    return Box(box.x0, baseline - ABOVE * size, box.x1, baseline + BELOW * size)


def _regions(page: Any) -> Iterator[Region]:
    page.get_layout(return_raw=True)
    for group in page.layout_information or ():
        box = as_box(group["group_bbox"])
        if box is None or box.width < THINNEST or box.height < THINNEST:
            continue
        grid = group.get("table_grid")
        yield Region(
            kind=LABELS[group["class_name"]],
            box=box,
            rows=tuple(box.y0 + float(y) for y in grid.h_lines) if grid else (),
            columns=tuple(box.x0 + float(x) for x in grid.v_lines) if grid else (),
        )


def as_box(values: Any) -> Box | None:
    """Make a Box of four numbers; None where they span no area."""
    x0, y0, x1, y1 = (float(value) for value in values[:4])
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
