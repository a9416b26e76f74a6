"""Fill spaces: give every chunk its vector in every space version that is kept current."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from ingestion import pipeline
from ingestion.errors import PermanentError
from ingestion.models import Chunk, Document
from retrieval import background, changes, refusals, vectors
from retrieval.embedders import (
    Embedder,
    InputRefused,
    ModelAway,
    ModelUnavailable,
    embedder_for,
)
from retrieval.embedding_inputs import content_hash, contents, embeddable
from retrieval.models import Embedding, SpaceInput, SpaceVersion

logger = logging.getLogger(__name__)

# Batches per slice: a slice is stored, and shown as progress, in one transaction.
BATCHES_PER_SLICE = 4


@dataclass(frozen=True, slots=True)
class Made:
    """One chunk's new vector, packed."""

    chunk_id: int
    content_hash: str
    vector: bytes


def embed_document(document: Document, run: str) -> bool:
    """Embed the chunks that the document is about to publish; False means: more to do later.

    A space whose model cannot be had, or does not answer now, is left out: its vectors are made
    when the model comes.
    Raises PermanentError, or pipeline.Superseded when another run took over.
    """
    chunks = document.chunks.filter(generation=_generation_in_hand(document))
    progress = _Progress(document, run, chunks)
    turn = pipeline.Turn(document)
    for version in progress.versions:
        for chunk_ids in _slices(missing(version, chunks), version):
            made = _made_if_possible(version, chunk_ids)
            with transaction.atomic():
                progress.advance(len(chunk_ids))
                _store(version, made or [])
            if made is None:
                break
            if turn.is_over():
                return False
    progress.finish()
    return True


def _made_if_possible(version: SpaceVersion, chunk_ids: Sequence[int]) -> list[Made] | None:
    try:
        return make(version, chunk_ids)
    except (ModelUnavailable, ModelAway) as exc:
        logger.warning("%s is not filled now: %s", version, exc)
        return None


def _generation_in_hand(document: Document) -> int:
    coming = document.chunks.filter(generation=document.next_generation)
    return document.next_generation if coming.exists() else document.live_generation


class _Progress:
    """The run's progress over all spaces, shown as a number of chunks."""

    def __init__(self, document: Document, run: str, chunks: QuerySet[Chunk]) -> None:
        self._document = document
        self._run = run
        self._chunks = chunks.count()
        self.versions: list[SpaceVersion] = []
        self._total = self._done = 0
        for version in fed_versions():
            left = missing(version, chunks).count()
            # A model is loaded, or downloaded, only when there is something for it to do.
            if left and is_model_at_hand(version):
                self.versions.append(version)
                wanted = in_space(version, chunks).count()
                self._total, self._done = self._total + wanted, self._done + wanted - left

    def advance(self, count: int) -> None:
        """Store progress. Raises pipeline.Superseded."""
        self._done += count
        share = min(1.0, self._done / max(1, self._total))
        self._keep(int(share * self._chunks))

    def finish(self) -> None:
        self._keep(self._chunks)

    def _keep(self, chunks_embedded: int) -> None:
        pipeline.keep(self._document.pk, self._run, chunks_embedded=chunks_embedded, attempts=0)


def fed_versions() -> list[SpaceVersion]:
    """Versions with vectors that new documents are written to, of spaces that still exist."""
    versions = SpaceVersion.objects.fed().with_vectors().filter(space__in=settings.SPACES)
    return list(versions.order_by("space", "number"))


def is_model_at_hand(version: SpaceVersion) -> bool:
    """Load the version's model; False, and a line in the log, when it cannot be had."""
    try:
        load_model(version)
    except (ModelUnavailable, ModelAway) as exc:
        logger.warning("%s is not filled now: %s", version, exc)
        return False
    return True


def load_model(version: SpaceVersion) -> None:
    """Load the version's model, and note its dimension if that was not known before.

    Raises ModelUnavailable.
    """
    embedder = embedder_of(version)
    if version.dimension == 0:
        version.dimension = embedder.dimension
        version.save(update_fields=["dimension"])


def embedder_of(version: SpaceVersion) -> Embedder:
    """Return what made the version's vectors. Raises ModelUnavailable."""
    return embedder_for(version.space, version.model)


def in_space(version: SpaceVersion, chunks: QuerySet[Chunk]) -> QuerySet[Chunk]:
    """Keep the chunks that belong into the space and have something to give to its model."""
    kinds = settings.SPACES[version.space]["kinds"]
    return chunks.filter(embeddable(version.input), kind__in=kinds)


def missing(version: SpaceVersion, chunks: QuerySet[Chunk]) -> QuerySet[Chunk]:
    """Keep those of them that lack their vector."""
    theirs = Embedding.objects.filter(space_version=version, chunk=OuterRef("pk"))
    return in_space(version, chunks).filter(~Exists(theirs))


def lacks_some(version: SpaceVersion) -> bool:
    """Tell whether published chunks lack a vector that their model has not just refused."""
    refused = refusals.known(version)
    lacking = missing(version, Chunk.objects.live()).order_by()
    return any(pk not in refused for pk in lacking.values_list("pk", flat=True).iterator())


def _slices(chunks: QuerySet[Chunk], version: SpaceVersion) -> Iterator[list[int]]:
    # Chunks of like length together: a batch is padded to its longest member.
    ids = list(chunks.order_by("token_count", "pk").values_list("pk", flat=True))
    size = settings.SPACES[version.space]["batch_size"] * BATCHES_PER_SLICE
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def make(version: SpaceVersion, chunk_ids: Sequence[int]) -> list[Made]:
    """Make the chunks' vectors, encoding no content twice. Stores nothing.

    What the model refuses is left out, the log says so, and it is not asked again for a day.
    Raises ModelUnavailable, PermanentError for a model of another kind, TransientError.
    """
    tried = set(chunk_ids) - refusals.known(version)
    chunks = Chunk.objects.filter(pk__in=tried).order_by("token_count", "pk")
    given = contents(list(chunks), version.input)
    hashes = {pk: content_hash(content) for pk, content in given.items()}
    known = _known_vectors(version, set(hashes.values()))
    known |= _encoded(version, {key: given[pk] for pk, key in hashes.items() if key not in known})
    if refused := [pk for pk, key in hashes.items() if key not in known]:
        logger.warning("%s goes without the chunks %s.", version, refused)
        refusals.remember(version, refused)
    return [Made(pk, key, known[key]) for pk, key in hashes.items() if key in known]


def _encoded(version: SpaceVersion, given: Mapping[str, bytes]) -> dict[str, bytes]:
    """Encode contents by their hashes; where one of them is refused, each by itself."""
    try:
        rows = vectors.checked(_encode(version, list(given.values())), version)
    except InputRefused as exc:
        if len(given) == 1:
            logger.warning("%s refused a chunk: %s", version, exc)
            return {}
        each = [_encoded(version, {key: content}) for key, content in given.items()]
        return {key: vector for one in each for key, vector in one.items()}
    return {key: vectors.pack(row) for key, row in zip(given, rows, strict=True)}


def _known_vectors(version: SpaceVersion, hashes: set[str]) -> dict[str, bytes]:
    alike = SpaceVersion.objects.filter(
        space=version.space,
        model=version.model,
        input=version.input,
        metric=version.metric,
        dimension=version.dimension,
    )
    same = Embedding.objects.filter(space_version__in=alike, content_hash__in=hashes)
    rows = same.values_list("content_hash", "vector")
    return {key: bytes(vector) for key, vector in rows}


def _encode(version: SpaceVersion, given: list[bytes]) -> np.ndarray:
    if not given:
        return np.empty((0, version.dimension), dtype=np.float32)
    embedder = embedder_of(version)
    batch_size = settings.SPACES[version.space]["batch_size"]
    if version.input == SpaceInput.IMAGE:
        return embedder.encode_images(given, batch_size=batch_size)
    return embedder.encode_texts([text.decode() for text in given], batch_size=batch_size)


def _store(version: SpaceVersion, made: Sequence[Made]) -> None:
    Embedding.objects.bulk_create(
        [
            Embedding(
                chunk_id=one.chunk_id,
                space_version=version,
                vector=one.vector,
                content_hash=one.content_hash,
            )
            for one in made
        ],
        ignore_conflicts=True,
    )


def fill_document(
    version: SpaceVersion, document: Document, *, after_slice: Callable[[int], None]
) -> int:
    """Give a published document's chunks the vectors that one version lacks; return how many.

    `after_slice` is told the number of each slice, with those that no vector can be made of.
    What was re-parsed or deleted meanwhile is left alone: its new chunks come down the pipeline.
    """
    generation, filled = document.live_generation, 0
    chunks = document.chunks.filter(generation=generation)
    for chunk_ids in _slices(missing(version, chunks), version):
        made = make(version, chunk_ids)
        with transaction.atomic():
            if not _is_still_live(document, generation):
                return filled
            if made:
                _store(version, made)
                changes.record(document.pk, versions=[version])
        filled += len(made)
        after_slice(len(chunk_ids))
    return filled


def _is_still_live(document: Document, generation: int) -> bool:
    # Locked, so that the document is not published anew or deleted until this is committed.
    same = Document.objects.filter(pk=document.pk, live_generation=generation)
    return same.select_for_update(no_key=True).exists()


def request_fill(version: SpaceVersion) -> None:
    """Have a worker make the vectors that the version lacks, also those that were refused."""
    refusals.forget(version)
    background.request("build_space_version", version.pk)


def request_remake(version: SpaceVersion, chunk: Chunk) -> None:
    """Have a worker make one chunk's vector in one version again.

    Raises PermanentError where the version holds no vector of such a chunk.
    """
    held = version.dimension and in_space(version, Chunk.objects.filter(pk=chunk.pk)).exists()
    if not held:
        raise PermanentError(f"The space {version.space} has no vector of this {chunk.kind} chunk.")
    transaction.on_commit(lambda: background.request("remake_vector", version.pk, chunk.pk))


def remake(version: SpaceVersion, chunk: Chunk) -> None:
    """Make one chunk's vector in one version again, and touch no other.

    Raises ModelUnavailable, PermanentError for what the model cannot read, TransientError.
    """
    load_model(version)
    given = contents([chunk], version.input)
    made = [
        Made(pk, content_hash(content), vectors.pack(row))
        for pk, content in given.items()
        for row in vectors.checked(_encode(version, [content]), version)
    ]
    with transaction.atomic():
        if not _is_still_live(chunk.document, chunk.generation):
            return
        Embedding.objects.filter(chunk=chunk, space_version=version).delete()
        _store(version, made)
        changes.record(chunk.document_id, versions=[version])
