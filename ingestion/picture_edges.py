"""Move the edges of a picture out to where it really ends, by looking at the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ingestion.layout import Box
from ingestion.raw_page import Pixels

if TYPE_CHECKING:
    import numpy as np

# An edge moves at most this share of the page's width or height. Where it finds no end by
# then, the picture stands on a coloured ground, and stays as it was found.
FARTHEST = 0.2
# This much white, in points, ends a picture.
WHITE = 3.0
# Pixels that differ by more than this from the ground (0 to 255) belong to something.
DIFFERS = 24

Side = Literal["left", "top", "right", "bottom"]


class Inked:
    """Where the page shows anything, at one pixel per point or so."""

    def __init__(self, pixels: Pixels) -> None:
        import numpy as np

        image = np.frombuffer(pixels.rgb, dtype=np.uint8)
        image = image.reshape(pixels.height, pixels.width, 3)
        # Every second pixel tells enough, at a quarter of the cost.
        grey = image[::2, ::2, 1].astype(np.int16)
        self._scale = pixels.scale / 2
        ground = int(np.bincount(grey.ravel(), minlength=256).argmax())
        self._grey: np.ndarray = grey
        self._marks: np.ndarray = np.abs(grey - ground) > DIFFERS

    def grown(self, box: Box, others: Sequence[Box]) -> Box:
        """Return the box with each edge moved out to the next white; never into `others`."""
        sides: tuple[Side, ...] = ("left", "top", "right", "bottom")
        for side in sides:
            box = self._moved(box, side, others)
        return box

    def share_outside(self, boxes: Sequence[Box]) -> float:
        """Return the share of the page, from 0 to 1, that shows something outside of `boxes`."""
        rest = self._marks.copy()
        for box in boxes:
            x0, y0, x1, y1 = (max(0, round(v * self._scale)) for v in box.as_list())
            rest[y0:y1, x0:x1] = False
        return float(rest.mean())

    def share_drawn(self, box: Box, boxes: Sequence[Box]) -> float:
        """Return the share of a part of the page that shows something outside of `boxes`.

        Counted against the part's own ground: that of a coloured panel is no drawing.
        """
        import numpy as np

        x0, y0, x1, y1 = (max(0, round(v * self._scale)) for v in box.as_list())
        part = self._grey[y0:y1, x0:x1]
        if not part.size:
            return 0.0
        ground = int(np.bincount(part.ravel(), minlength=256).argmax())
        drawn = np.abs(part - ground) > DIFFERS
        for inner in boxes:
            left, top, right, bottom = (round(v * self._scale) for v in inner.as_list())
            rows = slice(max(0, top - y0 - 1), max(0, bottom - y0 + 1))
            drawn[rows, max(0, left - x0 - 1) : max(0, right - x0 + 1)] = False
        return float(drawn.mean())

    def _moved(self, box: Box, side: Side, others: Sequence[Box]) -> Box:
        values = {"left": box.x0, "top": box.y0, "right": box.x1, "bottom": box.y1}
        values[side] = self._end(box, side)
        moved = Box(values["left"], values["top"], values["right"], values["bottom"])
        hits = any(other.overlap(moved) > other.overlap(box) + 1.0 for other in others)
        return box if hits else moved

    def _end(self, box: Box, side: Side) -> float:
        """Return where the marks end that stand at the edge, going outwards."""
        top, bottom = round(box.y0 * self._scale), round(box.y1 * self._scale)
        left, right = round(box.x0 * self._scale), round(box.x1 * self._scale)
        if side in ("left", "right"):
            used = self._marks[max(0, top) : bottom].max(axis=0, initial=False)
            edge, found = (left, box.x0) if side == "left" else (right, box.x1)
        else:
            used = self._marks[:, max(0, left) : right].max(axis=1, initial=False)
            edge, found = (top, box.y0) if side == "top" else (bottom, box.y1)
        steps = used[: max(0, edge)][::-1] if side in ("left", "top") else used[edge:]
        moved = _until_white(
            steps, limit=int(FARTHEST * len(used)), white=max(1, round(WHITE * self._scale))
        )
        return found + moved / self._scale * (-1 if side in ("left", "top") else 1)


def _until_white(steps: np.ndarray, *, limit: int, white: int) -> int:
    """Count the steps up to the last mark before `white` empty ones; 0 if there is no end."""
    empty = 0
    for index, marked in enumerate(steps[: limit + white].tolist()):
        empty = 0 if marked else empty + 1
        if empty == white:
            return index + 1 - white
    return 0 if len(steps) > limit else len(steps) - empty
