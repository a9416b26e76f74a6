"""The chat as a person uses it: a real browser, a real server, a reader that a test scripts."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from playwright.sync_api import Browser, Locator, Page, Route, expect

from answers import conversations, events
from answers.models import Conversation, Feedback, Message, MessageState
from answers.readers import ReaderDelta
from ingestion.errors import TransientError
from ingestion.models import Document, DocumentState
from ingestion.models import Page as DocumentPage
from tests.answers.conftest import jpeg

pytestmark = [
    # What the page does; that both databases carry it is shown by tests/browser.
    pytest.mark.once,
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches"),
]

Result = TypeVar("Result")

STEP_MS = 30_000
LONG = "\n\n".join(f"Rule {number}: be kind to everybody you meet [1]." for number in range(60))


def stored(query: Callable[[], Result]) -> Result:
    """Use the database in a thread: Playwright's event loop counts as running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(query).result()


class Script:
    """What the reader says, held back until the test lets it go on."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.steps = threading.Semaphore(0)
        self.free = False

    def __call__(self, prompt) -> Iterator[ReaderDelta]:
        for piece in self.pieces:
            if not self.free:
                assert self.steps.acquire(timeout=30), "the test forgot the reader"
            yield ReaderDelta(text=piece)

    def step(self, count: int = 1) -> None:
        self.steps.release(count)

    def finish(self) -> None:
        self.free = True
        self.steps.release(len(self.pieces))


@pytest.fixture
def says(scripted):
    """Let the reader say these pieces, one for each step that the test allows."""
    scripts: list[Script] = []

    def script(*pieces: str) -> Script:
        scripts.append(Script(*pieces))
        scripted.script = scripts[-1]
        return scripts[-1]

    yield script
    for each in scripts:
        each.finish()


@pytest.fixture
def address(document) -> Iterator[str]:
    """A web server of this process, so that tests can script what is behind it."""
    application = ASGIStaticFilesHandler(get_asgi_application())
    config = uvicorn.Config(
        application, port=0, lifespan="off", log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def open_page(address, client, person, chromium: Browser):
    """Open pages of one signed-in browser profile; they must log no errors."""
    stored(lambda: client.force_login(person))
    contexts, problems = [], []

    def open_page(path: str = "/chat/", **options) -> Page:
        context = chromium.new_context(
            **{"base_url": address, "viewport": {"width": 1280, "height": 800}, **options},
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(STEP_MS)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(path)
        return page

    open_page.problems = problems  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def ask(page: Page, question: str = "How much leave?") -> Locator:
    """Ask, and return the answer that is being written."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").last
    expect(turn).to_contain_text(question)
    return turn.locator(".answer")


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition of the page; its CSP forbids Playwright's own way of doing so."""
    deadline = time.monotonic() + STEP_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def test_an_answer_streams_without_moving_what_is_read(open_page, says):
    script = says("They get 25", " **days** of leave [1].\n\n", "| a | b |\n|--|--|\n| 1 | 2 |\n")
    page = open_page()
    page.evaluate(
        """() => {
          window.shifts = [];
          const note = (list) => list.getEntries().forEach((e) => window.shifts.push(e.value));
          new PerformanceObserver(note).observe({ type: "layout-shift" });
        }"""
    )
    answer = ask(page)
    expect(answer.locator(".source").first).to_contain_text("Handbook")
    script.step()
    text = answer.locator("[data-text]")
    expect(text).to_have_text("They get 25")
    expect(answer).to_have_attribute("aria-busy", "true")
    announcer = page.locator("#announcer")
    expect(announcer).to_be_empty()
    before = text.locator("p").first.bounding_box()
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    expect(answer.locator("td").first).to_have_text("1")
    after = text.locator("p").first.bounding_box()
    assert before
    assert after
    assert (before["x"], before["y"]) == (after["x"], after["y"])
    assert sum(page.evaluate("window.shifts")) < 0.01
    expect(announcer).to_contain_text("They get 25 days of leave")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_the_first_question_makes_a_conversation(open_page, says):
    says("Yes [1].").finish()
    page = open_page()
    answer = ask(page, "Is there leave?")
    expect(answer).to_have_attribute("data-state", "done")
    expect(page).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}/$"))
    expect(page).to_have_title(re.compile("^Is there leave"))
    expect(page.locator(".conversation-item [aria-current=page]")).to_have_text("Is there leave?")
    says("Twelve [1].").finish()
    ask(page, "How many rules?")
    expect(page.locator(".answer[data-state=done]")).to_have_count(2)
    assert stored(Conversation.objects.count) == 1
    page.go_back()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()


def test_what_the_stream_drew_is_what_a_reload_shows(open_page, says):
    script = says("One [1].\n\nTwo", " **bold** [2]\n\n- a\n- b", " [1]\n\n```\nx = 1\n```\nEnd.")
    page = open_page()
    answer = ask(page)
    for _ in range(2):
        script.step()
    expect(answer.locator("[data-text]")).to_contain_text("b")
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    # The token differs at every request, and so do the blanks between parts put in one by one.
    html = r"""e => e.innerHTML.replace(/value="[^"]*"/g, "")
      .replace(/\s+/g, " ").replaceAll("> <", "><").trim()"""
    streamed = answer.evaluate(html)
    page.reload()
    assert page.locator(".answer").evaluate(html) == streamed


def test_what_is_not_from_the_documents_is_marked_as_soon_as_it_is_there(open_page, scripted):
    scripted.script = lambda prompt: iter(
        [ReaderDelta(text="In Paris."), ReaderDelta(grounded=False)]
    )
    page = open_page()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "done")
    expect(answer).to_contain_text("not from your documents")
    expect(answer).to_have_attribute("data-ungrounded", "")


def test_going_to_the_content_loses_nothing(open_page):
    page = open_page()
    picture = {"name": "square.jpg", "mimeType": "image/jpeg", "buffer": jpeg(60, 60)}
    page.get_by_label("Attach a picture").set_input_files([picture])
    page.get_by_role("link", name="Skip to the content").press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.go_back()
    # A page that is loaded again begins without it.
    page.wait_for_load_state("load")
    expect(page.get_by_role("list", name="Attached to the question")).to_contain_text("square.jpg")


def test_a_reload_in_the_middle_and_a_second_tab_follow_the_same_answer(open_page, says):
    script = says("First, ", "second, ", "third [1].")
    page = open_page()
    answer = ask(page)
    script.step()
    expect(answer).to_contain_text("First,")
    page.reload()
    expect(page.locator(".answer")).to_contain_text("First,")
    other = open_page(page.url)
    expect(other.locator(".answer")).to_contain_text("First,")
    script.finish()
    for tab in (page, other):
        expect(tab.locator(".answer")).to_have_attribute("data-state", "done")
        expect(tab.locator("[data-text]")).to_contain_text("First, second, third 1.")


def test_a_lost_connection_resumes(open_page, says, monkeypatch):
    follow, resumed = events.follow, []

    async def breaking(message_uuid, *, after):
        """Lose every connection after some events, as soon as text has come."""
        resumed.append(after)
        count = 0
        async for event in follow(message_uuid, after=after):
            yield event
            count += 1
            if event.kind == "delta" and count > 4 * len(resumed) and len(resumed) < 4:
                raise TransientError("The connection broke.")

    monkeypatch.setattr(events, "follow", breaking)
    words = [f"word{number} " for number in range(12)]
    script = says(*words)
    page = open_page()
    answer = ask(page)
    for word in words:
        script.step()
        expect(answer.locator("[data-text]")).to_contain_text(word.strip())
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    expect(answer.locator("[data-text]")).to_have_text(re.compile(f"^{''.join(words).strip()}"))
    assert answer.locator("[data-text]").inner_text().count("word11") == 1
    assert len(resumed) > 1


def test_stop_keeps_what_was_said(open_page, says):
    script = says("It depends ", "on many things.")
    page = open_page()
    answer = ask(page)
    script.step()
    expect(answer).to_contain_text("It depends")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Stop answering").click()
    expect(answer).to_have_attribute("data-state", "stopped")
    expect(answer).to_contain_text("You stopped this answer.")
    expect(answer).to_contain_text("It depends")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    answers = Message.objects.filter(role="assistant").values_list("state", flat=True)
    assert stored(lambda: list(answers)) == [MessageState.STOPPED]


def test_a_failed_answer_can_be_tried_again(open_page, scripted, says):
    def broken(prompt):
        raise TransientError("The model is overloaded.")
        yield

    scripted.script = broken
    page = open_page()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "failed")
    expect(answer).to_contain_text("The model is overloaded.")
    expect(answer.locator(".source").first).to_contain_text("Handbook")
    says("Better now [1].").finish()
    answer.get_by_role("button", name="Try again").click()
    expect(answer).to_have_attribute("data-state", "done")
    expect(answer).to_contain_text("Better now")
    expect(page.locator(".turn")).to_have_count(1)


def test_another_answer_and_an_edited_question_are_versions_to_leaf_through(open_page, says):
    says("Twenty-five [1].").finish()
    page = open_page()
    expect(ask(page, "How much leave?")).to_have_attribute("data-state", "done")
    says("Three rules [1].").finish()
    expect(ask(page, "How many rules?")).to_have_attribute("data-state", "done")
    # Tabs of one browser tell each other what they did.
    other = page.context.new_page()
    other.goto(page.url)
    says("25 days [1].").finish()
    first, second = page.locator(".turn").nth(0), page.locator(".turn").nth(1)
    first.get_by_role("button", name="Answer again").click()
    expect(first.locator("[data-text]")).to_contain_text("25 days 1.")
    expect(second).to_have_count(0)
    answers = first.get_by_role("group", name="Answer: version 2 of 2")
    answers.get_by_role("button", name="Version before").click()
    expect(first.locator("[data-text]")).to_contain_text("Twenty-five 1.")
    expect(second).to_contain_text("How many rules?")
    expect(first.get_by_role("button", name="Next version").last).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Answer: version 1 of 2")
    says("Twelve [1].").finish()
    second.hover()
    second.locator("summary", has_text="Edit").click()
    field = second.get_by_label("The question, edited")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    second.locator("summary", has_text="Edit").click()
    field.fill("How many rules are there?")
    page.keyboard.press("Enter")
    expect(second.locator("[data-text]")).to_contain_text("Twelve 1.")
    expect(second.get_by_role("group", name="Question: version 2 of 2")).to_be_visible()
    # The other tab has followed, and a reload shows the same.
    expect(other.locator(".turn").nth(1)).to_contain_text("How many rules are there?")
    page.reload()
    expect(page.locator(".turn").nth(1)).to_contain_text("How many rules are there?")


def test_a_citation_opens_its_page_with_the_evidence_boxed(open_page, says):
    says("Employees get 25 days of leave per year [1], see the table [2].").finish()
    page = open_page()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "done")
    mark = answer.get_by_role("button", name="Source 1")
    mark.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Evidence")
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("Page 1a")
    expect(panel.locator("mark")).to_have_text("Employees get 25 days of leave per year.")
    image, box = panel.locator("[data-page-sheet] img"), panel.locator("rect")
    expect(image).to_have_js_property("complete", True)
    # The boxed lines fill the view's width at once.
    view = panel.locator(".page-view-scroll").bounding_box()
    filled = box.bounding_box()
    assert view
    assert filled
    assert 0.9 * view["width"] < filled["width"] <= view["width"]
    panel.get_by_role("button", name="Fit the page").click()
    expect(panel.locator("[data-page-sheet]")).to_have_attribute("style", "width: 100%;")
    # Both at the same moment: the panel takes its width little by little.
    page.wait_for_function(
        """() => {
            const [sheet, drawn] = ["img", "rect"].map((name) =>
                document.querySelector(`[data-page-sheet] ${name}`).getBoundingClientRect());
            const scale = sheet.width / 612;
            return [
                drawn.x - sheet.x - 50 * scale,
                drawn.y - sheet.y - 140 * scale,
                (drawn.width - 350 * scale) / 2,
            ].every((distance) => Math.abs(distance) < 2);
        }"""
    )
    panel.get_by_role("button", name="Zoom in").click()
    expect(panel.locator("[data-page-sheet]")).to_have_attribute("style", "width: 150%;")
    page.wait_for_function(
        """() => {
            const image = document.querySelector("[data-page-sheet] img");
            const view = document.querySelector(".page-view-scroll");
            return Math.abs(image.getBoundingClientRect().width / view.clientWidth - 1.5) < 0.1;
        }"""
    )
    panel.get_by_role("link", name="Next source").click()
    expect(panel).to_contain_text("Profit by year")
    expect(panel.get_by_role("link", name="Next source")).to_be_focused()
    panel.get_by_text("Why this source").click()
    expect(panel.get_by_role("row", name=re.compile("Text"))).to_contain_text("2")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(mark).to_be_focused()
    answer.get_by_role("link", name=re.compile("Profit by year")).click()
    expect(panel).to_contain_text("Page 1a")


def test_a_source_opened_before_the_answer_is_there_shows_what_it_uses_then(open_page, says):
    script = says("Employees get 25 days", " of leave per year [1].")
    page = open_page()
    answer = ask(page)
    script.step()
    expect(answer).to_contain_text("25 days")
    last = answer.locator("a[data-number]").last
    answer.locator("a[data-number]").first.click()
    panel = page.get_by_role("complementary", name="Evidence")
    expect(panel).to_contain_text("Page 1a")
    last.hover()
    question = page.get_by_label("Your question")
    question.focus()
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    expect(panel.locator("mark")).to_have_text("Employees get 25 days of leave per year.")
    expect(question).to_be_focused()
    last.click()
    expect(panel).to_contain_text("not used in the answer")


def test_only_who_is_at_the_end_is_kept_there(open_page, says):
    script = says(LONG, LONG, LONG)
    page = open_page()
    answer = ask(page)
    script.step()
    expect(answer).to_contain_text("Rule 59")
    end = """() => {
      const s = document.getElementById("scroller");
      return Math.round(s.scrollHeight - s.scrollTop - s.clientHeight);
    }"""
    assert page.evaluate(end) <= 1
    page.locator("#scroller").hover()
    page.mouse.wheel(0, -600)
    expect(page.get_by_role("button", name="Go to the latest")).to_be_visible()
    top = page.evaluate("document.getElementById('scroller').scrollTop")
    script.step()
    expect(answer.locator("p", has_text="Rule 59")).to_have_count(2)
    assert page.evaluate("document.getElementById('scroller').scrollTop") == top
    page.get_by_role("button", name="Go to the latest").click()
    wait_until(page, f"({end})() <= 1")
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    wait_until(page, f"({end})() <= 1")


def test_what_to_ask_is_chosen_and_remembered(open_page, says, searches, document):
    says("Yes [1].").finish()
    page = open_page()
    page.get_by_label(re.compile("What to ask: All documents")).click()
    page.get_by_placeholder("Find a document").fill("hand")
    page.locator("#scope-found").get_by_label("Handbook").check()
    expect(page.locator("[data-scope-label]")).to_have_text("Handbook")
    page.keyboard.press("Escape")
    expect(ask(page)).to_have_attribute("data-state", "done")
    assert stored(lambda: list(Conversation.objects.get().documents.all())) == [document]
    page.reload()
    expect(page.locator("[data-scope-label]")).to_have_text("Handbook")


def test_conversations_are_renamed_searched_and_deleted(open_page, says, person):
    create = Conversation.objects.create
    conversation = stored(lambda: create(owner=person, title="Old name"))
    stored(lambda: create(owner=person, title="Something else"))
    page = open_page(f"/chat/{conversation.uuid}/")
    item = page.locator(f"#conversation-{conversation.uuid}")
    item.hover()
    item.get_by_label("More for “Old name”").click()
    item.get_by_role("link", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("New name")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog).to_be_hidden()
    expect(item).to_contain_text("New name")
    expect(page).to_have_title("New name · Chat · Pagewise")
    expect(item.get_by_label("More for “New name”")).to_be_focused()
    page.get_by_label("Search conversations").fill("new")
    expect(page.locator(".conversation-item")).to_have_count(1)
    item.hover()
    item.get_by_label("More for “New name”").click()
    item.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/chat/")
    expect(page.locator(".conversation-item")).to_have_count(1)


def test_pinned_and_exported_from_the_list(open_page, says, person):
    create = Conversation.objects.create
    conversation = stored(lambda: create(owner=person, title="Kept"))
    stored(lambda: create(owner=person, title="Something else"))
    page = open_page(f"/chat/{conversation.uuid}/")
    item = page.locator(f"#conversation-{conversation.uuid}")
    item.hover()
    item.get_by_label("More for “Kept”").click()
    item.get_by_role("button", name="Pin").click()
    expect(
        page.get_by_role("region", name="Pinned").get_by_role("link", name="Kept")
    ).to_be_visible()
    expect(item.get_by_label("More for “Kept”")).to_be_focused()
    item.hover()
    item.get_by_label("More for “Kept”").click()
    with page.expect_download() as download:
        item.get_by_role("link", name="Save as PDF").click()
    assert download.value.suggested_filename == "Kept.pdf"


def test_the_keyboard_is_enough(open_page, says, person):
    says("Employees get 25 days of leave per year [1], see the table [2].").finish()
    page = open_page()
    expect(ask(page)).to_have_attribute("data-state", "done")
    question = page.get_by_label("Your question")
    question.press("ArrowUp")
    expect(page.get_by_label("The question, edited")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    panel = page.get_by_role("complementary", name="Evidence")
    expect(panel).to_contain_text("1 of 3")
    page.keyboard.press("j")
    expect(panel).to_contain_text("2 of 3")
    page.keyboard.press("k")
    expect(panel).to_contain_text("1 of 3")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Next and previous source")
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(panel).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search conversations")).to_be_focused()
    page.keyboard.press("Control+Shift+O")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(question).to_be_focused()
    page.keyboard.type("?/jk")
    expect(question).to_have_value("?/jk")


def test_thumbs_are_given_with_a_reason(open_page, says):
    says("Twenty-five [1].").finish()
    page = open_page()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "done")
    answer.get_by_role("button", name="Bad answer").click()
    why = answer.get_by_role("radio", name="Something is missing")
    expect(answer.get_by_role("radio").first).to_be_focused()
    frame = page.locator(".chat").evaluate(
        "box => [box.scrollTop, box.scrollHeight - box.clientHeight]"
    )
    assert frame == [0, 0]
    why.check(force=True)
    answer.get_by_label("In your own words").fill("And Peru?")
    answer.get_by_role("button", name="Send").click()
    expect(answer).to_contain_text("Something is missing")
    page.reload()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    given = stored(lambda: Feedback.objects.get())
    assert (given.verdict, given.reason, given.comment) == ("bad", "incomplete", "And Peru?")


def test_pictures_go_with_a_question(open_page, says, scripted):
    says("A square [1].").finish()
    page = open_page()
    picture = {"name": "square.jpg", "mimeType": "image/jpeg", "buffer": jpeg(60, 60)}
    page.get_by_label("Attach a picture").set_input_files([picture])
    page.get_by_label("Attach a picture").set_input_files([{**picture, "name": "other.jpg"}])
    carried = page.get_by_role("list", name="Attached to the question")
    expect(carried.locator("img")).to_have_count(2)
    page.get_by_role("button", name="Take “square.jpg” off").click()
    expect(carried.locator("img")).to_have_count(1)
    answer = ask(page, "What is this?")
    expect(answer).to_have_attribute("data-state", "done")
    expect(carried.locator("img")).to_have_count(0)
    shown = page.get_by_role("link", name="Attached picture").locator("img")
    expect(shown).to_have_js_property("naturalWidth", 60)
    assert len(scripted.prompts[-1].attached) == 1
    # What is pasted is taken too; what is no picture is not.
    page.get_by_label("Your question").evaluate(
        """(field) => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "shot.png", { type: "image/png" }));
          field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
          const text = new DataTransfer();
          text.items.add(new File(["x"], "a.txt", { type: "text/plain" }));
          const main = document.querySelector(".chat-main");
          main.dispatchEvent(new DragEvent("drop", { dataTransfer: text, bubbles: true }));
        }"""
    )
    expect(carried).to_contain_text("shot.png")
    expect(page.get_by_text("“a.txt” is no picture")).to_be_visible()


def test_what_the_server_refuses_is_put_back(open_page, says):
    page = open_page()
    page.route("**/chat/", lambda route: route.fulfill(status=200, body=""))
    picture = {"name": "square.jpg", "mimeType": "image/jpeg", "buffer": jpeg(60, 60)}
    page.get_by_label("Attach a picture").set_input_files([picture])
    page.get_by_label("Your question").fill("What is this?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("list", name="Attached to the question")).to_contain_text("square.jpg")
    expect(page.get_by_label("Your question")).to_have_value("What is this?")
    expect(page.locator(".turn")).to_have_count(0)


def test_a_question_on_its_way_is_left_in_its_place(open_page, says):
    says("Twenty-five [1].").finish()
    page = open_page()
    expect(ask(page)).to_have_attribute("data-state", "done")
    says("Twelve [1].").finish()
    held: list[Route] = []
    page.route(page.url, lambda route: held.append(route))
    second = ask(page, "How many rules?")
    page.get_by_role("button", name="Answer again").click()
    expect(page.get_by_text("Your question is being sent.")).to_be_visible()
    # As when this tab is looked at again: what it would ask for then is there after this.
    page.evaluate(
        """async () => {
          document.dispatchEvent(new Event("visibilitychange"));
          await (await fetch(document.getElementById("chat").dataset.turns)).text();
        }"""
    )
    expect(page.locator(".turn")).to_have_count(2)
    held[0].continue_()
    expect(second).to_have_attribute("data-state", "done")
    expect(second).to_contain_text("Twelve")
    assert len(held) == 1
    assert stored(Message.objects.filter(role="assistant").count) == 2


def test_after_an_answer_that_was_lost_the_next_one_is_followed(open_page, says):
    says("Twenty-five [1].").finish()
    page = open_page()
    page.route("**/events", lambda route: route.fulfill(status=204))
    ask(page)
    expect(page.get_by_text("can no longer be followed here")).to_be_visible()
    page.unroute("**/events")
    says("Twelve [1].").finish()
    answer = ask(page, "How many rules?")
    expect(answer).to_have_attribute("data-state", "done")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    expect(page.locator(".answer").first).to_have_attribute("data-state", "streaming")


def test_a_place_drawn_on_a_page_is_asked_about(open_page, says, scripted, document):
    says("They get 25 days [1].").finish()
    page = open_page(document.get_absolute_url())
    page.get_by_role("button", name="Ask about a place").click()
    sheet = page.locator("#page-1 .paper")
    expect(sheet.locator("img")).to_have_js_property("complete", True)
    frame = sheet.bounding_box()
    assert frame
    # The test's page images have other proportions than its pages.
    across, down = frame["width"] / 612, frame["height"] / 792
    page.mouse.move(frame["x"] + 40 * across, frame["y"] + 135 * down)
    page.mouse.down()
    page.mouse.move(frame["x"] + 450 * across, frame["y"] + 160 * down, steps=4)
    page.mouse.up()
    about = page.get_by_role("link", name="Ask about this")
    expect(about).to_be_focused()
    about.click()
    page.wait_for_load_state("load")
    expect(page.locator("#attached")).to_contain_text("Handbook, page 1a")
    expect(page.locator("[data-scope-label]")).to_have_text("Handbook")
    answer = ask(page, "What does this say?")
    expect(answer).to_have_attribute("data-state", "done")
    first = scripted.prompts[-1].evidence[0]
    assert first.text == "Employees get 25 days of leave per year."
    place = page.get_by_role("link", name="The place that the question is about")
    assert "box=1,40" in (place.get_attribute("href") or "")
    answer.locator(".citation").first.click()
    panel = page.get_by_role("complementary", name="Evidence")
    expect(panel).to_contain_text("The place that you asked about.")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_place_is_chosen_by_keyboard(open_page, document, key):
    page = open_page(document.get_absolute_url())
    page.get_by_role("button", name="Ask about a place").focus()
    page.keyboard.press(key)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The whole page")
    dialog.get_by_role("radio").nth(1).check()
    dialog.get_by_role("button", name="Ask about this").click()
    expect(page.locator("#attached")).to_contain_text("Handbook, page 1a")


def test_a_page_that_could_not_be_fetched_is_asked_for_again(open_page, document):
    first = stored(lambda: document.pages.get(number=1))
    far = [
        DocumentPage(document=document, number=number, width=612, height=792, image=first.image)
        for number in range(3, 8)
    ]
    stored(lambda: DocumentPage.objects.bulk_create(far))
    page = open_page(document.get_absolute_url())
    asked: list[str] = []

    def lose_the_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route("**/pages/7/sheet?*", lose_the_first)
    page.locator("#page-7").scroll_into_view_if_needed()
    expect(page.locator("#page-7 img")).to_be_visible()
    assert len(asked) == 2


def test_what_is_typed_beside_a_document_survives_that_it_becomes_ready(open_page, document):
    def become(state: DocumentState) -> None:
        Document.objects.filter(pk=document.pk).update(state=state)

    stored(lambda: become(DocumentState.PARSING))
    page = open_page(f"{document.get_absolute_url()}?panel=about")
    page.get_by_label("Tags").fill("audit")
    page.get_by_role("heading", name="Handbook").click()
    stored(lambda: become(DocumentState.READY))
    again = page.get_by_role("link", name="Reload")
    expect(again).to_be_visible()
    expect(page.get_by_label("Tags")).to_have_value("audit")
    again.click()
    expect(again).to_have_count(0)
    expect(page.get_by_label("Tags")).to_have_value("")


def test_a_text_is_copied_without_the_clipboard_too(open_page, says):
    says("Twenty-five [1].").finish()
    page = open_page()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "done")
    # As on a site that is reached without TLS.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    copy = answer.get_by_role("button", name="Copy")
    copy.click()
    copied = page.locator(".toast", has_text="Copied, with its sources.")
    expect(copied).to_be_visible()
    expect(copy).to_be_focused()
    # Nor does it lie over what asks the next question.
    composer, toast = page.locator("#composer").bounding_box(), copied.bounding_box()
    assert composer
    assert toast
    assert toast["y"] + toast["height"] < composer["y"]


def test_on_a_phone_lists_and_evidence_lie_over_the_chat(open_page, says, person):
    stored(lambda: Conversation.objects.create(owner=person, title="Earlier"))
    says("Employees get 25 days of leave per year [1].").finish()
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    earlier = page.get_by_role("link", name="Earlier")
    expect(earlier).to_be_hidden()
    page.get_by_role("button", name="Conversations").tap()
    expect(earlier).to_be_visible()
    page.keyboard.press("Escape")
    expect(earlier).to_be_hidden()
    answer = ask(page)
    expect(answer).to_have_attribute("data-state", "done")
    answer.locator(".citation").first.tap()
    panel = page.locator("#evidence")
    expect(panel.locator("rect")).to_be_visible()
    expect(page.locator(".chat-main")).to_have_js_property("inert", True)
    shown = page.url
    page.locator("#evidence-backdrop").tap(position={"x": 100, "y": 20})
    expect(panel).to_be_hidden()
    answer.locator(".citation").first.tap()
    expect(panel.locator("rect")).to_be_visible()
    page.go_back()
    expect(panel).to_be_hidden()
    assert page.url == shown
    expect(page.locator(".chat-main")).to_have_js_property("inert", False)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_without_a_script_a_question_is_answered_too(open_page, says):
    script = says("Twenty-five [1].")
    page = open_page(java_script_enabled=False)
    page.get_by_label("Your question").fill("How much leave?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".answer")).to_have_attribute("data-state", "streaming")
    script.finish()
    # The page comes again by itself.
    expect(page.locator(".answer")).to_have_attribute("data-state", "done")
    page.get_by_role("link", name=re.compile("Handbook")).first.click()
    expect(page.locator(".evidence")).to_contain_text("Page 1a")
    expect(page.locator("rect").first).to_be_visible()


def test_what_a_signed_out_person_typed_is_kept(stranger, open_page, says, client, person, address):
    page = open_page()
    stored(client.logout)
    page.get_by_label("Your question").fill("How much leave?")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/login/\?next=/chat/"))
    # Who signs in again finds it where it was; another person does not.
    session = stored(lambda: signed_in(client, person))
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page.goto("/chat/")
    expect(page.get_by_label("Your question")).to_have_value("How much leave?")
    says("Twenty-five [1].").finish()
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_attribute("data-state", "done")
    page.get_by_label("Your question").fill("And how")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("And how")
    page.goto("/chat/")
    expect(page.get_by_label("Your question")).to_have_value("")
    page.get_by_label("Your question").fill("Mine alone")
    session = stored(lambda: signed_in(client, stranger))
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page.goto("/chat/")
    expect(page.get_by_label("Your question")).to_have_value("")


def signed_in(client, user) -> str:
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


def test_a_question_of_a_conversation_that_is_gone_says_so(open_page, says):
    script = says("Twenty-", "five [1].")
    page = open_page()
    answer = ask(page)
    script.step()
    expect(answer).to_contain_text("Twenty-")
    stored(lambda: conversations.delete(Conversation.objects.get()))
    expect(page.locator(".answer")).to_contain_text("This conversation was deleted while")
    page.get_by_label("Your question").fill("Still there?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is no longer there.")
    expect(page.get_by_label("Your question")).to_have_value("Still there?")
    assert "404" in open_page.problems.pop()
