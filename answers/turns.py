"""A conversation as it is shown: questions with their answers, answers with their sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from answers import (
    attachments,
    citations,
    conversations,
    feedback,
    readers,
    rendering,
    threads,
)
from answers.answering import QUESTION_LENGTH
from answers.attachments import Shown
from answers.checks import Checks
from answers.feedback import REASONS
from answers.inert import inert
from answers.models import (
    Attachment,
    Conversation,
    Feedback,
    Message,
    MessageState,
    Reason,
    Role,
    Verdict,
)
from answers.readers import extractive
from answers.sources import Source

MOMENTS = {"searching": "found after", "first_character": "first word after", "total": "all after"}


@dataclass(frozen=True, slots=True)
class Versions:
    """A message among those that stand in its place: which of how many, and its neighbours."""

    number: int
    count: int
    previous: UUID | None
    next: UUID | None


@dataclass(frozen=True)
class Answer:
    """An answer with what its reader may see of its sources, those cited first."""

    message: Message
    sources: tuple[Source, ...]
    versions: Versions | None = None
    feedback: Feedback | None = None

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
        return self.message.reader == extractive.ExtractiveReader.name

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
    def check_line(self) -> str:
        """What the check found; empty of an answer that itself says that it is none.

        The passages that come closest are quoted faithfully: no proof that they answer.
        """
        return "" if self.message.grounded is False else self.checks.summary

    @property
    def cited_count(self) -> int:
        return len(self.cited)

    @property
    def seconds(self) -> list[tuple[str, float]]:
        """What took until when, counted from the question."""
        timings = self.message.timings
        return [(label, timings[name]) for name, label in MOMENTS.items() if name in timings]

    @property
    def searched_for(self) -> str:
        """What was searched for, where that is not what was asked: a follow-up, made whole."""
        asked, query = self.message.question, self.message.search_query
        return query if asked and query != asked.content.strip() else ""

    @property
    def text_with_sources(self) -> str:
        """The answer's Markdown, and below it what it cites, as a list."""
        cited = [f"[{one.number}] {one.title}, {one.place.lower()}" for one in self.cited]
        listed = ["Sources:", *cited] if cited else []
        return inert("\n\n".join(filter(None, [self.message.content.strip(), "\n".join(listed)])))

    @property
    def plain_notes(self) -> list[str]:
        """Notes to show beside the answer; that it only quotes stands above it already."""
        return [note for note in self.message.notes if note != extractive.NOTE]

    @property
    def reader_label(self) -> str:
        """What people call the reader that wrote it."""
        return readers.label_of(self.message.reader)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What a person may say about the verdict that was given."""
        return REASONS[Verdict(self.feedback.verdict)] if self.feedback else ()

    @property
    def cited(self) -> list[Source]:
        return [source for source in self.sources if source.cited]

    @property
    def figures(self) -> tuple[Source, ...]:
        """Figures and tables to show below the text: those that it cites."""
        return tuple(source for source in self.sources if source.cited and source.crop_url)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and the answer to it that is shown."""

    question: Message
    answer: Answer | None
    versions: Versions | None = None
    attachments: Sequence[Shown] = ()

    @property
    def question_length(self) -> int:
        """How long the question may become when it is edited."""
        return QUESTION_LENGTH


def of_message(message: Message, user: AbstractUser, versions: Versions | None = None) -> Answer:
    """An answer, with its sources as this user may see them."""
    return _of_messages([message], user, {message.pk: versions})[message.pk]


def _of_messages(
    messages: Collection[Message], user: AbstractUser, versions: Mapping[int, Versions | None]
) -> dict[int, Answer]:
    """Answers by their ids; what stands in other tables is asked for once, for all of them."""
    sources = sources_of(messages, user)
    given = feedback.of_answers(messages, user)
    return {
        row.pk: Answer(row, sources[row.pk], versions[row.pk], given.get(row.pk))
        for row in messages
    }


def sources_of(answers: Collection[Message], user: AbstractUser) -> dict[int, tuple[Source, ...]]:
    """The sources of answers, by the answer's id, as the user sees them: those cited first."""
    visible = citations.visible_citations_of(answers, user)
    return {
        pk: tuple(sorted(map(Source, rows), key=lambda source: not source.cited))
        for pk, rows in visible.items()
    }


def with_versions(answer: Message, user: AbstractUser) -> Answer:
    """An answer that also knows its place among the answers to the same question."""
    return of_message(answer, user, _Thread(answer.conversation_id).versions(answer))


def begun(answer: Message, user: AbstractUser) -> Turn:
    """The turn of an answer that was just asked for."""
    question = answer.question
    assert question is not None, "an answer belongs to a question"
    thread = _Thread(answer.conversation_id)
    shown = of_message(answer, user, thread.versions(answer))
    carried = carried_by([question], user)
    return Turn(question, shown, thread.versions(question), carried[question.pk])


def of_conversation(conversation: Conversation, user: AbstractUser) -> list[Turn]:
    """The turns of the branch that is shown, oldest first."""
    thread = _Thread(conversation.pk)
    shown = set(threads.shown(conversation, thread.tree))
    messages = conversation.messages.select_related("conversation", "question")
    rows = [row for row in messages if row.pk in shown]
    written = [row for row in rows if row.role == Role.ASSISTANT]
    versions = {row.pk: thread.versions(row) for row in rows}
    known = _of_messages(written, user, versions)
    answers = {row.question_id: known[row.pk] for row in written}
    questions = [row for row in rows if row.role == Role.USER]
    carried = carried_by(questions, user)
    return [Turn(row, answers.get(row.pk), versions[row.pk], carried[row.pk]) for row in questions]


def carried_by(questions: Sequence[Message], user: AbstractUser) -> dict[int, list[Shown]]:
    """What each question carries, by its id, as the user may see it."""
    rows = Attachment.objects.filter(message__in=questions).select_related("document")
    carried: dict[int, list[Shown]] = {question.pk: [] for question in questions}
    for one in attachments.shown(rows, user):
        carried[one.attachment.message_id].append(one)
    return carried


class _Thread:
    """A conversation's tree, with the addresses of its messages."""

    def __init__(self, conversation_id: int) -> None:
        self.tree = threads.tree_of(conversation_id)
        rows = Message.objects.filter(conversation=conversation_id)
        self._uuids = dict(rows.values_list("pk", "uuid"))

    def versions(self, message: Message) -> Versions | None:
        """None where the message is the only one in its place."""
        found = self.tree.variants(message.pk)
        if len(found.members) == 1:
            return None
        return Versions(
            number=found.number,
            count=len(found.members),
            previous=self._uuids.get(found.previous or 0),
            next=self._uuids.get(found.next or 0),
        )


def place_of(question: Message) -> str:
    """The address of a question on its conversation's page."""
    page = reverse("answers:conversation", args=[question.conversation.uuid])
    return f"{page}#turn-{question.uuid}"


def find_source(user: AbstractUser, pk: int) -> tuple[Answer, Source]:
    """Find a citation of the user's own conversations, or raise Http404."""
    answers = conversations.answers_visible_to(user)
    answer = of_message(get_object_or_404(answers, citations__pk=pk), user)
    return answer, next(source for source in answer.sources if source.citation.pk == pk)
