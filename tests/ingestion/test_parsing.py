"""The real thing: real children read real files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymupdf
import pytest

from ingestion import children, parsing, wire
from ingestion.layout import Box, PageContent
from ingestion.parsing import CannotRead, Limits, PageOutcome, inspect, parse_pages
from tests.factories import endless_page, pdf_bytes

LIMITS = Limits(memory_mb=2048, page_seconds=60)
PROJECT = Path(__file__).resolve().parents[2]


def saved(path: Path, document: pymupdf.Document | bytes) -> Path:
    data = document if isinstance(document, bytes) else document.tobytes()
    path.write_bytes(data)
    return path


def one_page(path: Path) -> PageContent:
    (outcome,) = parse_pages(path, [1], limits=LIMITS)
    assert outcome.content is not None, outcome.error
    return outcome.content


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


# --- facts -----------------------------------------------------------------------------------


def test_reads_what_a_file_says_of_itself(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf_bytes(["one", "two", "three"]))
    document.set_metadata(
        {"title": "Eﬃciency", "author": "Ann", "creationDate": "D:20240229120000+01'00'"}
    )
    document.set_toc([[1, "Start", 1], [2, "Middle", 2]])
    facts = inspect(saved(tmp_path / "a.pdf", document), limits=LIMITS)
    assert facts.page_count == 3
    assert facts.metadata == {
        "title": "Efficiency",
        "author": "Ann",
        "created": "2024-02-29T12:00:00",
    }
    assert facts.outline == ((1, "Start", 1), (2, "Middle", 2))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"just text", "damaged"),
        (b"", "damaged"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (pdf_bytes(password="secret"), "encrypted"),
    ],
    # An encrypted file has other bytes each time, and a test's name must not.
    ids=["text", "empty", "cut off", "encrypted"],
)
def test_says_why_a_file_cannot_be_read(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(CannotRead) as caught:
        inspect(saved(tmp_path / "a.pdf", data), limits=LIMITS)
    assert caught.value.code == code


def test_a_password_opens_a_protected_file_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pdf", pdf_bytes(password="secret"))
    assert inspect(path, limits=LIMITS, password="secret").page_count == 1
    with pytest.raises(CannotRead) as caught:
        inspect(path, limits=LIMITS, password="guess")
    assert caught.value.code == "wrong_password"


def test_a_reader_that_cannot_begin_says_why_in_the_log(
    tmp_path: Path, monkeypatch, caplog
) -> None:
    path = saved(tmp_path / "a.pdf", pdf_bytes())
    monkeypatch.setattr(children, "PROJECT", tmp_path)
    with pytest.raises(CannotRead):
        inspect(path, limits=LIMITS)
    assert "No module named" in caplog.text
    caplog.clear()
    with pytest.raises(CannotRead):
        list(parse_pages(path, [1, 1], limits=LIMITS))
    assert "No module named" in caplog.text


def test_a_file_that_no_limit_holds_is_too_heavy(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pdf", pdf_bytes())
    with pytest.raises(CannotRead) as caught:
        inspect(path, limits=Limits(memory_mb=20, page_seconds=20))
    assert caught.value.code == "too_heavy"


# --- pages -----------------------------------------------------------------------------------


def test_a_page_has_text_with_boxes_and_an_image(tmp_path: Path) -> None:
    content = one_page(saved(tmp_path / "a.pdf", pdf_bytes(["The body of the page."])))
    (block,) = content.blocks
    (image,) = content.images
    assert block.text == "The body of the page."
    assert (content.text_source, content.warnings) == ("text_layer", ())
    assert (image.name, image.width, image.height) == ("page", 1190, 1684)
    assert 70 < block.lines[0].box.x0 < 74
    assert 70 < block.lines[0].box.y0 < 78


def marked_page(*, rotation: int, crop: bool) -> pymupdf.Document:
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((150, 250), "Marked text of some length", fontsize=20)
    if crop:
        page.set_cropbox(pymupdf.Rect(100, 100, 550, 700))
    page.set_rotation(rotation)
    return document


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [False, True])
def test_boxes_fit_the_page_as_it_is_shown(tmp_path: Path, rotation: int, crop: bool) -> None:
    content = one_page(saved(tmp_path / "a.pdf", marked_page(rotation=rotation, crop=crop)))
    # However the page is turned, its text is shown upright.
    width, height = (450, 600) if crop else (600, 800)
    assert (content.width, content.height) == (width, height)
    assert content.blocks[0].text == "Marked text of some length"
    box = content.blocks[0].box
    assert dark_share(content, box) > 0.05
    grown = Box(box.x0 - 6, box.y0 - 6, box.x1 + 6, box.y1 + 6)
    total = dark_share(content, Box(0, 0, content.width, content.height)) * width * height
    assert dark_share(content, grown) * grown.area > 0.98 * total


@pytest.mark.parametrize("turned", [90, 180, 270])
@pytest.mark.parametrize("flagged", [True, False])
def test_a_page_whose_text_is_turned_is_read_and_shown_upright(
    tmp_path: Path, turned: int, flagged: bool
) -> None:
    upright = pymupdf.open("pdf", pdf_bytes(["The towns are set sideways. " * 30]))
    document = pymupdf.open()
    if flagged:
        document.insert_pdf(upright)
        document[0].set_rotation(turned)
    else:
        page = document.new_page(width=842, height=842)
        page.show_pdf_page(page.rect, upright, 0, rotate=turned)
    content = one_page(saved(tmp_path / "a.pdf", document))
    lines = [line for block in content.blocks for line in block.lines]
    assert all(line.text.count("sideways") > 2 for line in lines[:-1])
    assert all(line.box.width > 5 * line.box.height for line in lines[:-1])
    assert dark_share(content, lines[0].box) > 0.05


def dark_share(content: PageContent, box: Box) -> float:
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(content.images[0].data)).convert("L")
    scale = image.width / content.width
    histogram = image.crop([round(value * scale) for value in box.as_list()]).histogram()
    return sum(histogram[:128]) / sum(histogram)


def test_a_scanned_page_is_read_with_word_boxes(tmp_path: Path) -> None:
    printed = pymupdf.open("pdf", pdf_bytes(["Scanned words are found again."]))
    document = pymupdf.open()
    page = document.new_page()
    page.insert_image(page.rect, pixmap=printed[0].get_pixmap(dpi=150))
    content = one_page(saved(tmp_path / "a.pdf", document))
    assert content.text_source == "ocr"
    assert content.ocr_confidence is not None
    assert content.ocr_confidence > 0.8
    assert "Scanned words are found again" in content.blocks[0].text
    assert abs(content.blocks[0].box.x0 - 72) < 6


def test_an_empty_page_is_no_error(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page()
    content = one_page(saved(tmp_path / "a.pdf", document))
    assert (content.blocks, content.text_source) == ((), "none")


# --- limits ----------------------------------------------------------------------------------


def test_a_page_without_end_is_skipped_and_the_rest_goes_on(tmp_path: Path) -> None:
    document = pymupdf.open("pdf", pdf_bytes(["one"]))
    endless_page(document)
    document.insert_pdf(pymupdf.open("pdf", pdf_bytes(["three"])))
    path = saved(tmp_path / "a.pdf", document)
    outcomes = sorted(
        parse_pages(path, [1, 2, 3], limits=Limits(2048, page_seconds=4)),
        key=lambda outcome: outcome.number,
    )
    assert [outcome.content is not None for outcome in outcomes] == [True, False, True]
    assert outcomes[1] == PageOutcome(
        2, None, "Page 2 was skipped: it takes longer than 4 seconds to read."
    )


def test_an_answer_that_makes_no_sense_costs_its_page_alone(tmp_path: Path, monkeypatch) -> None:
    understood = parsing._content

    def spoil_the_first(message: wire.Message) -> PageContent:
        if message.data["page"] == 1:
            message.data["content"]["blocks"] = ["nonsense"]
        return understood(message)

    monkeypatch.setattr(parsing, "_content", spoil_the_first)
    path = saved(tmp_path / "a.pdf", pdf_bytes(["a", "b"]))
    spoilt, fine = parse_pages(path, [1, 2], limits=LIMITS)
    assert spoilt.error == "Page 1 was skipped: it crashes the program that reads it."
    assert fine.content is not None


def test_numbers_are_drawn_as_children_become_free(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pdf", pdf_bytes(["a", "b", "c", "d"]))
    drawn: list[int] = []

    def numbers():
        for number in (1, 2, 3, 4):
            drawn.append(number)
            yield number

    outcomes = parse_pages(path, numbers(), limits=LIMITS, processes=1)
    next(outcomes)
    assert drawn == [1]
    outcomes.close()


def test_closing_early_leaves_no_process(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pdf", pdf_bytes(["a", "b", "c"]))
    before = children_of(os.getpid())
    outcomes = parse_pages(path, [1, 2, 3], limits=LIMITS, processes=2)
    next(outcomes)
    outcomes.close()
    assert children_of(os.getpid()) == before


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    document = pymupdf.open()
    endless_page(document)
    path = saved(tmp_path / "a.pdf", document)
    script = (
        "from pathlib import Path\n"
        "from ingestion.parsing import Limits, parse_pages\n"
        f"list(parse_pages(Path({str(path)!r}), [1], limits=Limits(2048, 300)))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT)
    try:
        (child,) = _soon(lambda: children_of(parent.pid))
        # Its page never ends, so it can only go because its parent does.
        _soon(lambda: "parse_child" in Path(f"/proc/{child}/cmdline").read_text())
        time.sleep(0.5)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert _soon(lambda: not Path(f"/proc/{child}").exists())


def _soon(condition):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 seconds")


def test_hostile_files_end_with_a_sentence(evaldata: Path) -> None:
    files = evaldata / "hostile_pdfs" / "files"
    for name in (
        "corrupt__qpdf__issue-141b.pdf",
        "generated__ours__deflate_bomb_512MB_content.pdf",
        "encrypted__pypdf__r6-user-password.pdf",
    ):
        assert all(said.endswith(".") for said in said_of(files / name))


def said_of(path: Path) -> list[str]:
    try:
        outcomes = list(parse_pages(path, [1], limits=Limits(700, page_seconds=20)))
    except CannotRead as exc:
        return [str(exc)]
    return [outcome.error for outcome in outcomes if outcome.content is None]
