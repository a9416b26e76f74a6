"""One run: search, gather evidence, let the reader write, settle the citations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from answers import attachments, checking, citations, followups, images, searching, threads
from answers.evidence import Budget, Evidence, cost, estimate_tokens, image_tokens, numbered
from answers.gathering import gather
from answers.models import Message, MessageState, Role
from answers.prompting import FRAME_TOKENS, ReaderPrompt, Turn, answered, render, shortened
from answers.pump import pumped
from answers.readers import Capabilities, PromptTooLong, Reader, reader_for
from answers.recording import Recorder, Stopped
from ingestion.errors import PermanentError, TransientError
from retrieval.search import SearchResult

UNEXPECTED = "Something went wrong while answering. The server's log has the details."
CANNOT_SEE = "“{reader}” cannot see pictures: what you attached was not looked at."
ABOUT_MARKED = "(The person asks about a place that they marked in a document: source [1].)"
SOME_UNSEEN = "“{reader}” looks at {room} pictures at most: the last {unseen} of yours went unseen."
MARKED_CHARACTERS = 300
EARLIER_TURNS = 6
REDUCTIONS = 2
# Where the conversation has filled the model's context, evidence still gets this much.
MIN_EVIDENCE_TOKENS = 400
TICK_SECONDS = 0.05


def run(answer_pk: int, reader_name: str | None = None) -> None:
    """Write the answer of this row, whatever happens on the way."""
    related = ("conversation__owner", "question")
    recorder = Recorder(Message.objects.select_related(*related).get(pk=answer_pk))
    try:
        _write(recorder, reader_name)
    except Stopped:
        recorder.finish(MessageState.STOPPED)
    except (PermanentError, TransientError) as exc:
        recorder.finish(MessageState.FAILED, error=str(exc))
    except BaseException:
        recorder.finish(MessageState.FAILED, error=UNEXPECTED)
        raise
    else:
        recorder.finish(MessageState.DONE)


def _write(recorder: Recorder, reader_name: str | None) -> None:
    answer = recorder.answer
    reader = reader_for(reader_name or answer.conversation.reader)
    answer.reader = reader.name
    turns = _turns(answer)
    marked = attachments.marked(_asked(answer), answer.conversation.owner)
    pictures = attachments.images(_asked(answer))
    recorder.stage("searching")
    result = _search(answer, turns, marked, pictures)
    turns = answered(turns)
    recorder.time("searching")
    recorder.stage("reading")
    budget = _budget(reader.capabilities, _question(answer), turns, pictures)
    evidence = _evidence(marked, result, budget, question=answer.search_query)
    citations.store(answer, evidence)
    recorder.time("reading")
    recorder.evidence(len(evidence))
    recorder.stage("answering")
    try:
        _read(recorder, reader, evidence, turns, pictures)
    finally:
        # Also of an answer that was stopped or broke off: what it says is shown.
        answer.checks = checking.check(answer.content, recorder.given)
        citations.settle(answer, recorder.given, recorder.quotes)
        if answer.grounded is False and checking.found_sources(answer):
            answer.grounded = True


def _search(
    answer: Message, turns: Sequence[Turn], marked: Sequence[Evidence], pictures: Sequence[bytes]
) -> SearchResult:
    where = searching.where_to_look(answer.conversation)
    # What "this" is, where a picture is attached, is in the picture.
    earlier = [turn.text for turn in turns if turn.role == Role.USER and not pictures]
    # "What does this show?" leans on what was marked, as a follow-up does on what was asked.
    earlier += [(piece.caption or piece.text)[:MARKED_CHARACTERS] for piece in marked]
    answer.search_query = followups.standalone(_question(answer), earlier)
    picture = pictures[0] if pictures else None
    result = searching.find(answer.search_query, where, picture=picture)
    answer.index_versions = result.index_versions
    answer.site_notes = list(result.notes)
    return result


def _evidence(
    marked: Sequence[Evidence], result: SearchResult, budget: Budget, *, question: str
) -> tuple[Evidence, ...]:
    """What the person marked comes first, whatever was found beside it."""
    first: list[Evidence] = []
    for piece in marked:
        shown = replace(piece, shown=bool(piece.crop and budget.images))
        first.append(shown)
        left = max(budget.tokens - cost(shown, budget), MIN_EVIDENCE_TOKENS)
        budget = replace(budget, tokens=left, images=budget.images - shown.shown)
    return numbered([*first, *gather(result.hits, budget, question=question)])


def _read(
    recorder: Recorder,
    reader: Reader,
    evidence: Sequence[Evidence],
    turns: Sequence[Turn],
    pictures: Sequence[bytes],
) -> None:
    """Let the reader write; where it cannot take so much, give it the better half."""
    about = ABOUT_MARKED if any(piece.is_marked for piece in evidence) else ""
    attached = _attached(recorder, reader, pictures)
    for left in reversed(range(REDUCTIONS + 1)):
        recorder.given = evidence
        shown = images.data_urls(evidence, longest=reader.capabilities.image_pixels)
        recorder.answer.usage = {
            "sources": len(evidence),
            "images": len(shown),
            "evidence_tokens": sum(piece.tokens for piece in evidence),
        }
        try:
            prompt = render(
                _question(recorder.answer),
                evidence,
                standalone=recorder.answer.search_query,
                about=about,
                turns=turns,
                images=shown,
            )
            _take(recorder, reader, replace(prompt, attached=attached))
            return
        except PromptTooLong:
            if not left or recorder.answer.content:
                raise
            evidence, turns = evidence[: max(1, len(evidence) // 2)], ()


def _attached(recorder: Recorder, reader: Reader, pictures: Sequence[bytes]) -> tuple[str, ...]:
    """The person's pictures for the reader, as many as it takes; a note tells of the others."""
    room = reader.capabilities.images
    if pictures and not room:
        recorder.answer.notes.append(CANNOT_SEE.format(reader=reader.label))
    elif unseen := len(pictures[room:]):
        note = SOME_UNSEEN.format(reader=reader.label, room=room, unseen=unseen)
        recorder.answer.notes.append(note)
    longest = reader.capabilities.image_pixels
    return tuple(images.data_url(data, longest=longest) for data in pictures[:room])


def _take(recorder: Recorder, reader: Reader, prompt: ReaderPrompt) -> None:
    for delta in pumped(reader.stream(prompt), tick=TICK_SECONDS):
        if delta is not None:
            recorder.take(delta)
        recorder.tick()
    if recorder.answer.grounded is None:
        recorder.answer.grounded = citations.cites(recorder.answer.content, prompt.evidence)


def _budget(
    capabilities: Capabilities, question: str, turns: Sequence[Turn], pictures: Sequence[bytes]
) -> Budget:
    spoken = estimate_tokens(question) + sum(estimate_tokens(turn.text) for turn in turns)
    seen = sum(
        image_tokens(images.size(data), capabilities.image_pixels)
        for data in pictures[: capabilities.images]
    )
    left = capabilities.prompt_tokens - FRAME_TOKENS - spoken - seen
    return Budget(
        tokens=max(left, MIN_EVIDENCE_TOKENS),
        images=max(0, capabilities.images - len(pictures)),
        image_pixels=capabilities.image_pixels,
    )


def _asked(answer: Message) -> Message:
    assert answer.question is not None, "an answer has its question"
    return answer.question


def _question(answer: Message) -> str:
    return _asked(answer).content


def _turns(answer: Message) -> tuple[Turn, ...]:
    """The messages before this answer's question, oldest first; the last few of them."""
    earlier = Message.objects.filter(pk__in=threads.before(answer)).exclude(content="")
    rows = earlier.order_by("-pk").values_list("role", "content")[:EARLIER_TURNS]
    return tuple(Turn(role, shortened(content)) for role, content in reversed(rows))
