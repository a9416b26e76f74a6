"""What questions carry beside their words: kept with them, given to readers, shown again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from answers import regions
from answers.evidence import Evidence
from answers.models import Attachment, AttachmentKind, Conversation, Message
from answers.regions import Region
from ingestion.errors import PermanentError
from ingestion.models import Collection
from retrieval import pictures

FOLDER = "attachments"
MOST = 4
LONGEST_SIDE = 2048
JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Attached:
    """What a new question carries: pictures, as files of any kind that is taken, and places."""

    images: tuple[bytes, ...] = ()
    regions: tuple[Region, ...] = ()


NOTHING = Attached()


def keep(question: Message, attached: Attached) -> None:
    """Store what a question carries. Raises PermanentError for what cannot be taken."""
    if len(attached.images) + len(attached.regions) > MOST:
        raise PermanentError(f"A question takes at most {MOST} pictures and places.")
    # All of them before the first file is written: one that is refused refuses the question.
    images = [prepared(data) for data in attached.images]
    places = [(region, *prepared(regions.picture(region))) for region in attached.regions]
    for picture, size in images:
        _add(question, AttachmentKind.IMAGE, picture, size)
    for region, picture, size in places:
        _add(
            question,
            AttachmentKind.REGION,
            picture,
            size,
            document=region.document,
            collection_id=region.document.collection_id,
            document_title=region.document.title,
            page_number=region.page.number,
            page_label=region.page.label,
            box=region.box.as_list(),
        )


def copy(source: Message, target: Message) -> None:
    """Let an edited question carry what the one that it was made of carries."""
    for attachment in source.attachments.all():
        fields = {f.name: getattr(attachment, f.name) for f in Attachment._meta.concrete_fields}
        for own in ("id", "uuid", "message"):
            del fields[own]
        Attachment.objects.create(message=target, **fields)


def prepared(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """Turn a picture upright, take out what it tells beside its pixels, and bound its size.

    Returns JPEG bytes and (width, height). Raises PermanentError for what is no picture.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(pictures.checked(data))) as image:
            # A palette's colours cannot be averaged.
            small = image.convert("RGBA") if image.mode in ("1", "P") else image
            # First of all: each further step makes a copy of what is left.
            small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(small).convert("RGBA")
    except (OSError, ValueError, SyntaxError) as exc:
        # What was checked are its marks; its pixels may still be cut off.
        raise PermanentError("The picture cannot be read: it is damaged, or cut off.") from exc
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    buffer = io.BytesIO()
    paper.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), paper.size


def discard_unused(name: str) -> None:
    """Delete a picture unless another question carries it."""
    if not Attachment.objects.filter(image=name).exists():
        default_storage.delete(name)


def _add(
    question: Message, kind: AttachmentKind, data: bytes, size: tuple[int, int], **place: Any
) -> None:
    digest = hashlib.sha256(data).hexdigest()
    name = f"{FOLDER}/{digest}.jpg"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(data))
    # The last other question with this picture may be deleted before this one is stored.
    transaction.on_commit(partial(_restore, name, data))
    width, height = size
    Attachment.objects.create(
        message=question, kind=kind, image=name, width=width, height=height, **place
    )


def _restore(name: str, data: bytes) -> None:
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(data))


# --- for readers ------------------------------------------------------------------------------


def marked(question: Message, user: Any) -> list[Evidence]:
    """The places that a question is about, as evidence; only those the user may still read."""
    found: list[Evidence] = []
    for row in question.attachments.filter(kind=AttachmentKind.REGION).select_related("document"):
        if row.document is None:
            continue
        try:
            region = regions.on_page(
                user, document=row.document.uuid, page=row.page_number, box=row.box
            )
        except PermanentError:
            continue
        found.append(regions.evidence_of(region, crop=row.image, crop_size=(row.width, row.height)))
    return found


def images(question: Message) -> list[bytes]:
    """The pictures that a person attached; without those that are gone from the storage."""
    found: list[bytes] = []
    for row in question.attachments.filter(kind=AttachmentKind.IMAGE):
        try:
            with default_storage.open(row.image) as file:
                found.append(file.read())
        except FileNotFoundError:
            continue
    return found


# --- for people -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """An attachment as one person may see it; `hidden` is a place that they may not read."""

    attachment: Attachment
    hidden: bool

    @property
    def is_region(self) -> bool:
        return self.attachment.kind == AttachmentKind.REGION

    @property
    def label(self) -> str:
        if not self.is_region:
            return "Attached picture"
        return f"{self.attachment.document_title}, page {self.page}"

    @property
    def page(self) -> str:
        return self.attachment.page_label or str(self.attachment.page_number)

    @property
    def image_url(self) -> str:
        if self.hidden:
            return ""
        version = PurePosixPath(self.attachment.image).stem
        return f"{reverse('answers:attachment', args=[self.attachment.uuid])}?v={version}"

    @property
    def url(self) -> str:
        """Where it leads: the place in its document, or the picture itself."""
        row = self.attachment
        if self.hidden or not self.is_region or row.document is None:
            return self.image_url
        return regions.place_url(row.document, row.page_number, row.box)


def shown(rows: Iterable[Attachment], user: Any) -> list[Shown]:
    """What of the attachments a person may see."""
    rows = list(rows)
    if not rows:
        return []
    readable = set(Collection.objects.visible_to(user).values_list("pk", flat=True))
    return [Shown(row, hidden=_place(row) not in readable and _is_place(row)) for row in rows]


def find(user: Any, uuid: UUID) -> Shown:
    """What a question of the user's own carries, or Http404; also where they may not see it."""
    mine = Conversation.objects.visible_to(user)
    rows = Attachment.objects.filter(message__conversation__in=mine).select_related("document")
    (found,) = shown([get_object_or_404(rows, uuid=uuid)], user)
    if found.hidden:
        raise Http404("You may no longer read this document.")
    return found


def _place(row: Attachment) -> int | None:
    return row.document.collection_id if row.document else row.collection_id


def _is_place(row: Attachment) -> bool:
    return row.kind == AttachmentKind.REGION


def regions_of(addresses: Sequence[str], user: Any) -> tuple[Region, ...]:
    """Find the places that a form names. Raises PermanentError."""
    return tuple(regions.find(address, user) for address in dict.fromkeys(addresses))
