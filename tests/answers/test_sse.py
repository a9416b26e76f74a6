from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from answers import events, rendering, sse
from answers.events import Event
from ingestion.errors import TransientError

NUMBERS = frozenset({1, 2})
MARKDOWN = (
    "Profit rose **a lot** [1], says the report [2][9].\n\n"
    "- one [1]\n- two\n\n| Year | Profit |\n|:--|--:|\n| 2018 | 12 |\n\n"
    "```\ncode\n\nmore\n```\n\nThe end.\n---\nReally."
)


def translator(after: str = sse.START) -> sse.PageTranslator:
    return sse.PageTranslator(
        after=after, evidence=lambda: ("<ol></ol>", NUMBERS), end=lambda: "<article></article>"
    )


def written(text: str, cuts: Sequence[int] = ()) -> list[Event]:
    """The events of an answer whose text arrived in pieces, cut at these places."""
    places = [0, *sorted({cut % len(text) for cut in cuts} - {0}), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    said = [("stage", {"stage": "searching"}), ("evidence", {"count": 2})]
    said += [("delta", {"text": piece}) for piece in pieces] + [("done", {})]
    return [Event(f"{1000 + place}-0", kind, data) for place, (kind, data) in enumerate(said)]


def parsed(frames: Sequence[bytes]) -> list[dict]:
    found = []
    for frame in b"".join(frames).decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in frame.split("\n"))
        found.append({**fields, "data": json.loads(fields.get("data", "null"))})
    return found


class Page:
    """What a browser makes of the frames."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.last_id = ""
        self.kinds: list[str] = []

    def take(self, frames: Sequence[bytes]) -> None:
        for frame in parsed(frames):
            self.last_id = frame.get("id", self.last_id)
            self.kinds.append(frame["event"])
            if frame["event"] == "block":
                data = frame["data"]
                assert data["index"] <= len(self.blocks), "a block came before the one above it"
                self.blocks[data["index"] :] = [
                    data["html"],
                    *self.blocks[data["index"] + 1 :],
                ]
                del self.blocks[data["count"] :]


def test_a_frame_is_one_line_of_json_with_its_id():
    assert sse.frame("delta", {"text": "a\nb “ü”"}, id="5-1") == (
        'id: 5-1\nevent: delta\ndata: {"text":"a\\nb “ü”"}\n\n'.encode()
    )


@pytest.mark.parametrize(
    ("said", "resumed"),
    [({}, "0"), ({"Last-Event-ID": "17-3"}, "17-3"), ({"Last-Event-ID": "x\r\ny"}, "0")],
)
def test_a_client_resumes_only_from_a_real_event(said, resumed):
    assert sse.resume_point(said) == resumed


def test_only_changed_blocks_are_sent():
    page, translate = Page(), translator()
    first, second = written("One.\n\nTwo", [8])[2:4]
    page.take(translate([first]))
    assert page.blocks == ["<p>One.</p>", "<p>Tw</p>"]
    frames = parsed(translate([second]))
    assert [(f["data"]["index"], f["data"]["html"], f["id"]) for f in frames] == [
        (1, "<p>Two</p>", second.id)
    ]


def test_only_the_last_block_of_a_batch_says_how_far_the_client_is():
    frames = parsed(translator()(written("One.\n\nTwo.\n\nThree.")[:3]))
    blocks = [frame for frame in frames if frame["event"] == "block"]
    assert [frame.get("id") for frame in blocks] == [None, None, "1002-0"]


def test_stage_and_end_come_with_what_the_page_shows():
    frames = parsed(translator()(written("Yes [1].")))
    assert [frame["event"] for frame in frames] == ["stage", "evidence", "block", "done"]
    assert frames[0]["data"]["text"] == "Searching your documents…"
    assert frames[1]["data"] == {"count": 2, "html": "<ol></ol>"}
    assert 'data-citation="1"' in frames[2]["data"]["html"]
    assert frames[3]["data"]["html"] == "<article></article>"


def test_a_stream_that_shrinks_tells_how_many_blocks_are_left(monkeypatch):
    shown = iter([["<p>a</p>", "<p>b</p>"], ["<p>a</p>"]])
    monkeypatch.setattr(rendering, "render_blocks", lambda text, numbers: next(shown))
    page, translate = Page(), translator()
    for event in written("ab", [1])[2:4]:
        page.take(translate([event]))
    assert page.blocks == ["<p>a</p>"]


@given(
    cuts=st.lists(st.integers(1, 500), max_size=30),
    batches=st.lists(st.integers(1, 9), min_size=1, max_size=9),
    breaks=st.lists(st.integers(1, 12), max_size=6),
)
def test_whatever_breaks_the_page_ends_with_every_block_once(cuts, batches, breaks):
    """Frames are lost with the connection, wherever it breaks; the client then resumes."""
    said = written(MARKDOWN, cuts)
    page, kept = Page(), iter(breaks)
    while "done" not in page.kinds:
        translate, budget, place = translator(page.last_id or sse.START), next(kept, None), 0
        for size in (batches * len(said))[: len(said)]:
            frames = translate(said[place : place + size])
            place += size
            page.take(frames[:budget])
            if budget is not None and (budget := budget - len(frames)) <= 0:
                break
    assert page.blocks == rendering.render_blocks(MARKDOWN, NUMBERS)
    assert page.kinds.count("stage") == page.kinds.count("evidence") == 1


def test_a_client_that_resumes_gets_only_what_is_new():
    *seen, news, _done = written("One.\n\nTwo.\n\nThree", [14])
    translate = translator(seen[-1].id)
    assert translate([*seen, Event(seen[-1].id, "ping")]) == [sse.PING]
    assert [frame["data"] for frame in parsed(translate([news]))] == [
        {"index": 2, "html": "<p>Three</p>", "count": 3}
    ]


def test_a_final_event_made_from_the_database_repeats_the_last_id():
    last = written("Text.")[2]
    frames = parsed(translator(last.id)([last, Event(last.id, "failed", {"error": "Lost."})]))
    assert [(frame["event"], frame["data"]["error"]) for frame in frames] == [("failed", "Lost.")]


def test_programs_get_text_citations_and_the_whole_answer():
    translate = sse.for_programs(evidence=lambda: [{"number": 1}], end=lambda: {"answer": "Yes."})
    frames = parsed(translate(written("Yes.")))
    assert [frame["data"] for frame in frames] == [
        {"stage": "searching"},
        {"count": 2, "citations": [{"number": 1}]},
        {"text": "Yes."},
        {"answer": "Yes."},
    ]
    assert translate([Event("1-0", "ping")]) == [sse.PING]


def collect(translate: sse.Translate, pace: float) -> list[bytes]:
    async def gather() -> list[bytes]:
        from uuid import uuid4

        return [frame async for frame in sse.stream(uuid4(), translate, pace=pace)]

    return async_to_sync(gather)()


@pytest.mark.django_db
def test_fast_events_are_gathered_and_none_is_lost(monkeypatch):
    async def follow(uuid, *, after):
        for number in range(100):
            yield Event(f"{number + 1}-0", "delta", {"text": f"{number} "})
            await asyncio.sleep(0.002)
        yield Event("101-0", "done")

    monkeypatch.setattr(events, "follow", follow)
    batches: list[int] = []
    text: list[str] = []

    def translate(batch: Sequence[Event]) -> list[bytes]:
        batches.append(len(batch))
        text.extend(event.data.get("text", "") for event in batch)
        return []

    assert collect(translate, pace=0.05) == [sse.RETRY]
    assert "".join(text) == "".join(f"{number} " for number in range(100))
    assert sum(batches) == 101
    # 100 events take 0.2 seconds at least: at one batch per 0.05 seconds, far fewer.
    assert len(batches) < 40
    assert batches[0] == 1, "the first event must not wait"


@pytest.mark.django_db
def test_the_stream_just_ends_when_redis_goes_away(monkeypatch, caplog):
    async def follow(uuid, *, after):
        yield Event("1-0", "stage", {"stage": "searching"})
        raise TransientError("The Redis server cannot be reached.")

    monkeypatch.setattr(events, "follow", follow)
    frames = collect(sse.for_programs(evidence=list, end=dict), pace=0)
    assert [frame["event"] for frame in parsed(frames[1:])] == ["stage"]
    assert "cannot be reached" in caplog.text


@pytest.mark.django_db
def test_a_reader_who_leaves_ends_the_following(monkeypatch):
    ended = []

    async def follow(uuid, *, after):
        try:
            yield Event("1-0", "stage", {"stage": "searching"})
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def leave() -> None:
        from uuid import uuid4

        stream = sse.stream(uuid4(), sse.for_programs(evidence=list, end=dict))
        assert await anext(stream) == sse.RETRY
        assert b"searching" in await anext(stream)
        await stream.aclose()
        await asyncio.sleep(0)

    monkeypatch.setattr(events, "follow", follow)
    async_to_sync(leave)()
    assert ended
