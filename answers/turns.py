"""A conversation as it is shown: questions with their answers, answers with their sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.shortcuts import get_object_or_404
from django.utils.safestring import SafeString, mark_safe

from answers import citations, conversations, rendering
from answers.checks import Checks
from answers.models import Conversation, Message, MessageState, Role
from answers.sources import Source

EXTRACTIVE = "extractive"
MOMENTS = {"searching": "found after", "first_character": "first word after", "total": "all after"}


@dataclass(frozen=True)
class Answer:
    """An answer with what its reader may see of its sources, those cited first."""

    message: Message
    sources: tuple[Source, ...]

    @property
    def uuid(self) -> UUID:
        return self.message.uuid

    @property
    def state(self) -> str:
        return self.message.state

    @property
    def is_streaming(self) -> bool:
        return self.message.state == MessageState.STREAMING

    @property
    def is_extractive(self) -> bool:
        return self.message.reader == EXTRACTIVE

    @cached_property
    def html(self) -> SafeString:
        numbers = {source.number for source in self.sources}
        html = rendering.render_answer(self.message.content, numbers, doubts=self.checks.doubts)
        # render_answer sanitises what it makes.
        return mark_safe(html)

    @cached_property
    def checks(self) -> Checks:
        return Checks.of(self.message.checks)

    @property
    def cited_count(self) -> int:
        return sum(source.cited for source in self.sources)

    @property
    def seconds(self) -> list[tuple[str, float]]:
        """What took until when, counted from the question."""
        timings = self.message.timings
        return [(label, timings[name]) for name, label in MOMENTS.items() if name in timings]

    @property
    def figures(self) -> tuple[Source, ...]:
        """Figures and tables to show below the text: those that it cites."""
        return tuple(source for source in self.sources if source.cited and source.crop_url)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its latest answer."""

    question: Message
    answer: Answer | None


def of_message(message: Message, user: AbstractUser) -> Answer:
    """An answer, with its sources as this user may see them."""
    found = [Source(citation) for citation in citations.visible_citations(message, user)]
    return Answer(message, tuple(sorted(found, key=lambda source: not source.cited)))


def begun(answer: Message, user: AbstractUser) -> Turn:
    """The turn of an answer that was just asked for."""
    assert answer.question is not None, "an answer belongs to a question"
    return Turn(answer.question, of_message(answer, user))


def of_conversation(conversation: Conversation, user: AbstractUser) -> list[Turn]:
    """All turns, oldest first."""
    rows = conversation.messages.select_related("conversation")
    questions = [row for row in rows if row.role == Role.USER]
    latest = {row.question_id: row for row in rows if row.role == Role.ASSISTANT}
    return [
        Turn(question, of_message(latest[question.pk], user) if question.pk in latest else None)
        for question in questions
    ]


def find_source(user: AbstractUser, pk: int) -> tuple[Answer, Source]:
    """Find a citation of the user's own conversations, or raise Http404."""
    answers = conversations.answers_visible_to(user)
    answer = of_message(get_object_or_404(answers, citations=pk), user)
    return answer, next(source for source in answer.sources if source.citation.pk == pk)
