"""What one piece of evidence holds, cut so that statements can be looked up in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from answers.evidence import Evidence
from answers.passages import table_cells
from answers.quantities import Quantity, agree, quantities, scale_of
from answers.words import content_words, stem
from ingestion.sentences import sentence_ranges

# A statement may sum up what stands in so many lines that follow each other.
WINDOW = 3
UNSAID_SCALES = (1e3, 1e6, 1e9)
LEAST_UNSAID = 100.0
_RULE = re.compile(r"^\|?[\s:|-]+\|?$")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Held:
    """Evidence ready to be asked: its lines with their words, its numbers, its years' columns.

    `around` are words that hold for all of it: title, headings, caption.
    """

    text: str
    lines: tuple[str, ...]
    stems: tuple[frozenset[str], ...]
    around: frozenset[str]
    numbers: tuple[Quantity, ...]
    scale: float
    of_year: Mapping[int, tuple[Quantity, ...]]
    is_image: bool

    @property
    def all_stems(self) -> frozenset[str]:
        return frozenset().union(*self.stems)

    def quotes(self, said: str) -> bool:
        """Tell whether it says this word for word."""
        return _squeezed(said) in _squeezed(self.text)

    def has(self, quantity: Quantity, years: Iterable[int]) -> bool:
        """Tell whether a number stands here; of a table, in a column of the years named.

        A number that stands only in the column of another year is not the one claimed.
        """
        asked = [self.of_year[year] for year in years if year in self.of_year]
        if asked and not quantity.is_year and self._found(quantity, self._in_columns()):
            return self._found(quantity, [n for column in asked for n in column])
        return self._found(quantity, self.numbers)

    def _in_columns(self) -> list[Quantity]:
        return [number for column in self.of_year.values() for number in column]

    def _found(self, quantity: Quantity, among: Iterable[Quantity]) -> bool:
        scales: tuple[float, ...] = (self.scale,)
        if self.scale == 1.0 and quantity.is_scaled:
            # "9,201 million" of a table that does not say here what its numbers count.
            scales = (1.0, *UNSAID_SCALES)
        return any(
            agree(quantity, number, scale=scale)
            for number in among
            for scale in scales
            if scale == self.scale or number.value >= LEAST_UNSAID
        )


def of(piece: Evidence) -> Held:
    """Make a piece of evidence ready to be asked."""
    around = " ".join(
        (piece.document_title, *piece.heading_path, piece.caption, f"page {piece.page_label}")
    )
    is_table = "|" in piece.text and piece.kind == "table"
    rows = [table_cells(line) for line in piece.text.split("\n")] if is_table else []
    header = rows[0] if rows else ()
    lines = _row_lines(piece.text, rows) if is_table else _sentences(piece.text)
    lines += [part for part in (piece.caption, piece.references) if part]
    whole = "\n".join((around, piece.text, piece.references))
    return Held(
        text="\n".join([*lines, piece.text.replace("|", " ")]),
        lines=tuple(lines),
        stems=tuple(frozenset(_stems(line)) for line in lines),
        around=frozenset(_stems(f"{around} {' '.join(header)}")),
        numbers=tuple(quantities(whole.replace("|", " | "))),
        scale=_scale(piece, header),
        of_year=_of_year(rows),
        is_image=piece.shown,
    )


def best_lines(weights: Mapping[str, float], pieces: Sequence[Held]) -> tuple[str, float]:
    """Find the lines that share most with a statement's words; return them and the share.

    Several sources count together: each with its own best lines.
    """
    texts: list[str] = []
    found: set[str] = set()
    for piece in pieces:
        start, end = _best_window(weights, piece)
        texts.append(" ".join(piece.lines[start:end]))
        found.update(*piece.stems[start:end], piece.around)
    whole = sum(weights.values())
    share = sum(weight for word, weight in weights.items() if word in found) / whole if whole else 1
    return " ".join(texts), share


def _best_window(weights: Mapping[str, float], piece: Held) -> tuple[int, int]:
    best, best_worth = (0, 0), -1.0
    for size in range(1, WINDOW + 1):
        for start in range(max(1, len(piece.stems) - size + 1)):
            own = frozenset().union(*piece.stems[start : start + size])
            worth = sum(weight for word, weight in weights.items() if word in own)
            # A longer window must be worth more than a shorter one.
            if worth > best_worth:
                best, best_worth = (start, start + size), worth
    return best


def _sentences(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in sentence_ranges(text)]


def _row_lines(text: str, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Each row with the heads of its columns, as a person would read it out."""
    header = rows[0] if rows else ()
    lines = [" ".join(cell for cell in header if cell)]
    for line, row in zip(text.split("\n")[1:], rows[1:], strict=True):
        if not _RULE.match(line):
            named = (
                f"{header[i] if i < len(header) and i else ''} {cell}".strip()
                for i, cell in enumerate(row)
                if cell
            )
            lines.append(" ".join(named))
    return lines


def _of_year(rows: Sequence[tuple[str, ...]]) -> dict[int, tuple[Quantity, ...]]:
    """The numbers below each year that stands at the head of a column."""
    if not rows:
        return {}
    columns: dict[int, list[Quantity]] = {}
    for place, head in enumerate(rows[0]):
        for year in {int(found) for found in _YEAR.findall(head)}:
            cells = [row[place] for row in rows[1:] if place < len(row)]
            own = [quantity for cell in cells for quantity in quantities(cell)]
            columns.setdefault(year, []).extend(own)
    return {year: tuple(found) for year, found in columns.items()}


def _scale(piece: Evidence, header: Sequence[str]) -> float:
    places = (piece.caption, *piece.heading_path, " ".join(header), piece.references, piece.text)
    return next((scale for place in places if (scale := scale_of(place)) != 1.0), 1.0)


def _stems(text: str) -> Iterable[str]:
    return (stem(word) for word in content_words(text))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
