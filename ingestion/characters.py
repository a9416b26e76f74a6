"""The characters of a line as a PDF has them: what each stands for, and the white between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ingestion.text_repair import tex_ligature

# No ligature is narrower than this, in font sizes; what draws nothing has no width at all.
NARROWEST_LIGATURE = 0.35
# A letter that starts this close to where a space does, in font sizes, stands in its place; it
# cuts into the letter before by more than this. Where justified text leaves a space next to no
# room, its letters only happen to touch.
SAME_START, CUTS_IN = 0.012, 0.01

# A character of the library, and the span it is in.
Char = tuple[dict[str, Any], dict[str, Any]]


def named(chars: list[Char]) -> list[Char]:
    """Give ligatures that the file shows as control characters, some of them spaces, letters."""
    if all(char["c"] >= " " for char, _ in chars):
        return chars
    texts = ["", *(char["c"] for char, _ in chars), ""]
    return [
        (char | {"c": letters}, span)
        if _is_wide(char, span) and (letters := tex_ligature(*texts[at : at + 3]))
        else (char, span)
        for at, (char, span) in enumerate(chars)
    ]


def _is_wide(char: dict[str, Any], span: dict[str, Any]) -> bool:
    return bool(char["bbox"][2] - char["bbox"][0] > NARROWEST_LIGATURE * span["size"])


def with_room(chars: list[Char]) -> list[Char]:
    """Leave out spaces that nobody sees, in a line that runs to the right.

    Some programs kern letters by a space of which they take back the width, and more.
    """
    unseen = {
        at + 1
        for at, (before, space, after) in enumerate(zip(chars, chars[1:], chars[2:], strict=False))
        if space[0]["c"].isspace() and _takes_its_place(before[0], space, after[0])
    }
    return [char for at, char in enumerate(chars) if at not in unseen]


def _takes_its_place(before: dict[str, Any], space: Char, after: dict[str, Any]) -> bool:
    start, size = after["bbox"][0], space[1]["size"]
    return bool(
        before["c"].isalpha()
        and after["c"].isalpha()
        and abs(start - space[0]["bbox"][0]) < SAME_START * size
        and start < before["bbox"][2] - CUTS_IN * size
    )


def gaps(chars: Sequence[Char]) -> list[float | None]:
    """Return the white between letters or digits, in font sizes; None beside anything else.

    Some files set words apart by position alone, closer than the library takes for a space.
    """
    return [
        (after["bbox"][0] - before["bbox"][2]) / span["size"]
        if before["c"].isalnum() and after["c"].isalnum() and span["size"]
        else None
        for (before, span), (after, _) in itertools.pairwise(chars)
    ]
