from __future__ import annotations

import json
import re
import threading
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse

from answers import answering, conversations, events, pool
from answers.forms import QUESTION_LENGTH
from answers.models import Citation, Conversation, Message, MessageState, Role
from answers.readers import ReaderDelta, extractive
from ingestion.errors import TransientError
from ingestion.models import Collection, Document
from tests.answers.conftest import PAGE_TEXT, queries_of

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Questions whose answers were started; nothing is run, they stay in the making."""
    started: list[str] = []

    def start(message_uuid, run, owner):
        started.append(Message.objects.get(uuid=message_uuid).question.content)

    monkeypatch.setattr(pool, "start", start)
    monkeypatch.setattr(events, "beat", lambda uuids: None)
    monkeypatch.setattr(answering, "recover_lost", lambda: 0)
    return started


@pytest.fixture
def me(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def answer(conversation, searches, scripted, redis_url) -> Message:
    """A finished answer: source 1 is cited, 2 (a table) and 3 (a figure) were found."""
    scripted.script = lambda prompt: iter([ReaderDelta(text="They get 25 days of leave [1].")])
    return answering.answer_now(conversation, "How much leave?")


def page_of(conversation: Conversation) -> str:
    return reverse("answers:conversation", args=[conversation.uuid])


# --- The page -----------------------------------------------------------------------------------


def test_a_long_conversation_takes_as_few_queries_as_a_short_one(me, answer, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="25 days [1].", note="Shrunk.")])
    page = page_of(answer.conversation)
    me.get(page)
    short = queries_of(lambda: me.get(page))
    for _ in range(3):
        answering.answer_now(answer.conversation, "And how much leave is there now?")
    assert queries_of(lambda: me.get(page)) == short


def test_nobody_chats_without_signing_in(client, answer):
    citation = answer.citations.get(number=2)
    for url in (
        reverse("answers:chat"),
        page_of(answer.conversation),
        reverse("answers:conversations"),
        reverse("answers:events", args=[answer.uuid]),
        reverse("answers:evidence", args=[citation.pk]),
        reverse("answers:crop", args=[citation.pk]),
    ):
        assert client.get(url).headers["Location"].startswith(reverse("login")), url


def test_an_empty_library_leads_to_the_upload_page(me):
    page = me.get(reverse("answers:chat")).content.decode()
    assert "Nothing to ask yet" in page
    assert f'href="{reverse("ingestion:documents")}"' in page


def test_an_answer_that_was_cut_says_so_beside_its_text(me, answer):
    Message.objects.filter(pk=answer.pk).update(notes=["Cut off.", extractive.NOTE])
    page = me.get(page_of(answer.conversation)).content.decode()
    beside = r'<p class="answer-note[^>]*>(?:<svg.*?</svg>)?(.*?)</p>'
    assert re.findall(beside, page, re.S) == ["Cut off."]
    file = me.get(reverse("answers:export", args=[answer.conversation.uuid, "markdown"]))
    assert "*Cut off.*" in file.content.decode()


def test_what_the_site_lacks_is_told_to_its_administrators_alone(me, answer, person):
    lacks = ["The image index was not searched: put the files into /srv/models."]
    Message.objects.filter(pk=answer.pk).update(site_notes=lacks, finish_reason="length")
    url = f"/api/v1/messages/{answer.uuid}/"

    def shown() -> list[str]:
        export = reverse("answers:export", args=[answer.conversation.uuid, "json"])
        found = [me.get(each).content.decode() for each in (page_of(answer.conversation), export)]
        return [lacks[0] in each for each in found] + [me.get(url).json()["site_notes"] == lacks]

    assert shown() == [False, False, False]
    person.is_staff = True
    person.save()
    assert shown() == [True, True, True]


def test_an_answer_names_its_reader_as_people_know_it(me, answer):
    Message.objects.filter(pk=answer.pk).update(reader="openai_compatible/Qwen/Qwen3-VL")
    page = me.get(page_of(answer.conversation)).content.decode()
    assert "Answered by Qwen/Qwen3-VL from 1 source" in page
    assert "openai_compatible" not in page


def test_a_library_is_offered_with_questions_to_begin_with(me, document):
    page = me.get(reverse("answers:chat")).content.decode()
    assert "What would you like to know?" in page
    assert "What is “Handbook” about?" in page


def test_a_link_chooses_what_to_ask(me, document, stranger):
    url = reverse("answers:chat")
    chosen = me.get(url, {"document": document.uuid}).context["scope"]
    assert (chosen.label, chosen.chosen_documents) == ("Handbook", (document,))
    chosen = me.get(url, {"collection": document.collection_id}).context["scope"]
    assert chosen.label == "Papers"
    for nonsense in (uuid4(), "x"):
        assert me.get(url, {"document": nonsense}).context["scope"].label == "All documents"
    document.collection.owner = stranger
    document.collection.save()
    assert me.get(url, {"document": document.uuid}).context["scope"].label == "All documents"


def test_titles_and_questions_are_text_not_markup(me, conversation, asked, document):
    evil = "<script>alert(1)</script>"
    Document.objects.update(title=evil)
    conversations.rename(conversation, title=evil)
    me.post(page_of(conversation), {"question": evil, "documents": [document.uuid]})
    page = me.get(page_of(conversation)).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_the_page_needs_no_inline_script_or_style(me, answer):
    page = me.get(page_of(answer.conversation)).content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page
    assert " onclick=" not in page


# --- Asking -------------------------------------------------------------------------------------


def test_asking_without_a_script_leads_to_the_conversation(me, asked, document):
    response = me.post(reverse("answers:chat"), {"question": " How much leave? "})
    conversation = Conversation.objects.get()
    question, answer = conversation.messages.all()
    assert response.headers["Location"] == f"{page_of(conversation)}#turn-{question.uuid}"
    assert asked == ["How much leave?"]
    assert (answer.state, conversation.title) == (MessageState.STREAMING, "How much leave?")
    page = me.get(page_of(conversation)).content.decode()
    assert '<meta http-equiv="refresh"' in page
    assert f'data-events="{reverse("answers:events", args=[answer.uuid])}"' in page
    assert f'formaction="{reverse("answers:stop", args=[answer.uuid])}"' in page


def test_asking_with_a_script_gives_the_turn_alone(me, asked, conversation):
    response = me.post(page_of(conversation), {"question": "Why?"}, headers=SCRIPT)
    assert response.status_code == 201
    page = response.content.decode()
    assert page.startswith('<section class="turn"')
    assert f'data-conversation="{page_of(conversation)}"' in page
    assert "data-events=" in page


@pytest.mark.parametrize("question", ["", "   ", "x" * 8001])
def test_no_question_no_conversation(me, asked, question):
    response = me.post(reverse("answers:chat"), {"question": question}, headers=SCRIPT)
    assert (response.status_code, response.headers["Content-Type"]) == (
        422,
        "text/plain; charset=utf-8",
    )
    assert not Conversation.objects.exists()
    response = me.post(reverse("answers:chat"), {"question": question})
    assert response.status_code == 422
    assert response.context["error"]
    assert response.context["question"] == question


def test_what_to_ask_is_remembered(me, asked, conversation, document):
    scope = {"documents": [document.uuid], "collections": [document.collection_id]}
    me.post(page_of(conversation), {"question": "Why?", **scope})
    assert me.get(page_of(conversation)).context["scope"].label == "Papers + 1"
    me.post(page_of(conversation), {"question": "Why else?"})
    assert me.get(page_of(conversation)).context["scope"].label == "All documents"


def test_nobody_asks_what_they_may_not_read(me, asked, conversation, document, stranger):
    document.collection.owner = stranger
    document.collection.save()
    for scope in ({"documents": document.uuid}, {"collections": document.collection_id}):
        response = me.post(page_of(conversation), {"question": "Why?", **scope}, headers=SCRIPT)
        assert response.status_code == 422
        assert "no longer there" in response.content.decode()
    assert asked == []


NO_REDIS = "redis://127.0.0.1:1/0"


def test_a_site_without_redis_says_so_and_keeps_the_question(me, settings, document):
    settings.REDIS_URL = NO_REDIS
    response = me.post(reverse("answers:chat"), {"question": "Why?"})
    assert response.status_code == 503
    assert response.context["error"] == events.UNREACHABLE
    assert response.context["question"] == "Why?"
    assert not Conversation.objects.exists()


def test_an_answer_that_cannot_be_begun_says_why(me, monkeypatch, redis_url, document):
    def hold(message_uuid):
        raise TransientError(events.UNREACHABLE)

    monkeypatch.setattr(pool, "hold", hold)
    response = me.post(reverse("answers:chat"), {"question": "Why?"})
    assert response.status_code == 503
    answer = Message.objects.get(role=Role.ASSISTANT)
    assert (answer.state, answer.error) == (MessageState.FAILED, events.UNREACHABLE)


def test_without_redis_an_answer_is_not_asked_for_again_and_can_be_deleted(me, answer, settings):
    settings.REDIS_URL = NO_REDIS
    for name in ("retry", "stop"):
        response = me.post(reverse(f"answers:{name}", args=[answer.uuid]), headers=SCRIPT)
        assert (response.status_code, response.content.decode()) == (503, events.UNREACHABLE)
    assert answer.question.answers.count() == 1
    Message.objects.filter(pk=answer.pk).update(state=MessageState.STREAMING)
    me.post(reverse("answers:delete", args=[answer.conversation.uuid]))
    assert not Conversation.objects.exists()


def test_a_refused_question_leaves_no_conversation(me, document, asked):
    for refused in (
        {"question": "Why?", "reader": "gone"},
        {"question": "Why?", "region": [f"{document.uuid},1,1,1,9,{n}" for n in range(5, 10)]},
    ):
        response = me.post(reverse("answers:chat"), refused, headers=SCRIPT)
        assert response.status_code == 422
    assert asked == []
    assert not Conversation.objects.exists()


def test_an_answer_can_be_asked_for_again(me, answer, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="Twenty-five [1].")])
    retry = reverse("answers:retry", args=[answer.uuid])
    response = me.post(retry, headers=SCRIPT)
    assert response.status_code == 201
    again = Message.objects.filter(role=Role.ASSISTANT).latest("pk")
    assert again.question == answer.question
    follow(me, again)
    page = me.get(page_of(answer.conversation)).content.decode()
    assert "Twenty-five" in page
    assert "They get 25 days" not in page


def test_an_edited_question_takes_the_place_of_one_that_stays(me, answer, asked):
    conversation = answer.conversation
    me.post(page_of(conversation), {"question": "And rules?", "follows": answer.uuid})
    follow_up = conversation.messages.get(content="And rules?")
    edit = reverse("answers:edit", args=[answer.question.uuid])
    response = me.post(edit, {"question": "How much sick leave?"}, headers=SCRIPT)
    assert response.status_code == 201
    assert f'maxlength="{QUESTION_LENGTH}"' in response.content.decode()
    assert asked == ["And rules?", "How much sick leave?"]
    page = me.get(page_of(conversation)).content.decode()
    assert "How much sick leave?" in page
    assert "And rules?" not in page
    assert "Question: version 2 of 2" in page
    conversation.refresh_from_db()
    assert conversation.title == "How much sick leave?"
    shown = me.post(reverse("answers:show", args=[answer.question.uuid]), headers=SCRIPT)
    assert "And rules?" in shown.content.decode()
    assert "Question: version 1 of 2" in shown.content.decode()
    turns = me.get(reverse("answers:turns", args=[conversation.uuid])).content.decode()
    assert "And rules?" in turns
    assert me.post(edit, {"question": ""}, headers=SCRIPT).status_code == 422
    back = me.post(reverse("answers:show", args=[follow_up.uuid]))
    assert back.headers["Location"] == f"{page_of(conversation)}#turn-{follow_up.uuid}"


def test_a_title_that_a_person_gave_outlives_an_edit(me, answer, asked):
    conversations.rename(answer.conversation, title="Leave")
    edit = reverse("answers:edit", args=[answer.question.uuid])
    assert "#turn-" in me.post(edit, {"question": "Sick leave?"}).headers["Location"]
    answer.conversation.refresh_from_db()
    assert answer.conversation.title == "Leave"


def test_a_question_follows_what_its_tab_shows(me, answer, asked):
    other = answering.answer_again(answer.question)
    me.post(page_of(answer.conversation), {"question": "Why?", "follows": answer.uuid})
    me.post(page_of(answer.conversation), {"question": "Why not?", "follows": other.uuid})
    me.post(page_of(answer.conversation), {"question": "So?"})
    follows = dict(answer.conversation.messages.values_list("content", "follows__uuid"))
    assert (follows["Why?"], follows["Why not?"]) == (answer.uuid, other.uuid)
    last = answer.conversation.messages.get(content="So?").follows
    assert last.question.content == "Why not?"


def test_an_answer_is_copied_with_its_sources(me, answer):
    page = me.get(page_of(answer.conversation)).content.decode()
    assert (
        'data-copy-text="They get 25 days of leave [1].\n\nSources:\n[1] Handbook, page 1a"' in page
    )


def test_stopping_keeps_what_was_said(me, answer, scripted):
    left = threading.Event()

    def script(prompt):
        yield ReaderDelta(text="Well, it depends")
        assert not left.wait(20)

    scripted.script = script
    running = answering.answer_again(answer.question)
    response = me.post(reverse("answers:stop", args=[running.uuid]), headers=SCRIPT)
    assert response.status_code == 204
    assert follow(me, running)[-1]["event"] == "stopped"
    left.set()
    running.refresh_from_db()
    assert running.state == MessageState.STOPPED
    page = me.get(page_of(answer.conversation)).content.decode()
    assert "You stopped this answer." in page


# --- Following ----------------------------------------------------------------------------------


def follow(client, answer: Message, **headers: str) -> list[dict]:
    """The frames of an answer, to its end, as a browser with this client's session gets them."""

    async def read() -> str:
        browser = AsyncClient()
        browser.cookies = client.cookies
        response = await browser.get(reverse("answers:events", args=[answer.uuid]), headers=headers)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        return b"".join([part async for part in response.streaming_content]).decode()

    frames = []
    for frame in async_to_sync(read)().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if line)
        if "event" in fields:
            frames.append({**fields, "data": json.loads(fields["data"])})
    return frames


def test_following_an_answer_from_the_start_to_the_end(me, answer):
    frames = follow(me, answer)
    kinds = [frame["event"] for frame in frames]
    assert kinds == ["stage", "stage", "evidence", "stage", "block", "done"]
    assert frames[2]["data"]["count"] == 3
    assert "Handbook" in frames[2]["data"]["html"]
    block = frames[4]["data"]
    assert (block["index"], block["count"]) == (0, 1)
    assert "They get 25 days of leave" in block["html"]


def test_the_end_is_what_the_page_shows_after_a_reload(me, answer):
    end = follow(me, answer)[-1]["data"]["html"]
    page = me.get(page_of(answer.conversation)).content.decode()
    start = page.index(f'<article class="answer" id="answer-{answer.uuid}"')
    shown = page[start : page.index("</article>", start)]

    def without_token(html: str) -> str:
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)

    assert without_token(end.strip()).startswith(without_token(shown))


def test_a_second_tab_follows_the_same_and_a_lost_connection_goes_on(me, answer):
    frames = follow(me, answer)
    assert [frame["id"] for frame in follow(me, answer)] == [frame["id"] for frame in frames]
    seen = frames[2]["id"]
    assert [frame["event"] for frame in follow(me, answer, **{"Last-Event-ID": seen})] == [
        "stage",
        "block",
        "done",
    ]


def test_a_long_finished_answer_ends_at_once(me, answer, monkeypatch):
    # Its events have expired: the database knows how it ended.
    Message.objects.filter(pk=answer.pk).update(uuid=uuid4())
    answer.refresh_from_db()
    frames = follow(me, answer)
    assert [frame["event"] for frame in frames] == ["done"]
    assert "They get 25 days" in frames[0]["data"]["html"]


def test_a_failed_answer_shows_the_sentence_the_evidence_and_a_way_on(me, answer, scripted):
    def script(prompt):
        raise TransientError("The model is overloaded.")
        yield

    scripted.script = script
    failed = answering.answer_again(answer.question)
    end = follow(me, failed)[-1]
    assert (end["event"], end["data"]["error"]) == ("failed", "The model is overloaded.")
    for expected in ("The model is overloaded.", "Try again", "Handbook", "Not answered"):
        assert expected in end["data"]["html"]


# --- Conversations ------------------------------------------------------------------------------


def test_a_conversation_is_its_owners_alone(me, answer, stranger):
    Conversation.objects.update(owner=stranger)
    conversation, citation = answer.conversation, answer.citations.get(number=2)
    addresses = [
        page_of(conversation),
        *(
            reverse(f"answers:{name}", args=[conversation.uuid])
            for name in ("rename", "delete", "turns")
        ),
        reverse("answers:events", args=[answer.uuid]),
        *(
            reverse(f"answers:{name}", args=[citation.pk])
            for name in ("evidence", "crop", "page_image")
        ),
    ]
    for url in addresses:
        assert me.get(url).status_code == 404, url
    for url in (
        *addresses[:3],
        *(reverse(f"answers:{name}", args=[answer.uuid]) for name in ("stop", "retry", "show")),
        reverse("answers:pin", args=[conversation.uuid]),
        reverse("answers:edit", args=[answer.question.uuid]),
    ):
        assert me.post(url, {"question": "Why?", "title": "Mine"}).status_code == 404, url
    assert Message.objects.count() == 2
    assert "How much leave?" not in me.get(reverse("answers:chat")).content.decode()


def test_conversations_are_found_by_title_and_by_what_was_said(me, answer, person):
    Conversation.objects.create(owner=person, title="Taxis abroad")
    url = reverse("answers:conversations")

    def found(words: str) -> list[str]:
        groups = me.get(url, {"find": words}, headers=SCRIPT).context["groups"]
        return [str(one) for group in groups for one in group.conversations]

    assert found("") == ["Taxis abroad", "How much leave?"]
    assert found("taxis") == ["Taxis abroad"]
    Message.objects.create(
        conversation=Conversation.objects.get(title="Taxis abroad"), content="Über 100 % der Kosten"
    )
    assert found("ÜBER 100 %") == found("über 100 %") == ["Taxis abroad"]
    assert found("über_100") == []
    assert found("25 days of leave") == ["How much leave?"]
    assert found("trains") == []


def test_pinned_conversations_stay_on_top(me, person, conversation):
    Conversation.objects.create(owner=person, title="Newer")
    pin = reverse("answers:pin", args=[conversation.uuid])
    listed = me.post(pin, {"pinned": "1"}, headers=SCRIPT)
    groups = {group.label: group.conversations for group in listed.context["groups"]}
    assert list(groups) == ["Pinned", "Today"]
    assert groups["Pinned"] == (conversation,)
    assert "Unpin" in listed.content.decode()
    assert me.post(pin, {"pinned": "0"}).headers["Location"] == page_of(conversation)
    conversation.refresh_from_db()
    assert not conversation.is_pinned


def test_the_list_shows_which_conversation_is_open(me, conversation):
    current = {"HX-Current-URL": f"http://testserver{page_of(conversation)}?q=1", **SCRIPT}
    url = reverse("answers:conversations")
    assert 'aria-current="page"' in me.get(url, headers=current).content.decode()
    assert 'aria-current="page"' not in me.get(url, headers=SCRIPT).content.decode()


def test_renaming(me, conversation):
    before = Conversation.objects.get().updated_at
    url = reverse("answers:rename", args=[conversation.uuid])
    assert "Rename the conversation" in me.get(url, headers=SCRIPT).content.decode()
    assert me.post(url, {"title": " "}, headers=SCRIPT).headers["HX-Retarget"] == "#dialog-body"
    current = {"HX-Current-URL": f"http://testserver{page_of(conversation)}", **SCRIPT}
    response = me.post(url, {"title": " Leave \n rules "}, headers=current)
    assert "dialog:close" in response.headers["HX-Trigger"]
    page = response.content.decode()
    assert page.count("Leave rules") >= 2
    assert 'id="chat-title"' in page
    assert "<title>Leave rules · Chat · Pagewise</title>" in page
    assert me.post(url, {"title": "Again"}).headers["Location"] == page_of(conversation)
    conversation.refresh_from_db()
    assert (conversation.title, conversation.updated_at) == ("Again", before)


def test_deleting(me, person):
    def new() -> tuple[Conversation, str]:
        one = Conversation.objects.create(owner=person)
        return one, reverse("answers:delete", args=[one.uuid])

    one, url = new()
    assert "Delete this conversation?" in me.get(url).content.decode()
    assert Conversation.objects.exists()
    assert me.post(url).headers["Location"] == reverse("answers:chat")
    one, url = new()
    response = me.post(url, headers=SCRIPT)
    assert (response.content, "dialog:close" in response.headers["HX-Trigger"]) == (b"", True)
    one, url = new()
    current = {"HX-Current-URL": f"http://testserver{page_of(one)}", **SCRIPT}
    assert me.post(url, headers=current).headers["HX-Redirect"] == reverse("answers:chat")
    assert not Conversation.objects.exists()


def test_deleting_stops_what_is_being_written(me, answer):
    Message.objects.filter(pk=answer.pk).update(state=MessageState.STREAMING)
    me.post(reverse("answers:delete", args=[answer.conversation.uuid]))
    assert events.stop_requested(answer.uuid)


def test_documents_are_found_to_choose_from(me, document, stranger):
    url = reverse("answers:scope_documents")
    assert "Handbook" in me.get(url, {"title": "hand"}).content.decode()
    assert "No document" in me.get(url, {"title": "hand foot"}).content.decode()
    chosen = me.get(url, {"title": "hand", "documents": [document.uuid, "x"]})
    assert "Handbook" not in chosen.content.decode()
    Collection.objects.update(owner=stranger)
    assert "Handbook" not in me.get(url, {"title": "hand"}).content.decode()


# --- Evidence -----------------------------------------------------------------------------------


def evidence_of(client, answer: Message, number: int, **headers: str):
    citation = answer.citations.get(number=number)
    return client.get(reverse("answers:evidence", args=[citation.pk]), headers=headers)


def test_a_source_opens_its_page_with_the_evidence_boxed(me, answer, document):
    panel = evidence_of(me, answer, 1, **SCRIPT)
    page = panel.content.decode()
    assert "HX-Request" in panel.headers["Vary"]
    assert "<html" not in page
    assert 'viewBox="0 0 612.0 792.0"' in page
    assert '<rect x="50" y="140" width="350" height="15"' in page
    assert "<mark>Employees get 25 days of leave per year.</mark>" in page
    assert "Page 1a" in page
    assert f"{document.get_absolute_url()}?page=1&amp;box=1%2C50%2C140%2C400%2C155" in page
    assert "Why this source" in page
    assert "<html" in evidence_of(me, answer, 1).content.decode()


def test_sources_lead_to_one_another_the_cited_ones_first(me, answer):
    steps = [
        [
            source.number if source else None
            for source in (evidence.context["previous"], evidence.context["next"])
        ]
        for evidence in (evidence_of(me, answer, number) for number in (1, 2, 3))
    ]
    assert steps == [[None, 2], [1, 3], [2, None]]
    assert "not used in the answer" in evidence_of(me, answer, 2).content.decode()


def test_a_table_is_shown_as_a_table(me, answer):
    page = evidence_of(me, answer, 2, **SCRIPT).content.decode()
    assert re.search("<th[^>]*>Profit</th>", page)
    assert "Profit by year" in page


def test_images_are_private_and_nothing_but_images(me, answer):
    citation = answer.citations.get(number=2)
    for name in ("crop", "page_image"):
        response = me.get(reverse(f"answers:{name}", args=[citation.pk]))
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in response.headers["Cache-Control"]
        assert response.content[:3] == b"\xff\xd8\xff"
    text = answer.citations.get(number=1)
    assert me.get(reverse("answers:crop", args=[text.pk])).status_code == 404
    Citation.objects.update(crop="evidence/page.html")
    assert me.get(reverse("answers:crop", args=[citation.pk])).status_code == 404


def test_a_removed_source_still_shows_what_was_kept(me, answer, document):
    document.delete()
    page = evidence_of(me, answer, 1).content.decode()
    assert "Source removed." in page
    assert "Employees get 25 days" in page
    assert "Open document" not in page
    assert "Source removed" in me.get(page_of(answer.conversation)).content.decode()


def test_a_source_one_may_no_longer_read_hides_what_it_says(me, answer, stranger):
    Collection.objects.update(owner=stranger)
    page = evidence_of(me, answer, 1).content.decode()
    assert "You may no longer read this source." in page
    assert PAGE_TEXT[:20] not in page
    for name in ("crop", "page_image"):
        citation = answer.citations.get(number=2)
        assert me.get(reverse(f"answers:{name}", args=[citation.pk])).status_code == 404
