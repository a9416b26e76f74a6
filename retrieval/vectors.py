"""Vectors between the model, the database and the indexes: float32, little-endian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import F, QuerySet

from ingestion.errors import PermanentError
from retrieval.models import Embedding, SpaceVersion
from retrieval.rows import Rows

LITTLE_ENDIAN = np.dtype("<f4")
ROWS_PER_BATCH = 2000
DOCUMENTS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """Rows with their vectors, (n, dimension) float32."""

    rows: Rows
    vectors: np.ndarray


def checked(vectors: np.ndarray, version: SpaceVersion) -> np.ndarray:
    """Return (n, dimension) float32 vectors as the version's metric wants them.

    Raises PermanentError when the shape or a value is wrong: a wrong vector that is stored
    is found much later, as a wrong answer.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != version.dimension:
        raise PermanentError(
            f"The model of {version} made vectors of shape {vectors.shape}, "
            f"not of {version.dimension} dimensions."
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise PermanentError(f"The model of {version} made a vector that is not finite.")
    if version.metric != "cosine":
        return vectors
    # Inner product equals cosine only because documents and queries are both normalised here.
    return vectors / np.where(lengths == 0, 1, lengths)


def pack(vector: np.ndarray) -> bytes:
    return vector.astype(LITTLE_ENDIAN).tobytes()


def unpack(blobs: Sequence[bytes], dimension: int) -> np.ndarray:
    """Return the (n, dimension) float32 matrix of stored vectors."""
    matrix = np.frombuffer(b"".join(blobs), dtype=LITTLE_ENDIAN)
    return matrix.reshape(len(blobs), dimension).astype(np.float32, copy=False)


def live_embeddings(version: SpaceVersion) -> QuerySet[Embedding]:
    """The version's embeddings that are searched: those of published chunks."""
    return Embedding.objects.filter(
        space_version=version, chunk__generation=F("chunk__document__live_generation")
    )


def stream(version: SpaceVersion) -> Iterator[VectorBatch]:
    """Yield all that is searched, in batches, in memory bounded by the batch."""
    yield from _batches(live_embeddings(version), version.dimension)


def all_of(version: SpaceVersion) -> VectorBatch:
    """Load all that is searched, in little more memory than it takes in the end."""
    matrix = np.empty((live_embeddings(version).count(), version.dimension), dtype=np.float32)
    parts: list[Rows] = []
    late: list[np.ndarray] = []
    filled = 0
    for batch in stream(version):
        parts.append(batch.rows)
        fitting = batch.vectors[: len(matrix) - filled]
        matrix[filled : filled + len(fitting)] = fitting
        filled += len(fitting)
        if len(fitting) < len(batch.rows):  # Published since they were counted.
            late.append(batch.vectors[len(fitting) :])
    matrix = matrix[:filled]
    return VectorBatch(Rows.joined(parts), np.concatenate([matrix, *late]) if late else matrix)


def of_documents(version: SpaceVersion, document_ids: Sequence[int]) -> VectorBatch:
    """Load what is searched of these documents, in few queries."""
    parts: list[VectorBatch] = []
    for start in range(0, len(document_ids), DOCUMENTS_PER_QUERY):
        some = document_ids[start : start + DOCUMENTS_PER_QUERY]
        rows = live_embeddings(version).filter(chunk__document__in=some)
        parts.extend(_batches(rows, version.dimension))
    return joined(parts, version.dimension)


def of_chunks(version: SpaceVersion, chunk_ids: Sequence[int]) -> VectorBatch:
    """Load what is searched of a few hundred chunks at most, in one query."""
    rows = live_embeddings(version).filter(chunk__in=chunk_ids)
    return joined(list(_batches(rows, version.dimension)), version.dimension)


def of_embeddings(version: SpaceVersion, ids: Sequence[int]) -> VectorBatch:
    """Load embeddings by their own ids."""
    parts: list[VectorBatch] = []
    for start in range(0, len(ids), DOCUMENTS_PER_QUERY):
        rows = live_embeddings(version).filter(pk__in=ids[start : start + DOCUMENTS_PER_QUERY])
        parts.extend(_batches(rows, version.dimension))
    return joined(parts, version.dimension)


def joined(parts: Sequence[VectorBatch], dimension: int) -> VectorBatch:
    empty = np.empty((0, dimension), dtype=np.float32)
    some = [part for part in parts if len(part.rows)]
    return VectorBatch(
        Rows.joined([part.rows for part in some]),
        np.concatenate([empty, *(part.vectors for part in some)]),
    )


def _batches(embeddings: QuerySet[Embedding], dimension: int) -> Iterator[VectorBatch]:
    fields = embeddings.values_list(
        "chunk_id", "chunk__document_id", "chunk__kind", "chunk__page_number", "vector"
    )
    batch: list[tuple] = []
    for entry in fields.iterator(chunk_size=ROWS_PER_BATCH):
        batch.append(entry)
        if len(batch) == ROWS_PER_BATCH:
            yield _batch(batch, dimension)
            batch = []
    if batch:
        yield _batch(batch, dimension)


def _batch(entries: Sequence[tuple], dimension: int) -> VectorBatch:
    rows = Rows.of([entry[:4] for entry in entries])
    return VectorBatch(rows, unpack([entry[4] for entry in entries], dimension))
