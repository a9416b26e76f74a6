"""Evidence kept with its answer, and who may see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser

from answers import evidence_files, places
from answers.evidence import Evidence
from answers.markers import find_markers
from answers.models import Citation, Message
from answers.places import Range
from answers.readers import Quote
from ingestion.models import ChunkKind, Document, Page
from ingestion.models import Collection as Library


@dataclass(frozen=True, slots=True)
class VisibleCitation:
    """A citation as one person may see it: the snapshot, or less of it.

    `source_removed`: its document is gone. `hidden`: this person may not (or no longer) read
    the collection it stands in, and text, places and images are empty. `crop` and
    `page_image` are storage names, empty where there is none.
    """

    pk: int
    number: int
    cited: bool
    source_removed: bool
    hidden: bool
    document: Document | None
    document_title: str
    kind: str
    page_number: int
    page_label: str
    page_size: tuple[float, float]
    chunk_id: int | None = None
    heading_path: tuple[str, ...] = ()
    caption: str = ""
    text: str = ""
    quotes: tuple[str, ...] = ()
    boxes: tuple[tuple[float, ...], ...] = ()
    crop: str = ""
    page_image: str = ""
    scores: dict[str, Any] = field(default_factory=dict)


def store(answer: Message, evidence: Sequence[Evidence]) -> None:
    """Keep the evidence with the answer, before anything is said about it."""
    standing = set(
        Document.objects.filter(pk__in={piece.document_id for piece in evidence}).values_list(
            "pk", flat=True
        )
    )
    rows = Citation.objects.bulk_create(
        Citation(
            message=answer,
            number=piece.number,
            document_id=piece.document_id if piece.document_id in standing else None,
            chunk_id=piece.chunk_id if piece.document_id in standing else None,
            collection_id=piece.collection_id,
            document_title=piece.document_title,
            kind=piece.kind,
            page_number=piece.page,
            page_label=piece.page_label,
            page_width=piece.page_size[0],
            page_height=piece.page_size[1],
            heading_path=list(piece.heading_path),
            caption=piece.caption,
            text=piece.text,
            boxes=places.boxes_of(piece),
            crop=evidence_files.keep(piece.crop),
            page_image=evidence_files.keep(piece.page_image),
            scores=piece.scores,
        )
        for piece in evidence
    )
    for row, piece in zip(rows, evidence, strict=True):
        evidence_files.restore(row.crop.name or "", piece.crop)
        evidence_files.restore(row.page_image.name or "", piece.page_image)


def cites(content: str, evidence: Sequence[Evidence]) -> bool:
    """Tell whether the text cites anything that was given."""
    return bool(_cited(content) & {piece.number for piece in evidence})


def settle(answer: Message, evidence: Sequence[Evidence], quotes: Sequence[Quote]) -> None:
    """Mark what the finished text cites, and box the very lines that it leans on.

    Only evidence that was given can be cited: a marker to anything else stays text. What the
    checks of the answer found a source for, which it does not name, counts as citing that.
    """
    found = _found(answer.checks)
    cited = _cited(answer.content) | found.keys()
    rows = {row.number: row for row in answer.citations.all()}
    changed: list[Citation] = []
    for piece in evidence:
        if piece.number in cited and piece.number in rows:
            said = [
                *places.statements(answer.content, piece.number),
                *found.get(piece.number, ()),
            ]
            ranges = _ranges(piece, said, quotes)
            _mark(rows[piece.number], piece, ranges)
            changed.append(rows[piece.number])
    fields = [
        *("cited", "quotes", "boxes"),
        *("page_number", "page_label", "page_width", "page_height", "page_image"),
    ]
    Citation.objects.bulk_update(changed, fields)


def visible_citations(
    message: Message, user: AbstractUser | AnonymousUser
) -> list[VisibleCitation]:
    """Return the answer's citations in order, as this person may see them."""
    return visible_citations_of([message], user)[message.pk]


def visible_citations_of(
    messages: Collection[Message], user: AbstractUser | AnonymousUser
) -> dict[int, list[VisibleCitation]]:
    """Return the citations of several answers, by the answer's id, with two queries for all."""
    readable = set(Library.objects.visible_to(user).values_list("pk", flat=True))
    rows = Citation.objects.filter(message__in=messages).select_related("document")
    found: dict[int, list[VisibleCitation]] = {message.pk: [] for message in messages}
    for row in rows.order_by("message", "number"):
        found[row.message_id].append(_visible(row, readable))
    return found


def _visible(row: Citation, readable: set[int]) -> VisibleCitation:
    # A document that was moved is judged by where it stands now.
    place = row.document.collection_id if row.document else row.collection_id
    hidden = place not in readable
    facts: dict[str, Any] = {
        "pk": row.pk,
        "number": row.number,
        "cited": row.cited,
        "source_removed": row.document_id is None,
        "hidden": hidden,
        "document_title": row.document_title,
        "kind": row.kind,
        "page_number": row.page_number,
        "page_label": row.page_label,
        "page_size": (row.page_width, row.page_height),
    }
    if hidden:
        return VisibleCitation(document=None, **facts)
    return VisibleCitation(
        document=row.document,
        chunk_id=row.chunk_id,
        heading_path=tuple(row.heading_path),
        caption=row.caption,
        text=row.text,
        quotes=tuple(row.text[start:end] for start, end in row.quotes),
        boxes=tuple(tuple(box) for box in row.boxes),
        crop=row.crop.name or "",
        page_image=row.page_image.name or "",
        scores=row.scores,
        **facts,
    )


def _cited(content: str) -> set[int]:
    return {number for marker in find_markers(content) for number in marker.numbers}


def _found(checks: Sequence[Mapping[str, Any]]) -> dict[int, list[str]]:
    """The statements that a source was found for, by its number."""
    found: dict[int, list[str]] = {}
    for check in checks:
        if check.get("found"):
            found.setdefault(check["found"], []).append(check["text"])
    return found


def _ranges(piece: Evidence, said: Sequence[str], quotes: Sequence[Quote]) -> list[Range]:
    quoted = [(quote.start, quote.end) for quote in quotes if quote.number == piece.number]
    if quoted:
        return sorted(quoted)
    if piece.kind == ChunkKind.IMAGE:
        return []
    return places.supporting_ranges(piece.text, said)


def _mark(row: Citation, piece: Evidence, ranges: list[Range]) -> None:
    row.cited = True
    row.quotes = [list(place) for place in ranges]
    row.boxes = places.boxes_of(piece, ranges)
    number = int(row.boxes[0][0])
    if number != row.page_number:
        _turn_to(row, number)


def _turn_to(row: Citation, number: int) -> None:
    """Open the citation at another page than the one where its evidence begins."""
    page = Page.objects.filter(document=row.document_id, number=number).first()
    if page is None:
        return
    row.page_number, row.page_label = page.number, page.label
    row.page_width, row.page_height = page.width, page.height
    row.page_image = evidence_files.keep(page.image)
    row.save(update_fields=["page_image"])
    evidence_files.restore(row.page_image.name or "", page.image)
