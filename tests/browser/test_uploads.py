"""Large files on the running site: connections that are cut in the middle."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymupdf
import pytest
from playwright.sync_api import Page, expect

from tests.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

MEGABYTE = 2**20
ASKED_SECONDS = 30


def large_pdf(folder: Path, name: str, megabytes: int) -> Path:
    """A PDF of one page and as much that no page shows and nothing compresses."""
    document = pymupdf.open()
    document.new_page().insert_text((72, 72), f"A page of {name}, which is large.")
    number = document.get_new_xref()
    document.update_object(number, "<<>>")
    document.update_stream(number, os.urandom(megabytes * MEGABYTE), compress=0)
    document.xref_set_key(document.pdf_catalog(), "PieceInfo", f"{number} 0 R")
    path = folder / name
    document.save(path)
    return path


def test_a_broken_connection_loses_nothing_that_came(site: Site) -> None:
    where = urlsplit(site.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 80)

    def ask(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.headers, answer.read()

    signed = json.dumps({"username": site.username, "password": site.password}).encode()
    _, made = ask("POST", "/api/v1/auth/token/", {"Content-Type": "application/json"}, signed)
    headers = {
        "Authorization": f"Bearer {json.loads(made)['token']}",
        **{"Tus-Resumable": "1.0.0", "Upload-Length": str(20 * MEGABYTE)},
        "Upload-Metadata": f"filename {base64.b64encode(b'cut.pdf').decode()}",
    }
    begun, _ = ask("POST", "/api/v1/uploads/", headers)
    with socket.create_connection((where.hostname, where.port)) as raw:
        lines = [f"PATCH {begun['Location']} HTTP/1.1", f"Host: {where.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += ["Upload-Offset: 0", "Content-Type: application/offset+octet-stream"]
        lines += [f"Content-Length: {20 * MEGABYTE}", "", ""]
        raw.sendall("\r\n".join(lines).encode() + b"x" * 5 * MEGABYTE)
    deadline = time.monotonic() + ASKED_SECONDS
    kept = 0
    while not kept and time.monotonic() < deadline:
        state, _ = ask("HEAD", begun["Location"], headers)
        kept = int(state["Upload-Offset"])
    # What was on its way when it was cut is lost, as the operating system pleases.
    assert 0 < kept <= 5 * MEGABYTE
    ask("DELETE", begun["Location"], headers)
    connection.close()


def test_a_large_file_goes_on_after_a_cut_and_after_a_reload(
    signed_in: Page, tmp_path: Path
) -> None:
    page, file = signed_in, large_pdf(tmp_path, "heavy.pdf", 40)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/documents/")
    row = page.locator("#uploads > li")
    # The third part never arrives, as if somebody had pulled the plug.
    parts: list[int] = []

    def count(route: Any) -> None:
        parts.append(int(route.request.headers["upload-offset"]))
        if len(parts) == 3:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*/", lambda route: (
        count(route) if route.request.method == "PATCH" else route.continue_()
    ))  # fmt: skip
    page.evaluate("window.waited = false")
    page.evaluate(
        "new MutationObserver(() => { if (document.querySelector('#uploads .waits')) "
        "window.waited = true; }).observe(document.getElementById('uploads'), "
        "{ subtree: true, attributes: true })"
    )
    page.locator("#upload-files").set_input_files(str(file))
    page.wait_for_function("() => window.waited")
    page.wait_for_function("() => document.querySelector('#uploads progress').value > 0.65")
    page.reload()
    expect(row).to_contain_text("Add the same file again and it goes on there")
    before = len(parts)
    page.locator("#upload-files").set_input_files(str(file))
    document = page.locator("#documents > li").filter(has_text="heavy")
    expect(document).to_be_visible()
    expect(row).to_have_count(0)
    # The part that was cut was sent again, and after the reload none that was there.
    assert parts[:4] == [0, 8 * MEGABYTE, 16 * MEGABYTE, 16 * MEGABYTE]
    assert parts[before] >= 16 * MEGABYTE
    page.locator("#upload-files").set_input_files(str(file))
    expect(row).to_contain_text("The same file is already in")
    row.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", name="heavy").first).to_be_visible()


def test_what_was_taken_before_it_was_stopped_is_shown(signed_in: Page, tmp_path: Path) -> None:
    page, file = signed_in, large_pdf(tmp_path, "hasty.pdf", 17)
    row = page.locator("#uploads > li").filter(has_text="hasty")
    asked: list[int] = []

    def hold_the_last(route: Any) -> None:
        if route.request.method == "DELETE":
            # As long as the last part is taken in, the upload is locked.
            asked.append(len(asked))
            if len(asked) > 1:
                route.continue_()
            else:
                route.fulfill(status=423, body="{}")
        elif route.request.method == "PATCH":
            answer = route.fetch()
            if "x-pagewise-document" in answer.headers:
                row.get_by_role("button", name="Stop this upload").click()
            else:
                route.fulfill(response=answer)
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*/", hold_the_last)
    page.goto("/documents/")
    page.locator("#upload-files").set_input_files(str(file))
    expect(page.locator("#documents > li").filter(has_text="hasty")).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("“hasty.pdf” had been taken already")
    expect(row).to_have_count(0)
    assert len(asked) == 2


def test_a_large_protected_file_asks_for_its_password(signed_in: Page, tmp_path: Path) -> None:
    page, plain = signed_in, large_pdf(tmp_path, "plain.pdf", 17)
    file = tmp_path / "vault.pdf"
    options = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": "sesame", "owner_pw": "x"}
    pymupdf.open(plain).save(file, **options)
    page.goto("/documents/")
    (tmp_path / "note.pdf").write_bytes(bytes(99))
    page.locator("#upload-files").set_input_files([str(file), str(tmp_path / "note.pdf")])
    expect(page.get_by_label("Password of vault.pdf")).to_be_visible()
    expect(page.locator("#uploads .refused")).to_have_count(2)
    with page.expect_response(lambda response: response.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Dismiss all").click()
    assert deleted.value.ok
    page.locator("#upload-files").set_input_files(str(file))
    for password in ("wrong", "sesame"):
        field = page.get_by_label("Password of vault.pdf")
        field.fill(password)
        field.press("Enter")
        if password == "wrong":
            expect(page.locator("#uploads .document-error")).to_contain_text("password")
    expect(page.locator("#documents > li").filter(has_text="vault")).to_be_visible()
    expect(page.locator("#uploads > li")).to_have_count(0)
