from __future__ import annotations

import threading
import time

import pytest
from asgiref.sync import async_to_sync

from answers import answering, events, pool, recording, runs, searching
from answers.evidence import PIXELS_PER_TOKEN
from answers.models import Conversation, Message, MessageState, Role
from answers.readers import Capabilities, PromptTooLong, Quote, ReaderDelta
from answers.slots import Slots
from ingestion.errors import PermanentError, TransientError
from tests.answers.conftest import jpeg, said

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches", "scripted"),
]


def wait_until_final(answer: Message) -> Message:
    assert said(answer.uuid)[-1].is_final
    answer.refresh_from_db()
    return answer


def test_an_answer_goes_its_way(conversation, searches, scripted):
    def script(prompt):
        yield ReaderDelta(text="They get 25 days")
        yield ReaderDelta(text=" of leave [1].", usage={"prompt_tokens": 7})

    scripted.script = script
    answer = answering.ask(conversation, "  How much leave do employees get? ")
    assert (answer.role, answer.state) == (Role.ASSISTANT, MessageState.STREAMING)
    found = said(answer.uuid)
    kinds = [event.kind for event in found]
    assert kinds[:4] == ["stage", "stage", "evidence", "stage"]
    assert kinds[-1] == "done"
    stages = [event.data["stage"] for event in found if event.kind == "stage"]
    assert stages == ["searching", "reading", "answering"]
    text = "".join(event.data["text"] for event in found if event.kind == "delta")
    answer.refresh_from_db()
    assert answer.content == text == "They get 25 days of leave [1]."
    assert (answer.state, answer.reader, answer.grounded) == ("done", "scripted", True)
    assert answer.index_versions == {"text": 3}
    assert answer.search_query == "How much leave do employees get?"
    assert answer.usage["prompt_tokens"] == 7
    assert answer.usage["images"] == 2
    assert 0 < answer.timings["searching"] <= answer.timings["first_character"]
    assert answer.timings["first_character"] <= answer.timings["total"]
    assert answer.finished_at is not None
    conversation.refresh_from_db()
    assert conversation.title == "How much leave do employees get?"
    assert answer.question
    assert answer.question.content == "How much leave do employees get?"
    cited = answer.citations.get(number=1)
    assert cited.cited
    assert [cited.text[start:end] for start, end in cited.quotes] == [
        "Employees get 25 days of leave per year."
    ]
    assert cited.boxes == [[1, 50, 140, 400, 155]]


def test_permissions_are_computed_for_every_question(conversation, searches, document, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="Yes [1].")])
    conversation.documents.add(document)
    assert answering.answer_now(conversation, "One?").state == MessageState.DONE
    assert searches[-1][1].document_ids == {document.pk}
    document.collection.owner = Conversation.objects.create(owner=_somebody_else()).owner
    document.collection.save()
    answer = answering.answer_now(conversation, "Two?")
    assert (answer.state, answer.error) == (MessageState.FAILED, searching.NOTHING_TO_ASK)
    assert len(searches) == 1


def _somebody_else():
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_user("bob")


def test_stopping_keeps_what_was_said(conversation, scripted):
    stopped_reading = threading.Event()

    def script(prompt):
        try:
            while True:
                yield ReaderDelta(text="word ")
                time.sleep(0.01)
        finally:
            stopped_reading.set()

    scripted.script = script
    answer = answering.ask(conversation, "Go on for ever?")
    _wait(lambda: events._connection().xlen(events._stream_key(answer.uuid)) >= 5)
    answering.stop(answer)
    found = said(answer.uuid)
    answer.refresh_from_db()
    assert found[-1].kind == answer.state == MessageState.STOPPED
    assert answer.content.startswith("word ")
    assert answer.content == "".join(e.data["text"] for e in found if e.kind == "delta")
    assert stopped_reading.wait(60)


def test_stopping_does_not_wait_for_a_reader_that_hangs(conversation, scripted):
    release = threading.Event()

    def script(prompt):
        yield ReaderDelta(text="A beginning")
        release.wait(120)

    scripted.script = script
    answer = answering.ask(conversation, "Do you hang?")
    _wait(lambda: events._connection().xlen(events._stream_key(answer.uuid)) >= 5)
    start = time.monotonic()
    answering.stop(answer)
    assert wait_until_final(answer).state == MessageState.STOPPED
    # Much sooner than the reader would have gone on, on a machine of any speed.
    assert time.monotonic() - start < 60
    assert answer.content == "A beginning"
    release.set()


def test_who_waits_is_told_their_place_and_may_stop(
    conversation, searches, scripted, monkeypatch, person
):
    """With one place: the second waits and stops, the third waits and is answered."""
    release = threading.Event()

    def script(prompt):
        assert release.wait(120)
        yield ReaderDelta(text="Yes [1].")

    scripted.script = script
    slots = Slots(1)
    monkeypatch.setattr(pool, "slots", lambda: slots)
    # One after the other: each begins in a thread of its own.
    first = answering.ask(conversation, "First?")
    _wait(lambda: slots.working == 1)
    second = answering.ask(Conversation.objects.create(owner=person), "Second?")
    _wait(lambda: slots.waiting == 1)
    third = answering.ask(Conversation.objects.create(owner=person), "Third?")
    _wait(lambda: slots.waiting == 2)
    assert (waiting_place(second), waiting_place(third)) == (0, 1)
    answering.stop(second)
    assert wait_until_final(second).state == MessageState.STOPPED
    release.set()
    assert wait_until_final(first).state == wait_until_final(third).state == MessageState.DONE


def waiting_place(answer: Message) -> int:
    """How many come before it, as its followers are told first."""

    async def look() -> int:
        async for event in events.follow(answer.uuid):
            assert event.data == {"stage": "waiting", "ahead": event.data.get("ahead")}
            return event.data["ahead"]
        raise AssertionError("it ended")

    return async_to_sync(look)()


def test_stopping_an_answer_of_a_dead_process(conversation):
    answer = Message.objects.create(
        conversation=conversation, role=Role.ASSISTANT, state=MessageState.STREAMING
    )
    answering.stop(answer)
    answer.refresh_from_db()
    assert answer.state == MessageState.STOPPED


def _wait(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("error", [PermanentError("No key."), TransientError("Overloaded.")])
def test_a_failing_reader_is_told_and_the_evidence_stays(conversation, scripted, error):
    def script(prompt):
        yield ReaderDelta(text="It is [1]")
        raise error

    scripted.script = script
    answer = wait_until_final(answering.ask(conversation, "How many days of leave?"))
    assert (answer.state, answer.error) == (MessageState.FAILED, str(error))
    assert answer.content == "It is [1]"
    assert answer.citations.count() == 3
    assert answer.citations.get(number=1).cited
    assert said(answer.uuid)[-1].data == {"error": str(error)}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_fails_the_answer_and_is_logged(conversation, scripted):
    def script(prompt):
        yield ReaderDelta(text="x")
        raise ZeroDivisionError

    scripted.script = script
    answer = wait_until_final(answering.ask(conversation, "What?"))
    assert (answer.state, answer.error) == (MessageState.FAILED, runs.UNEXPECTED)


def test_a_prompt_that_is_too_long_is_given_less(conversation, scripted):
    def script(prompt):
        if len(prompt.evidence) > 1:
            raise PromptTooLong("Too long.")
        yield ReaderDelta(text="Employees get 25 days of leave per year [1][2].")

    scripted.script = script
    answer = answering.answer_now(conversation, "How much?")
    assert answer.state == MessageState.DONE
    assert [len(prompt.evidence) for prompt in scripted.prompts] == [3, 1]
    assert answer.usage["sources"] == 1
    # It cannot cite what it was not given.
    assert list(answer.citations.values_list("cited", flat=True)) == [True, False, False]


def test_the_question_and_its_pictures_leave_less_room_for_evidence():
    takes = Capabilities(prompt_tokens=8000, images=2, image_pixels=1024)
    nothing = runs._budget(takes, "", (), ())
    asked = runs._budget(takes, "x" * 3200, (), [jpeg(2048, 2048)] * 3)
    picture = 1024 * 1024 // PIXELS_PER_TOKEN
    assert nothing.tokens - asked.tokens == 1000 + 2 * picture
    assert (nothing.images, asked.images) == (2, 0)


def test_no_question_is_longer_than_the_page_takes(conversation):
    with pytest.raises(PermanentError, match="longer than 8000"):
        answering.ask(conversation, "x" * 8001)
    assert not conversation.messages.exists()


def test_a_prompt_that_stays_too_long_fails(conversation, scripted):
    def script(prompt):
        raise PromptTooLong("Too long.")
        yield

    scripted.script = script
    answer = answering.answer_now(conversation, "How much?")
    assert (answer.state, answer.error) == (MessageState.FAILED, "Too long.")


def test_the_reader_gets_earlier_turns_and_a_question_that_stands_alone(
    conversation, searches, scripted
):
    scripted.script = lambda prompt: iter([ReaderDelta(text="Twelve rules [1].")])
    answering.answer_now(conversation, "How many rules has the Contoso handbook?")
    answer = answering.answer_now(conversation, "And who wrote it?")
    assert [(turn.role, turn.text) for turn in scripted.prompts[1].turns] == [
        ("user", "How many rules has the Contoso handbook?"),
        ("assistant", "Twelve rules."),
    ]
    assert answer.search_query == "And who wrote it? (rules Contoso handbook)"
    assert searches[-1][0] == answer.search_query


def test_a_question_that_was_not_answered_leaves_no_turn_but_counts_for_the_search(
    conversation, searches, scripted
):
    scripted.script = lambda prompt: iter([ReaderDelta(text="Twelve rules [1].")])
    answering.answer_now(conversation, "How many rules has the Contoso handbook?")

    def broken(prompt):
        raise TransientError("Overloaded.")
        yield

    scripted.script = broken
    answering.answer_now(conversation, "How many Fabrikam rules?")
    answer = answering.answer_now(conversation, "And who wrote it?")
    roles = [turn.role for turn in scripted.prompts[-1].turns]
    assert roles == ["user", "assistant"]
    assert "Fabrikam" in answer.search_query


def test_quotes_of_the_reader_decide_the_boxes(conversation, scripted):
    def script(prompt):
        yield ReaderDelta(text="“Its handbook has twelve rules.” [1]", quotes=(Quote(1, 29, 60),))

    scripted.script = script
    answer = answering.answer_now(conversation, "What has the handbook?")
    assert answer.citations.get(number=1).boxes == [[1, 50, 120, 400, 135]]


def test_what_is_said_so_far_is_saved_now_and_then(conversation, scripted, monkeypatch):
    monkeypatch.setattr(recording, "SAVE_SECONDS", 0.05)
    go_on = threading.Event()

    def script(prompt):
        yield ReaderDelta(text="So far so good")
        go_on.wait(10)

    scripted.script = script
    answer = answering.ask(conversation, "How is it?")
    _wait(lambda: Message.objects.get(pk=answer.pk).content == "So far so good")
    assert Message.objects.get(pk=answer.pk).state == MessageState.STREAMING
    go_on.set()
    assert wait_until_final(answer).state == MessageState.DONE


def test_a_conversation_deleted_in_the_middle_ends_its_run(conversation, scripted):
    ended = threading.Event()

    def script(prompt):
        try:
            while True:
                yield ReaderDelta(text="word ")
                time.sleep(0.01)
        finally:
            ended.set()

    scripted.script = script
    answer = answering.ask(conversation, "Go on?")
    _wait(lambda: Message.objects.get(pk=answer.pk).timings.get("reading"))
    conversation.delete()
    assert ended.wait(10)


def test_nothing_is_asked_without_words(conversation):
    with pytest.raises(PermanentError, match="Write a question"):
        answering.ask(conversation, "  \n ")
    assert not conversation.messages.exists()


def test_another_answer_to_the_same_question(conversation, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="One [1].")])
    first = answering.answer_now(conversation, "How many?")
    assert first.question
    second = wait_until_final(answering.answer_again(first.question))
    assert second.question == first.question
    assert not scripted.prompts[1].turns


def test_an_unknown_reader_is_told(conversation):
    answer = answering.answer_now(conversation, "How?", reader="oracle")
    assert answer.state == MessageState.FAILED
    assert "“oracle” is not set up here" in answer.error


def test_redis_going_away_leaves_the_answer_in_the_database(conversation, scripted, settings):
    def script(prompt):
        yield ReaderDelta(text="Something")
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        time.sleep(recording.STOP_CHECK_SECONDS)
        yield ReaderDelta(text=" more")

    scripted.script = script
    answer = answering.answer_now(conversation, "How?")
    assert (answer.state, answer.error) == (MessageState.FAILED, events.UNREACHABLE)
    assert answer.content.startswith("Something")


def test_titles_are_cut_between_words():
    title = answering.title_from("word " * 40)
    assert len(title) <= answering.TITLE_CHARACTERS + 2
    assert title.endswith("word …")


def test_a_reader_hears_only_its_own_branch(conversation, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text=f"About {prompt.question} [1].")])
    first = answering.answer_now(conversation, "Leave?")
    answering.answer_now(conversation, "Sick leave?")
    answering.ask_instead(first.question, "Rules?", wait=True)
    conversation.refresh_from_db()
    answering.answer_now(conversation, "Which of them first?")
    turns = scripted.prompts[-1].turns
    assert [turn.text for turn in turns] == ["Rules?", "About Rules?."]


@pytest.mark.django_db(transaction=True)
def test_old_conversations_get_their_branch(conversation):
    from importlib import import_module

    from django.apps import apps

    rows = [
        Message.objects.create(conversation=conversation, role=role, content=content)
        for role, content in [("user", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d")]
    ]
    import_module("answers.migrations.0005_follow_on").follow_on(apps, None)
    follows = conversation.messages.order_by("pk").values_list("follows", flat=True)
    assert list(follows) == [None, None, None, rows[2].pk]


@pytest.mark.django_db(transaction=True)
def test_old_notes_are_parted(conversation):
    from importlib import import_module

    from django.apps import apps

    unseen = "The extractive reader cannot see pictures: what you attached was not looked at."
    site, cut = (
        "Put the files into /srv/models.",
        "The answer was cut off at VLM_MAX_OUTPUT_TOKENS.",
    )
    row = Message.objects.create(
        conversation=conversation, role="assistant", notes=[site, unseen, cut]
    )
    Message.objects.filter(pk=row.pk).update(finish_reason="length")
    parting = import_module("answers.migrations.0010_part_notes")
    parting.part(apps, None)
    row.refresh_from_db()
    assert row.notes == [unseen, parting.ENDS["length"]]
    assert row.site_notes == [site, cut]
