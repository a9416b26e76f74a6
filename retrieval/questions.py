"""Question sets: read from JSON lines, or grown one question at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from ingestion.errors import PermanentError
from ingestion.models import Document
from retrieval.models import Question, QuestionSet

MAX_QUESTIONS = 5000
MAX_BYTES = 20 * 1024 * 1024
# So many of the lines that were left out are told of in a sentence.
FEW = 3
# What other data sets call the same.
TEXT_KEYS = ("question", "query")
DOCUMENT_KEYS = ("document", "doc", "doc_id")
PAGE_KEYS = ("pages", "gold_pages")
BOX_KEYS = ("boxes", "gold_boxes")
KIND_KEYS = ("kind", "evidence_type")


class BadQuestions(PermanentError):
    """The file cannot be taken; the message names the first line that is wrong."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: questions taken, and why others were left out, by line."""

    taken: int
    left_out: tuple[str, ...]


def add(
    question_set: QuestionSet,
    *,
    text: str,
    document: Document,
    pages: Sequence[int],
    boxes: Sequence[Sequence[float]] = (),
    kind: str = "",
) -> Question:
    """Add one question to a set, such as one that a user found well or badly answered.

    `pages` are physical pages from 1; `boxes` [page, x0, y0, x1, y1] in PDF points. The same
    question about the same document is kept once, with the new places. Raises BadQuestions.
    """
    if not text.strip() or not pages:
        raise BadQuestions("A question needs its text and at least one page.")
    last = document.page_count
    if any(page < 1 or (last is not None and page > last) for page in pages):
        raise BadQuestions(f"{document} has no page {max(pages)}.")
    question, _ = Question.objects.update_or_create(
        question_set=question_set,
        text=text.strip(),
        document=document,
        defaults={
            "pages": sorted(set(pages)),
            "boxes": [list(box) for box in boxes],
            "kind": kind[:60],
        },
    )
    return question


def import_set(
    name: str, lines: Iterable[str], *, documents: QuerySet[Document], created_by: Any = None
) -> tuple[QuestionSet, Imported]:
    """Add the questions of JSON lines to the set of this name, which is made where there is none.

    Raises BadQuestions where none can be taken, and leaves everything as it was then.
    """
    with transaction.atomic():
        found, _ = QuestionSet.objects.get_or_create(name=name, defaults={"created_by": created_by})
        came = import_lines(found, lines, documents=documents)
        if not came.taken:
            raise BadQuestions(" ".join(["There is no question to add.", *came.left_out[:FEW]]))
    return found, came


def import_lines(
    question_set: QuestionSet, lines: Iterable[str], *, documents: QuerySet[Document]
) -> Imported:
    """Add the questions of JSON lines: {question, document, pages, boxes, kind}.

    `document` is an id, a file's name, or a title, of one of `documents`; the names that other
    data sets use (doc, gold_pages, gold_boxes, evidence_type) are understood as well. A line
    about a document that is not there, or without pages, is left out. Raises BadQuestions for
    what is no such file, and adds nothing then.
    """
    by_name = _by_name(documents)
    taken, left_out = 0, []
    with transaction.atomic():
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if taken >= MAX_QUESTIONS:
                raise BadQuestions(f"A set holds at most {MAX_QUESTIONS} questions.")
            entry = _entry(line, number)
            problem = _add_entry(question_set, entry, by_name)
            if problem:
                left_out.append(f"Line {number}: {problem}")
            else:
                taken += 1
    return Imported(taken, tuple(left_out))


def _entry(line: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise BadQuestions(f"Line {number} is not JSON.") from exc
    if not isinstance(entry, dict) or not isinstance(_first(entry, TEXT_KEYS), str):
        raise BadQuestions(f"Line {number} has no `question`.")
    return entry


def _add_entry(
    question_set: QuestionSet, entry: dict[str, Any], by_name: dict[str, Document]
) -> str:
    name = str(_first(entry, DOCUMENT_KEYS) or "")
    document = by_name.get(name.casefold()) or by_name.get(PurePath(name).stem.casefold())
    if document is None:
        return f"there is no document {name!r}."
    pages = _first(entry, PAGE_KEYS) or []
    if not isinstance(pages, list) or not pages or not all(_is_page(page) for page in pages):
        return "it names no pages."
    try:
        add(
            question_set,
            text=str(_first(entry, TEXT_KEYS)),
            document=document,
            pages=pages,
            boxes=_boxes(_first(entry, BOX_KEYS) or []),
            kind=_kind(_first(entry, KIND_KEYS)),
        )
    except BadQuestions as exc:
        return str(exc)
    return ""


def _first(entry: dict[str, Any], keys: Iterable[str]) -> Any:
    return next((entry[key] for key in keys if entry.get(key)), None)


def _is_page(page: Any) -> bool:
    return isinstance(page, int) and not isinstance(page, bool)


def _boxes(given: Any) -> list[list[float]]:
    """Read [page, x0, y0, x1, y1], or {page, bbox}; others are left out."""
    boxes = []
    for box in given if isinstance(given, list) else []:
        flat = [box.get("page"), *(box.get("bbox") or [])] if isinstance(box, dict) else box
        if _is_box(flat):
            boxes.append([float(number) for number in flat])
    return boxes


def _is_box(flat: Any) -> bool:
    if not isinstance(flat, list) or len(flat) != 5:
        return False
    return all(isinstance(number, int | float) for number in flat)


def _kind(given: Any) -> str:
    kinds = given if isinstance(given, list) else [given] if given else []
    return ", ".join(str(kind).strip("[]'\" ") for kind in kinds)


def _by_name(documents: QuerySet[Document]) -> dict[str, Document]:
    """Return documents by id, file name, its stem, and title; of namesakes the newest."""
    found: dict[str, Document] = {}
    for document in documents.order_by("created_at").only(
        "uuid", "filename", "title", "page_count"
    ):
        stem = PurePath(document.filename).stem
        for name in (document.title, stem, document.filename, str(document.uuid)):
            found[name.casefold()] = document
    return found
