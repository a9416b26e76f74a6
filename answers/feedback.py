"""What people think of answers, and questions with their pages for evaluation made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from answers.models import Feedback, Message, Reason, Verdict
from ingestion.errors import PermanentError
from ingestion.models import Document
from retrieval import questions
from retrieval.models import QuestionSet

REASONS = {
    Verdict.GOOD: (Reason.RIGHT, Reason.WELL_SOURCED),
    Verdict.BAD: (
        *(Reason.WRONG, Reason.NOT_IN_SOURCES, Reason.WRONG_SOURCE),
        *(Reason.INCOMPLETE, Reason.SHOULD_ANSWER),
    ),
}


def give(
    answer: Message, user: Any, *, verdict: str, reason: str = "", comment: str = ""
) -> Feedback:
    """Note, or change, what the person thinks of a finished answer.

    Raises PermanentError for an unfinished one, and for a reason that says the opposite.
    """
    if not answer.is_final:
        raise PermanentError("Wait until the answer is there.")
    if reason and reason not in REASONS[Verdict(verdict)]:
        raise PermanentError("This reason does not go with the verdict. Choose another one.")
    said = {"verdict": verdict, "reason": reason, "comment": comment.strip()}
    found, _ = Feedback.objects.update_or_create(message=answer, user=user, defaults=said)
    return found


def withdraw(answer: Message, user: Any) -> None:
    """Forget what the person thought of the answer."""
    Feedback.objects.filter(message=answer, user=user).delete()


def of(answer: Message, user: Any) -> Feedback | None:
    return Feedback.objects.filter(message=answer, user=user).first()


def of_answers(answers: Collection[Message], user: Any) -> dict[int, Feedback]:
    """What the person thinks of several answers, by the answer's id."""
    rows = Feedback.objects.filter(message__in=answers, user=user)
    return {row.message_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Judged:
    """A question whose answer was found good, and what that answer cites of one document."""

    feedback: Feedback
    question: str
    document: Document
    boxes: tuple[tuple[float, ...], ...]

    @property
    def pages(self) -> list[int]:
        return sorted({int(box[0]) for box in self.boxes})

    def as_record(self) -> dict[str, Any]:
        return {
            "id": f"feedback-{self.feedback.pk}-{self.document.uuid}",
            "question": self.question,
            "answer": self.feedback.message.content,
            "doc": self.document.filename,
            "document": str(self.document.uuid),
            "gold_pages": self.pages,
            "gold_boxes": [list(box) for box in self.boxes],
        }


def judged(found: QuerySet[Feedback]) -> Iterator[Judged]:
    """The good answers among the feedback, once for each document that they cite.

    A source that was removed is left out: nothing could be found in it.
    """
    good = found.filter(verdict=Verdict.GOOD).order_by("pk").select_related("message__question")
    for feedback in good.prefetch_related("message__citations__document"):
        asked = feedback.message.question
        question = feedback.message.search_query or (asked.content if asked else "")
        boxes: dict[Document, list[tuple[float, ...]]] = {}
        for citation in feedback.message.citations.all():
            if citation.cited and citation.document and citation.boxes:
                boxes.setdefault(citation.document, []).extend(map(tuple, citation.boxes))
        for document, places in boxes.items():
            yield Judged(feedback, question, document, tuple(places))


def add_to_set(found: QuerySet[Feedback], question_set: QuestionSet) -> int:
    """Add the questions of good answers to a set that searches are measured on; how many.

    Raises BadQuestions.
    """
    count = 0
    for one in judged(found):
        questions.add(
            question_set,
            text=one.question,
            document=one.document,
            pages=one.pages,
            boxes=one.boxes,
        )
        count += 1
    return count
