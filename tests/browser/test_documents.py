"""The document pages in a real browser: live rows, passwords, boxes, theme, narrow windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.factories import pdf_bytes

pytestmark = [pytest.mark.once, pytest.mark.browser, pytest.mark.xdist_group("site")]

READY_MS = 240_000
# Unlike each other and of some length: a line alone at the top is taken for a page header.
TEXTS = (
    "Lighthouses were first lit with wood and coal, in open braziers upon a tower. ",
    "The Fresnel lens gathers the light of a small flame into a beam seen from far away. ",
    "Most keepers left when the lamps became automatic, late in the twentieth century. ",
)
PHONE = {"width": 390, "height": 844}


def add(page: Page, file: Path) -> Locator:
    """Upload a file on the documents page; return its row."""
    page.goto("/documents/")
    page.locator("#upload-files").set_input_files(str(file))
    return page.locator("#documents > li").filter(has_text=file.stem)


def written(folder: Path, name: str, *texts: str, password: str = "") -> Path:
    path = folder / name
    path.write_bytes(pdf_bytes(texts, password=password))
    return path


def opened(page: Page, folder: Path, name: str) -> str:
    """Upload a document of three pages, wait until it is ready, and return its address."""
    row = add(page, written(folder, name, *(text * 8 for text in TEXTS)))
    expect(row.get_by_text("Ready")).to_be_visible(timeout=READY_MS)
    return row.locator(".document-title").get_attribute("href") or ""


def test_a_folder_is_taken_without_what_cannot_be_read(signed_in: Page) -> None:
    page = signed_in
    page.goto("/documents/")
    page.evaluate(
        """() => {
          const file = (name, read) => ({ name, isFile: true, file: read });
          const there = file("there.pdf", (take) => take(new File(["No PDF."], "there.pdf")));
          const gone = file("gone.pdf", (_, fail) => fail(new DOMException("gone")));
          const batches = [[gone, there], []];
          const reader = { readEntries: (take) => take(batches.shift()) };
          const folder = { name: "papers", createReader: () => reader };
          DataTransferItem.prototype.webkitGetAsEntry = () => folder;
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["x"], "papers"));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
        }"""
    )
    expect(page.locator("#uploads")).to_contain_text("there.pdf")
    expect(page.locator("#toasts")).to_contain_text("left out: “gone.pdf”")


def test_a_row_goes_live_stays_right_and_is_deleted(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    opened(page, tmp_path, "lively.pdf")
    page.reload()
    row = page.locator("#documents > li").filter(has_text="lively")
    expect(row.get_by_text("Ready")).to_be_visible()
    page.get_by_label("Find by name").fill("no such name")
    expect(row).to_have_count(0)
    page.get_by_label("Find by name").fill("lively")
    expect(row).to_have_count(1)
    row.locator("summary").click()
    row.get_by_text("Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text("was deleted")
    expect(page.get_by_role("dialog")).to_contain_text("nothing of it is found")
    page.get_by_role("dialog").get_by_role("link", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_list_shows_what_another_tab_added(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    page.goto("/documents/")
    other = page.context.new_page()
    expect(add(other, written(tmp_path, "elsewhere.pdf", *TEXTS))).to_be_visible()
    row = page.locator("#documents > li").filter(has_text="elsewhere")
    expect(row).to_have_count(0)
    # A browser without windows lends none of its pages the focus.
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(row).to_be_visible()


def test_a_protected_file_opens_with_its_password(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    file = written(tmp_path, "sealed.pdf", "What is under the seal.", password="open sesame")
    row = add(page, file)
    refused = page.locator("#uploads .refused").filter(has_text="sealed")
    refused.get_by_label(re.compile("Password of")).fill("open sesame")
    refused.get_by_role("button", name="Open it").click()
    expect(row).to_be_visible()
    expect(refused).to_have_count(0)


def test_evidence_is_framed_where_it_stands(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    # The frame's line is wide at first and narrows: not while it is measured.
    page.emulate_media(reduced_motion="reduce")
    address = opened(page, tmp_path, "framed.pdf")
    page.goto(f"{address}?page=3&box=3,72,72,306,144")
    sheet = page.locator("#page-3")
    frame, image = sheet.locator(".evidence rect"), sheet.locator("img")
    expect(frame).to_be_in_viewport()
    expect(page.get_by_label("Page", exact=True)).to_have_value("3")
    paper, drawn = image.bounding_box(), frame.bounding_box()
    assert paper
    assert drawn
    # pymupdf's new pages are 595 x 842 points; the frame's line is two pixels wide.
    scale = paper["width"] / 595
    assert drawn["x"] - paper["x"] == pytest.approx(72 * scale, abs=3)
    assert drawn["y"] - paper["y"] == pytest.approx(72 * scale, abs=3)
    assert drawn["width"] == pytest.approx(234 * scale, abs=4)
    page.locator(".chip-evidence").click()
    expect(frame).to_be_hidden()


def test_pages_and_passages_keep_in_step(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    page.goto(opened(page, tmp_path, "stepwise.pdf"))
    panel = page.locator("#panel")
    expect(panel).to_contain_text("open braziers")
    page.get_by_label("Next page").click()
    expect(page.get_by_label("Page", exact=True)).to_have_value("2")
    expect(panel).to_contain_text("Fresnel lens")
    page.locator("#page-2 .region").first.click()
    expect(panel.locator(".passage:focus")).to_contain_text("Fresnel lens")


def test_the_theme_is_remembered(signed_in: Page) -> None:
    page = signed_in
    page.goto("/documents/")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Auto").click()
    page.reload()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_the_content_first(signed_in: Page) -> None:
    page = signed_in
    page.goto("/documents/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_dialog_gives_the_focus_back_to_the_menu_that_opened_it(
    signed_in: Page, tmp_path: Path
) -> None:
    page = signed_in
    opened(page, tmp_path, "focused.pdf")
    row = page.locator("#documents > li").filter(has_text="focused")
    menu = row.locator("summary")
    menu.focus()
    page.keyboard.press("Enter")
    row.get_by_text("Delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(menu).to_be_focused()


def test_menus_stay_on_a_phone(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    opened(page, tmp_path, "narrow.pdf")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.get_by_label("Pick narrow").check()
    for address, menus in (("", "#bulk details"), ("/search/", ".search-filters details")):
        if address:
            page.goto(address)
        for menu in page.locator(menus).all():
            menu.locator("summary").click()
            box = menu.locator(".menu-list").bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
            menu.locator("summary").click()


def test_no_page_is_wider_than_a_phone(signed_in: Page) -> None:
    page = signed_in
    # A phone, and a window of half the usual width, as at a zoom of 200 %.
    for size in (PHONE, {"width": 720, "height": 450}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for address in ("/documents/", "/status/", "/search/"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
