"""Searching and picking documents in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_documents import PHONE, TEXTS, add, opened, written

pytestmark = [pytest.mark.once, pytest.mark.browser, pytest.mark.xdist_group("site")]


def test_a_hit_opens_its_page_with_the_place_boxed(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    opened(page, tmp_path, "searched.pdf")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Search").click()
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()
    field.fill("flame seen through Fresnel lenses")
    hit = page.locator(".find").filter(has_text="searched").first
    expect(hit.locator("mark", has_text="Fresnel").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/search/\?q=flame"))
    thumbnail = hit.locator(".find-page img")
    expect(thumbnail).to_have_js_property("complete", True)
    assert thumbnail.evaluate("image => image.naturalWidth") == 240
    hit.locator(".find-title a").click()
    expect(page.locator("#page-2 .evidence rect").first).to_be_in_viewport()
    page.go_back()
    expect(field).to_have_value("flame seen through Fresnel lenses")
    expect(hit).to_be_visible()
    page.locator(".chip-table").click()
    expect(page.locator("#found")).not_to_contain_text("searched")
    expect(page).to_have_url(re.compile("kind=table"))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/search/?q=lens")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_picked_documents_are_tagged_and_deleted_together(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    rows = []
    for name, text in zip(("one", "two"), TEXTS, strict=False):
        rows.append(add(page, written(tmp_path, f"{name}-picked.pdf", text * 3)))
        # The next one opens the page anew, which would cut this upload off.
        expect(rows[-1]).to_be_visible()
    bulk = page.get_by_role("form", name="With the picked documents")
    expect(bulk.get_by_text("Tag", exact=True)).to_be_hidden()
    for row in rows:
        row.get_by_role("checkbox").check()
    expect(bulk).to_contain_text("2 picked")
    bulk.get_by_text("Tag", exact=True).click()
    bulk.get_by_label("Tags").fill("together")
    bulk.get_by_role("button", name="Add").click()
    expect(page.locator(".toast")).to_contain_text("2 documents were tagged")
    rows[0].get_by_role("link", name="together").click()
    expect(page.locator("#documents > li")).to_have_count(2)
    page.get_by_role("checkbox", name="Pick all").check()
    bulk.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#documents > li")).to_have_count(0)
