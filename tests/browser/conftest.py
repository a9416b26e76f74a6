"""A signed-in browser on the running site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.conftest import STEP_MS
from tests.site import Site


@pytest.fixture
def signed_in(site: Site, chromium: Browser) -> Iterator[Page]:
    """A page of a fresh browser profile, signed in as the first administrator.

    Fails at the end if the page logged an error or an unhandled exception.
    """
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(STEP_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.extend(_complaint(message)))
    page.goto("/login/")
    page.get_by_label("Username").fill(site.username)
    page.get_by_label("Password").fill(site.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/chat/")
    yield page
    context.close()
    assert problems == []


def _complaint(message: ConsoleMessage) -> list[str]:
    # The browser logs by itself a refused upload, an answer with status 4xx, and a connection
    # that a test cuts.
    expected = "status of 4" in message.text or "ERR_CONNECTION_RESET" in message.text
    return [message.text] if message.type == "error" and not expected else []
