"""Read text from pixels: the only module that imports rapidocr.

The models come with its package and are loaded when the first image is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ingestion.layout import Box
from ingestion.raw_page import Pixels, Word
from ingestion.text_repair import clean

# Less sure than this, from 0 to 1, and a line is noise more often than text.
LEAST_CONFIDENCE = 0.5
# Lines are looked for in an image of at most this many pixels a side, and read from the whole
# one: on pages of small print that takes 0.8 of the time, on slides 0.6, and loses 0.5 % of words.
LONGEST_SEARCHED = 1280
# What is found is a little higher than the letters are: the font's size, and how far above
# the lower edge the baseline runs, as shares of the height of a line's box.
SIZE, BASELINE = 0.75, 0.22
# Lines this much higher than wide run up or down the page.
UPRIGHT_BELOW = 1.8


class OcrError(Exception):
    """The image could not be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Words with boxes in page points; confidence from 0 to 1, None without words."""

    words: tuple[Word, ...] = ()
    confidence: float | None = None


class Reader:
    """Keeps the loaded models."""

    def read(self, pixels: Pixels) -> Reading:
        """Find and read the text in an image. Raises OcrError."""
        import cv2
        import numpy as np
        from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

        image = np.frombuffer(pixels.rgb, dtype=np.uint8)
        # The library expects blue first.
        image = image.reshape(pixels.height, pixels.width, 3)[:, :, ::-1]
        try:
            result = self._engine(np.ascontiguousarray(image))
        except (ONNXRuntimeError, cv2.error, ValueError) as exc:
            raise OcrError(str(exc)) from exc
        if not result.txts:
            return Reading()
        words = tuple(_words(result, pixels))
        weights = [len(text) for text in result.txts]
        total = sum(s * w for s, w in zip(result.scores, weights, strict=True))
        return Reading(words, round(total / max(1, sum(weights)), 3) if words else None)

    @cached_property
    def _engine(self) -> Any:
        from rapidocr import RapidOCR

        return RapidOCR(
            params={
                "Global.log_level": "critical",
                # Pages are shown upright; turned lines are rare, and this model is slow.
                "Global.use_cls": False,
                "Global.return_word_box": True,
                "Global.text_score": LEAST_CONFIDENCE,
                "Det.limit_type": "max",
                "Det.limit_side_len": LONGEST_SEARCHED,
                # Lines of different length in one batch are padded to the longest.
                "Rec.rec_batch_num": 1,
                # Pages, not models, are run in parallel.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )


def _words(result: Any, pixels: Pixels) -> Iterator[Word]:
    lines = zip(result.boxes, result.txts, result.word_results, strict=True)
    for run, (corners, text, parts) in enumerate(lines):
        line = _box(corners, pixels)
        if line is None:
            continue
        upright = line.height < UPRIGHT_BELOW * line.width or len(text) < 3
        for word, box in _word_boxes(text, line, parts, pixels) if upright else [(text, line)]:
            yield Word(
                text=word,
                box=box,
                run=run,
                origin=line.y1 - BASELINE * line.height,
                size=round(SIZE * (line.height if upright else line.width), 1),
                upright=upright,
            )


def _word_boxes(text: str, line: Box, parts: Any, pixels: Pixels) -> Iterator[tuple[str, Box]]:
    """Cut a line at its spaces, and box each word by the parts that the library located.

    The parts are words or single characters, without the spaces between them.
    """
    located = [(clean(part[0]), _box(part[2], pixels)) for part in parts]
    for word in clean(text).split():
        box: Box | None = None
        missing = word
        while located and missing and missing.startswith(located[0][0]):
            part, part_box = located.pop(0)
            missing = missing[len(part) :]
            if part_box is not None:
                box = box | part_box if box else part_box
        # Where the parts do not spell the line, the line's own box is right, if wide.
        if missing or box is None:
            yield clean(text), line
            return
        yield word, Box(box.x0, line.y0, box.x1, line.y1)


def _box(corners: Any, pixels: Pixels) -> Box | None:
    xs = [float(x) for x, _ in corners]
    ys = [float(y) for _, y in corners]
    if max(xs) - min(xs) < 1 or max(ys) - min(ys) < 1:
        return None
    return Box(
        pixels.left + min(xs) / pixels.scale,
        pixels.top + min(ys) / pixels.scale,
        pixels.left + max(xs) / pixels.scale,
        pixels.top + max(ys) / pixels.scale,
    )
