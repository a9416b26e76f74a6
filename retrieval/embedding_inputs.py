"""What of a chunk a space's model is given, and which chunks have that at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b

from django.core.files.storage import default_storage
from django.db.models import Q

from ingestion.errors import TransientError
from ingestion.models import Chunk
from retrieval.models import SpaceInput

logger = logging.getLogger(__name__)

HASH_BYTES = 16


def embeddable(space_input: str) -> Q:
    """Return the condition on chunks that have something to give to the model."""
    if space_input == SpaceInput.IMAGE:
        return ~Q(image="")
    described = ~Q(caption="") | ~Q(text="") | ~Q(references="")
    if space_input == SpaceInput.DESCRIPTION:
        return described
    return described | ~Q(heading_path=[])


def text_of(chunk: Chunk, space_input: str) -> str:
    """Return the text that stands for the chunk in a space filled from text."""
    if space_input == SpaceInput.DESCRIPTION:
        # Without the headings: they would make all figures of a section look alike.
        return "\n".join(part for part in (chunk.caption, chunk.text, chunk.references) if part)
    return chunk.context_text


def image_of(chunk: Chunk) -> bytes | None:
    """Read the chunk's crop; None when it is gone.

    Raises TransientError when the storage cannot be read.
    """
    try:
        with default_storage.open(chunk.image) as file:
            return file.read()
    except FileNotFoundError:
        logger.warning("The picture of %s is gone from the storage: %s", chunk, chunk.image)
        return None
    except OSError as exc:
        raise TransientError(
            f"The picture on page {chunk.page_number} cannot be read from the storage."
        ) from exc


def contents(chunks: Sequence[Chunk], space_input: str) -> dict[int, bytes]:
    """Return what each chunk gives, by chunk id: an image file's bytes, or text as UTF-8.

    A chunk whose picture is gone is left out.
    """
    if space_input == SpaceInput.IMAGE:
        given = {chunk.pk: image_of(chunk) for chunk in chunks}
        return {pk: image for pk, image in given.items() if image is not None}
    return {chunk.pk: text_of(chunk, space_input).encode() for chunk in chunks}


def content_hash(content: bytes) -> str:
    return blake2b(content, digest_size=HASH_BYTES).hexdigest()
