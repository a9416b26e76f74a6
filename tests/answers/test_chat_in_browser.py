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
from playwright.sync_api import Browser, Locator, Page, expect

from answers import events
from answers.models import Conversation, Message, MessageState
from answers.readers import ReaderDelta
from ingestion.errors import TransientError

pytestmark = [
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
    html = r"""e => e.innerHTML.replace(/value="[^"]*"/, "").replace(/\s+/g, " ").trim()"""
    streamed = answer.evaluate(html)
    page.reload()
    assert page.locator(".answer").evaluate(html) == streamed


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
        expect(tab.locator("[data-text]")).to_have_text("First, second, third 1.")


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
    expect(answer.locator("[data-text]")).to_have_text("".join(words).strip())
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
    sheet, drawn = image.bounding_box(), box.bounding_box()
    assert sheet
    assert drawn
    scale = sheet["width"] / 612
    assert drawn["x"] - sheet["x"] == pytest.approx(50 * scale, abs=2)
    assert drawn["y"] - sheet["y"] == pytest.approx(140 * scale, abs=2)
    assert drawn["width"] == pytest.approx(350 * scale, abs=4)
    panel.get_by_role("button", name="Zoom in").click()
    expect(panel.locator("[data-page-sheet]")).to_have_attribute("style", "width: 150%;")
    zoomed = image.bounding_box()
    assert zoomed
    assert zoomed["width"] == pytest.approx(1.5 * sheet["width"], rel=0.01)
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
    page.wait_for_function("document.getElementById('to-latest').hidden === false")
    top = page.evaluate("document.getElementById('scroller').scrollTop")
    script.step()
    expect(answer.locator("p", has_text="Rule 59")).to_have_count(2)
    assert page.evaluate("document.getElementById('scroller').scrollTop") == top
    page.get_by_role("button", name="Go to the latest").click()
    page.wait_for_function(f"({end})() <= 1")
    script.finish()
    expect(answer).to_have_attribute("data-state", "done")
    page.wait_for_function(f"({end})() <= 1")


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
    page.get_by_label("Search conversations").fill("new")
    expect(page.locator(".conversation-item")).to_have_count(1)
    item.hover()
    item.get_by_label("More for “New name”").click()
    item.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/chat/")
    expect(page.locator(".conversation-item")).to_have_count(1)


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
    page.locator("#evidence-backdrop").tap(position={"x": 100, "y": 20})
    expect(panel).to_be_hidden()
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


def test_what_a_signed_out_person_typed_is_not_lost_in_silence(open_page, says, client):
    page = open_page()
    stored(client.logout)
    page.get_by_label("Your question").fill("How much leave?")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/**")
