"""A citation as the reader of an answer sees it: where it leads, what is boxed, why it ranked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from answers import rendering
from answers.citations import VisibleCitation
from ingestion.file_responses import version_of
from ingestion.models import ChunkKind
from ingestion.viewer import DEFAULT_SIZE, Rect

LISTS = {"text": "Text", "image": "Image", "keywords": "Keywords"}


@dataclass(frozen=True, slots=True)
class Rank:
    """Where one list put the source; `rank` is None where that list did not have it."""

    label: str
    rank: str | None
    score: str


@dataclass(frozen=True, slots=True)
class Source:
    """One citation, as far as this person may see it."""

    citation: VisibleCitation

    @property
    def number(self) -> int:
        return self.citation.number

    @property
    def cited(self) -> bool:
        return self.citation.cited

    @property
    def kind(self) -> str:
        return self.citation.kind

    @property
    def title(self) -> str:
        return self.citation.document_title

    @property
    def is_marked(self) -> bool:
        """Whether the person marked this place, and it was not searched for."""
        return bool(self.citation.scores.get("marked"))

    @property
    def place(self) -> str:
        return f"Page {self.citation.page_label or self.citation.page_number}"

    @property
    def heading(self) -> str:
        return self.citation.heading_path[-1] if self.citation.heading_path else ""

    @property
    def label(self) -> str:
        """What to call a figure or table below its thumbnail."""
        return self.citation.caption or f"{ChunkKind(self.kind).label}, {self.place.lower()}"

    @property
    def url(self) -> str:
        return reverse("answers:evidence", args=[self.citation.pk])

    @property
    def crop_url(self) -> str:
        return self._image_url("answers:crop", self.citation.crop)

    @property
    def page_image_url(self) -> str:
        return self._image_url("answers:page_image", self.citation.page_image)

    def _image_url(self, view: str, name: str) -> str:
        return f"{reverse(view, args=[self.citation.pk])}?v={version_of(name)}" if name else ""

    @property
    def document_url(self) -> str:
        """The document's page, opened at the evidence; empty where it is gone or not readable."""
        if self.citation.document is None:
            return ""
        return self._opened_at(self.citation.page_number)

    def _opened_at(self, page: int) -> str:
        assert self.citation.document is not None
        boxes = [",".join(map(str, box)) for box in self.citation.boxes]
        query = urlencode({"page": page, "box": boxes}, doseq=True)
        return f"{self.citation.document.get_absolute_url()}?{query}"

    @property
    def further_links(self) -> list[tuple[int, str]]:
        """Each page that it goes on to, and where that is opened; empty where it is gone."""
        if self.citation.document is None:
            return []
        return [(page, self._opened_at(page)) for page in self.further_pages]

    @property
    def page_width(self) -> float:
        return self.citation.page_size[0] or DEFAULT_SIZE[0]

    @property
    def page_height(self) -> float:
        return self.citation.page_size[1] or DEFAULT_SIZE[1]

    @property
    def boxes(self) -> list[Rect]:
        """What to box on the page shown, in PDF points."""
        return [
            Rect(x0, y0, round(x1 - x0, 1), round(y1 - y0, 1))
            for page, x0, y0, x1, y1 in self.citation.boxes
            if page == self.citation.page_number
        ]

    @property
    def further_pages(self) -> list[int]:
        """Pages that the evidence goes on to."""
        return sorted({int(box[0]) for box in self.citation.boxes} - {self.citation.page_number})

    @property
    def html(self) -> SafeString:
        """What it says: a table as a table, text with the quoted parts marked."""
        # What rendering makes is sanitised.
        if self.kind == ChunkKind.TABLE:
            return mark_safe(rendering.render_answer(self.citation.text, ()))
        return mark_safe("".join(self._marked()))

    def _marked(self) -> Iterator[str]:
        rest = self.citation.text
        for quote in self.citation.quotes:
            before, found, after = rest.partition(quote)
            if quote and found:
                yield rendering.render_passage(before)
                yield f"<mark>{rendering.render_passage(quote)}</mark>"
                rest = after
        yield rendering.render_passage(rest)

    @property
    def ranks(self) -> list[Rank]:
        """How it came to be found; empty for evidence that only stood beside a hit."""
        scores = self.citation.scores
        if "sources" not in scores:
            return []
        ranks = [_rank(label, scores["sources"].get(name)) for name, label in LISTS.items()]
        place = str(scores["rank"])
        if scores.get("rerank") is None:
            return [*ranks, Rank("All together", place, _figures(scores["fused"]))]
        return [
            *ranks,
            Rank("All together", "", _figures(scores["fused"])),
            Rank("Read again with the question", place, _figures(scores["rerank"])),
        ]


def _rank(label: str, found: Mapping[str, Any] | None) -> Rank:
    if found is None:
        return Rank(label, None, "")
    return Rank(label, str(found["rank"]), _figures(found["score"]))


def _figures(score: float) -> str:
    return f"{score:.3g}"
