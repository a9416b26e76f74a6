"""What people think of answers, and questions with their pages for evaluation made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from answers.models import Feedback, Message, Reason, Verdict
from ingestion.errors import PermanentError

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


def judged_questions() -> Iterator[dict[str, Any]]:
    """One record for each document that a good answer cites, with the pages that it cites there.

    A source that was removed is left out: nothing could be found in it.
    """
    good = Feedback.objects.filter(verdict=Verdict.GOOD).order_by("pk")
    related = good.select_related("message__question", "message__conversation")
    for feedback in related.prefetch_related("message__citations__document"):
        question = feedback.message.question
        pages: dict[Any, set[int]] = {}
        for citation in feedback.message.citations.all():
            if citation.cited and citation.document:
                boxed = {int(box[0]) for box in citation.boxes}
                pages.setdefault(citation.document, set()).update(boxed or {citation.page_number})
        for document, numbers in pages.items():
            yield {
                "id": f"feedback-{feedback.pk}-{document.uuid}",
                "question": feedback.message.search_query or (question.content if question else ""),
                "answer": feedback.message.content,
                "doc": document.filename,
                "document": str(document.uuid),
                "gold_pages": sorted(numbers),
            }
