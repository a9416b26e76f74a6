"""From an uploaded PDF to a cited answer, as a person goes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories import pdf_bytes

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

READY_MS = 240_000


def upload_and_wait(page: Page, file: Path, title: str) -> None:
    page.goto("/documents/")
    page.locator("#upload-files").set_input_files(str(file))
    row = page.locator("li, tr, article").filter(has_text=title).first
    expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)


def ask(page: Page, question: str) -> None:
    page.goto("/chat/")
    page.get_by_role("textbox").last.fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("article.answer[data-state=done]")).to_be_visible(timeout=READY_MS)


def test_upload_ask_and_follow_the_citation_to_its_box(
    signed_in: Page, evaldata: Path, tmp_path: Path
) -> None:
    page = signed_in
    report = evaldata / "contoso" / "pdfs" / "PerksPlus.pdf"
    upload_and_wait(page, report, "PerksPlus")
    ask(page, "How much does PerksPlus reimburse employees for health and fitness programs?")
    answer = page.locator("article.answer")
    expect(answer).to_contain_text("$1000")
    answer.locator("[data-text] [data-citation]").first.click()
    evidence = page.locator(".evidence")
    expect(evidence).to_contain_text("PerksPlus")
    image, box = evidence.locator("img").first, evidence.locator("svg rect").first
    expect(image).to_be_visible()
    assert (
        image.evaluate("i => i.complete ? i.naturalWidth : i.decode().then(() => i.naturalWidth)")
        > 500
    )
    sheet, drawn = image.bounding_box(), box.bounding_box()
    assert sheet
    assert drawn
    assert sheet["x"] <= drawn["x"]
    assert drawn["x"] + drawn["width"] <= sheet["x"] + sheet["width"] + 1
    assert sheet["y"] <= drawn["y"] <= sheet["y"] + sheet["height"]
    with page.expect_popup() as opened:
        evidence.get_by_role("link", name="Open document").click()
    document = opened.value
    expect(document.get_by_role("heading", name="PerksPlus").first).to_be_visible()
    page.reload()
    expect(page.locator("article.answer")).to_contain_text("$1000")


def test_refused_files_say_why_and_do_not_stop_the_others(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    (tmp_path / "notes.pdf").write_bytes(b"\x00\x01\x02 not a PDF at all \xff")
    (tmp_path / "secret.pdf").write_bytes(pdf_bytes(password="secret"))
    (tmp_path / "fine.pdf").write_bytes(pdf_bytes(["The quick brown fox jumps."]))
    page.goto("/documents/")
    files = [str(tmp_path / name) for name in ("notes.pdf", "secret.pdf", "fine.pdf")]
    page.locator("#upload-files").set_input_files(files)
    main = page.locator("main")
    expect(main).to_contain_text("password")
    expect(main.get_by_text("Not taken").first).to_be_visible()
    row = page.locator("li, tr, article").filter(has_text="fine").first
    expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
