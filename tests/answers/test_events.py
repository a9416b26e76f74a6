from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from answers import events
from answers.models import Conversation, Message, MessageState, Role
from ingestion.errors import TransientError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer(person, redis_url) -> Message:
    conversation = Conversation.objects.create(owner=person)
    return Message.objects.create(
        conversation=conversation, role=Role.ASSISTANT, state=MessageState.STREAMING
    )


async def collect(answer, **kwargs) -> list[events.Event]:
    return [event async for event in events.follow(answer.uuid, **kwargs)]


def test_events_come_in_order_and_end(answer):
    events.append(answer.uuid, "stage", stage="searching")
    events.append(answer.uuid, "delta", text="Grüße\n")
    events.append(answer.uuid, "done")
    found = async_to_sync(collect)(answer)
    assert [(event.kind, event.data) for event in found] == [
        ("stage", {"stage": "searching"}),
        ("delta", {"text": "Grüße\n"}),
        ("done", {}),
    ]


def test_a_lost_connection_resumes_without_losing_or_doubling_a_character(answer):
    text = "The quick brown fox jumps over the lazy dog."

    async def write() -> None:
        for character in text:
            await sync_to_async(events.append)(answer.uuid, "delta", text=character)
        await sync_to_async(events.append)(answer.uuid, "done")

    async def read_with_broken_connections() -> str:
        writing = asyncio.create_task(write())
        got, last, ended = "", "0", False
        while not ended:
            stream = events.follow(answer.uuid, after=last)
            taken = 0
            async for event in stream:
                last, ended = event.id, event.is_final
                got += event.data.get("text", "")
                taken += 1
                if taken == 5:
                    break
            await stream.aclose()
        await writing
        return got

    assert async_to_sync(read_with_broken_connections)() == text


def test_two_followers_agree(answer):
    async def both() -> tuple[list, list]:
        first, second = asyncio.create_task(collect(answer)), asyncio.create_task(collect(answer))
        for piece in "abc":
            await sync_to_async(events.append)(answer.uuid, "delta", text=piece)
        await sync_to_async(events.append)(answer.uuid, "stopped")
        return await first, await second

    first, second = async_to_sync(both)()
    assert first == second
    assert "".join(event.data.get("text", "") for event in first) == "abc"


def test_pings_while_it_is_quiet(answer):
    events.beat([answer.uuid])
    events.append(answer.uuid, "stage", stage="searching")

    async def first_three() -> list[events.Event]:
        found = []
        async for event in events.follow(answer.uuid, quiet=0.05):
            found.append(event)
            if len(found) == 3:
                return found
        return found

    found = async_to_sync(first_three)()
    assert [event.kind for event in found] == ["stage", "ping", "ping"]
    assert found[1].id == found[0].id


def test_an_expired_stream_ends_with_what_the_database_says(answer):
    Message.objects.filter(pk=answer.pk).update(state=MessageState.DONE)
    assert [event.kind for event in async_to_sync(collect)(answer)] == ["done"]


def test_what_was_said_just_before_the_end_is_not_lost(answer):
    events.append(answer.uuid, "delta", text="all of it")
    Message.objects.filter(pk=answer.pk).update(state=MessageState.DONE)
    found = async_to_sync(collect)(answer, quiet=0.05)
    assert [event.kind for event in found] == ["delta", "done"]


def test_a_deleted_answer_ends_its_stream(answer):
    uuid = answer.uuid
    answer.delete()
    answer.uuid = uuid
    assert async_to_sync(collect)(answer)[-1].data == {"error": events.DELETED}


@pytest.mark.parametrize("bad", ["", "x", "1-2-3", "0\r\nDEL", "-1"])
def test_rejects_what_is_no_event_id(answer, bad):
    with pytest.raises(ValueError, match="not an event id"):
        async_to_sync(collect)(answer, after=bad)


def test_an_answer_whose_process_died_is_marked_failed(answer):
    long_ago = timezone.now() - timedelta(seconds=events.HEARTBEAT_SECONDS + 1)
    Message.objects.filter(pk=answer.pk).update(created_at=long_ago)
    events.beat([answer.uuid])
    assert events.recover_lost() == 0
    events._connection().delete(events._key(answer.uuid, "alive"))
    found = async_to_sync(collect)(answer)
    assert [(event.kind, event.data) for event in found] == [("failed", {"error": events.LOST})]
    answer.refresh_from_db()
    assert answer.state == MessageState.FAILED


def test_a_new_answer_is_not_lost_before_its_first_heartbeat(answer):
    assert events.recover_lost() == 0


def test_an_unreachable_server_is_told_in_a_sentence(settings, answer):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    start = time.monotonic()
    with pytest.raises(TransientError, match="REDIS_URL"):
        events.append(answer.uuid, "done")
    with pytest.raises(TransientError, match="REDIS_URL"):
        async_to_sync(collect)(answer)
    assert time.monotonic() - start < 5


def test_the_stream_expires(answer):
    events.append(answer.uuid, "done")
    client = events._connection()
    assert 0 < client.ttl(events._stream_key(answer.uuid)) <= events.STREAM_SECONDS


def test_a_stop_is_seen_and_only_by_its_answer(answer):
    events.request_stop(answer.uuid)
    assert events.stop_requested(answer.uuid)
    assert not events.stop_requested(uuid4())
