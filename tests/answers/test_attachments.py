from __future__ import annotations

import base64
import io

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from PIL import Image, ImageOps

from answers import answering, attachments, regions, runs
from answers.attachments import Attached
from answers.models import Attachment, Conversation, Message
from answers.readers import Capabilities, ReaderDelta
from ingestion.errors import PermanentError
from ingestion.layout import Box
from ingestion.models import Chunk, Collection
from retrieval.request import Query
from tests.answers.conftest import jpeg

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_url", "searches"),
]

SCRIPT = {"HX-Request": "true"}
LAST_LINE = [40.0, 135.0, 450.0, 160.0]


@pytest.fixture
def me(client, person):
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def says(scripted):
    scripted.script = lambda prompt: iter([ReaderDelta(text="They get 25 days of leave [1].")])
    return scripted


def address(document, page: int = 1, box=LAST_LINE) -> str:
    return ",".join(map(str, [document.uuid, page, *box]))


# --- Places -------------------------------------------------------------------------------------


def test_a_place_is_the_first_evidence_and_is_cited_with_its_lines(
    conversation, document, person, scripted, searches
):
    region = regions.find(address(document), person)
    answer = answering.answer_now(
        conversation, "What does this say?", attached=Attached(regions=(region,))
    )
    first = scripted.prompts[-1].evidence[0]
    assert first.text == "Employees get 25 days of leave per year."
    assert (first.number, first.kind, first.page, first.shown) == (1, "text", 1, True)
    assert "source [1]" in scripted.prompts[-1].user
    # What is searched for leans on what was marked.
    assert "days" in searches[-1][0]
    cited = answer.citations.get(number=1)
    assert cited.cited
    assert cited.boxes == [[1, 50, 140, 400, 155]]
    with default_storage.open(cited.crop.name) as file, Image.open(file) as crop:
        scale = 1600 / 612
        assert crop.width == pytest.approx((450 - 40) * scale, abs=2)
        assert crop.height == pytest.approx(25 * scale, abs=2)


def test_a_marked_table_is_evidence_as_a_table(document, person):
    table = Chunk.objects.get(kind="table")
    inside = regions.contents([table], 1, Box(*table.box))
    assert (inside.kind, inside.text, inside.caption) == ("table", table.text, "Profit by year")
    corner = regions.contents([table], 1, Box(50, 100, 100, 120))
    assert (corner.kind, corner.text) == ("image", "")


def test_what_is_asked_about_a_picture_borrows_nothing_from_what_was_asked_before(
    conversation, document, searches
):
    answering.answer_now(conversation, "How much leave do employees get?")
    answering.answer_now(conversation, "What is this?", attached=Attached(images=(jpeg(),)))
    assert searches[-1][0].text == "What is this?"


@pytest.mark.parametrize(
    "text", ["", "x", "1,2,3", "{uuid},1,0,0,1,1", "{uuid},1,nan,0,9,9", "{uuid},1,0,0,9", "{uuid}"]
)
def test_what_is_no_place_is_refused(document, person, text):
    with pytest.raises(PermanentError, match="cannot be read"):
        regions.find(text.replace("{uuid}", str(document.uuid)), person)


def test_a_place_is_cut_at_the_pages_edges(document, person):
    region = regions.find(address(document, box=[700, 900, -5, 10]), person)
    assert region.box == Box(0, 10, 612, 792)


def test_nobody_marks_what_they_may_not_read(me, conversation, document, stranger):
    Collection.objects.update(owner=stranger)
    marked = {"region": address(document)}
    page = reverse("answers:conversation", args=[conversation.uuid])
    response = me.post(page, {"question": "Why?", **marked}, headers=SCRIPT)
    assert "may not read it" in response.content.decode()
    assert not Message.objects.exists()
    assert me.get(reverse("answers:region_preview"), marked).status_code == 404
    chosen = {"document": document.uuid, "page": 1}
    assert me.get(reverse("answers:regions"), chosen).status_code == 404
    assert me.get(reverse("answers:regions"), {"document": "x"}).status_code == 404
    api = {"question": "Why?", "regions": [_place(document)]}
    refused = me.post("/api/v1/ask/", api, content_type="application/json")
    assert refused.json()["errors"][0]["field"].startswith("regions")


def _place(document) -> dict:
    return {"document": str(document.uuid), "page": 1, "box": LAST_LINE}


def test_a_link_from_the_document_puts_the_place_into_the_composer(me, document):
    marked = address(document)
    page = me.get(reverse("answers:chat"), {"document": document.uuid, "region": marked})
    html = page.content.decode()
    assert "Handbook, page 1a" in html
    (region,) = page.context["regions"]
    assert f'name="region" value="{region.address}"' in html
    preview = me.get(reverse("answers:region_preview"), {"region": region.address})
    assert preview.headers["Content-Type"] == "image/jpeg"
    viewer = me.get(document.get_absolute_url()).content.decode()
    assert reverse("answers:regions") in viewer


def test_places_can_be_chosen_without_drawing(me, document):
    url = reverse("answers:regions")
    page = me.get(url, {"document": document.uuid, "page": 1}).content.decode()
    for name in ("Contoso was founded", "Profit by year", "The whole page"):
        assert name in page
    part = me.get(url, {"document": document.uuid, "page": 2}, headers=SCRIPT).content.decode()
    assert "<html" not in part
    assert "Our office" in part


def test_a_marked_place_is_shown_with_the_question_until_it_may_not_be_read(
    me, conversation, document, stranger
):
    page = reverse("answers:conversation", args=[conversation.uuid])
    me.post(page, {"question": "What is this?", "region": address(document)}, headers=SCRIPT)
    kept = Attachment.objects.get()
    html = me.get(page).content.decode()
    assert "Handbook, page 1a" in html
    assert f"{document.get_absolute_url()}?page=1&amp;box=1,40,135,450,160" in html
    image = reverse("answers:attachment", args=[kept.uuid])
    assert me.get(image).content[:3] == b"\xff\xd8\xff"
    Collection.objects.update(owner=stranger)
    assert "may no longer read" in me.get(page).content.decode()
    assert me.get(image).status_code == 404
    assert me.get(f"/api/v1/attachments/{kept.uuid}/image/").status_code == 404


# --- Pictures -----------------------------------------------------------------------------------


def test_a_picture_goes_to_the_reader_and_into_the_search(conversation, scripted, searches):
    attached = Attached(images=(jpeg(3000, 1000),))
    answer = answering.answer_now(conversation, "Where is this?", attached=attached)
    prompt = scripted.prompts[-1]
    (url,) = prompt.attached
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        assert image.size == (640, 213)
    # One of the reader's two images is the person's own.
    assert len(prompt.images) == 1
    query = searches[-1][0]
    assert isinstance(query, Query)
    assert (query.text, query.image is not None) == ("Where is this?", True)
    assert answer.notes == []
    again = answering.ask_instead(answer.question, "Where was this?", wait=True)
    assert len(scripted.prompts[-1].attached) == 1
    assert again.question.attachments.get().image == answer.question.attachments.get().image


def test_a_reader_that_cannot_see_says_so(me, conversation, scripted, monkeypatch):
    monkeypatch.setattr(scripted, "capabilities", Capabilities(prompt_tokens=4000))
    attached = Attached(images=(jpeg(),))
    answer = answering.answer_now(conversation, "Where is this?", attached=attached)
    assert answer.notes == [runs.CANNOT_SEE.format(reader="scripted")]
    assert scripted.prompts[-1].attached == ()
    page = me.get(reverse("answers:conversation", args=[conversation.uuid])).content.decode()
    assert "cannot see pictures" in page


def test_a_reader_that_takes_fewer_pictures_says_so(conversation, scripted):
    attached = Attached(images=(jpeg(), jpeg(800), jpeg(900)))
    answer = answering.answer_now(conversation, "Where is this?", attached=attached)
    assert len(scripted.prompts[-1].attached) == 2
    assert answer.notes == [runs.SOME_UNSEEN.format(reader="scripted", room=2, unseen=1)]


def test_pictures_come_with_the_form_and_are_judged_by_their_content(me, conversation):
    page = reverse("answers:conversation", args=[conversation.uuid])

    def ask(*files: bytes):
        uploads = [SimpleUploadedFile("a.jpg", data, "image/jpeg") for data in files]
        return me.post(page, {"question": "What?", "images": uploads}, headers=SCRIPT)

    refused = ask(b"<svg onload=alert(1)>")
    assert (refused.status_code, "cannot be read" in refused.content.decode()) == (422, True)
    refused = ask(*[jpeg(10, 10)] * 5)
    assert "at most 4" in refused.content.decode()
    assert not Attachment.objects.exists()
    assert ask(jpeg()).status_code == 201
    assert "Attached picture" in me.get(page).content.decode()


def test_what_a_picture_tells_beside_its_pixels_is_not_kept():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera of Ada"
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(buffer, "JPEG", exif=exif)
    data, size = attachments.prepared(buffer.getvalue())
    assert size == (20, 40)
    assert b"Ada" not in data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_picture_that_is_cut_off_is_refused(me, kind):
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, kind)
    cut = buffer.getvalue()[: len(buffer.getvalue()) * 3 // 4]
    upload = SimpleUploadedFile("a.jpg", cut, "image/jpeg")
    whole = SimpleUploadedFile("b.jpg", jpeg(), "image/jpeg")
    chat = reverse("answers:chat")
    refused = me.post(chat, {"question": "What?", "images": [whole, upload]}, headers=SCRIPT)
    assert (refused.status_code, "cannot be read" in refused.content.decode()) == (422, True)
    assert not Conversation.objects.exists()
    assert not default_storage.exists(attachments.FOLDER)


def test_a_large_picture_is_made_small_before_anything_else(monkeypatch):
    seen = []
    turn = ImageOps.exif_transpose

    def noted(image):
        seen.append(image.size)
        return turn(image)

    monkeypatch.setattr(ImageOps, "exif_transpose", noted)
    for picture in (Image.new("RGB", (5000, 3000), "red"), Image.new("1", (5000, 3000))):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        assert attachments.prepared(buffer.getvalue())[1] == (2048, 1229)
    assert seen == [(2048, 1229)] * 2


def test_pictures_go_with_their_conversation(me, conversation, stranger, client):
    picture = jpeg()
    for _ in range(2):
        answering.answer_now(conversation, "What?", attached=Attached(images=(picture,)))
    name = Attachment.objects.first().image
    Attachment.objects.first().delete()
    assert default_storage.exists(name)
    uuid = Attachment.objects.get().uuid
    client.force_login(stranger)
    assert client.get(reverse("answers:attachment", args=[uuid])).status_code == 404
    conversation.delete()
    assert not default_storage.exists(name)


def test_a_picture_survives_the_last_other_question_with_it(conversation):
    attached = Attached(images=(jpeg(),))
    with transaction.atomic():
        answer = answering.store(conversation, "What?", attached=attached)
        name = answer.question.attachments.get().image
        default_storage.delete(name)
    assert default_storage.exists(name)


def test_the_same_over_the_api(me, document):
    body = {
        "question": "What is this?",
        "images": [base64.b64encode(jpeg()).decode()],
        "regions": [_place(document)],
    }
    answer = me.post("/api/v1/ask/", body, content_type="application/json").json()
    assert answer["citations"][0]["scores"] == {"marked": True}
    question = me.get(f"/api/v1/messages/{answer['question']}/").json()
    kinds = {one["kind"]: one for one in question["attachments"]}
    assert kinds["region"]["box"] == LAST_LINE
    assert me.get(kinds["image"]["image"]).headers["Content-Type"] == "image/jpeg"
    wrong = {"question": "What?", "images": ["nonsense"]}
    refused = me.post("/api/v1/ask/", wrong, content_type="application/json")
    assert refused.json()["errors"][0]["field"].startswith("images")
