"""Snapshots of a space version on disk: written beside, switched in one step, verified on load.

A snapshot is a folder with `manifest.json` (what it is, of which revision, and its files'
checksums), `index.faiss`, `rows.npz`, and `vectors.f32` where the index is quantised. It is
never changed once it is current.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from retrieval import index_folders
from retrieval.faiss_index import IndexDamaged, VectorIndex
from retrieval.index_folders import MANIFEST_FILE
from retrieval.index_plan import IndexPlan
from retrieval.rows import Rows

FORMAT = 1
INDEX_FILE, ROWS_FILE, VECTORS_FILE = "index.faiss", "rows.npz", "vectors.f32"


class SnapshotUnusable(Exception):
    """Damaged, or of something else; it must be rebuilt, and the reason says why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a snapshot must be of, to be served for a space version."""

    version: str
    model: str
    dimension: int
    metric: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds: `revision` is the change up to which it is complete."""

    identity: Identity
    revision: int
    count: int
    index: dict[str, Any]
    built_at: str
    checksums: dict[str, str]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Snapshot:
    name: str
    manifest: Manifest
    index: VectorIndex
    rows: Rows


def load(folder: Path, identity: Identity) -> Snapshot | None:
    """Load and verify the current snapshot; None when there is none.

    Raises SnapshotUnusable when it is damaged, or of another model or database.
    """
    name = index_folders.current_name(folder)
    if not name:
        return None
    manifest = _verified(folder / name, identity)
    try:
        return _open(folder / name, manifest)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, IndexDamaged) as exc:
        raise SnapshotUnusable(f"snapshot {name} cannot be read: {exc}") from exc


def verify(folder: Path, identity: Identity) -> None:
    """Verify the current snapshot, if there is one, without loading it.

    Raises SnapshotUnusable.
    """
    name = index_folders.current_name(folder)
    if name:
        _verified(folder / name, identity)


def _verified(place: Path, identity: Identity) -> Manifest:
    try:
        manifest = read_manifest(place)
        _check(place, manifest, identity)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SnapshotUnusable(f"snapshot {place.name} cannot be read: {exc}") from exc
    return manifest


def read_manifest(place: Path) -> Manifest:
    """Read a snapshot's manifest. Raises OSError, or ValueError when it is not as written."""
    fields = json.loads((place / MANIFEST_FILE).read_text())
    if fields.pop("seal", "") != _seal(fields):
        raise ValueError("its manifest has changed")
    return Manifest(**{**fields, "identity": Identity(**fields["identity"])})


def write_manifest(place: Path, manifest: Manifest) -> None:
    fields = asdict(manifest)
    text = json.dumps({**fields, "seal": _seal(fields)}, indent=2)
    (place / MANIFEST_FILE).write_text(text)


def _seal(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _check(place: Path, manifest: Manifest, identity: Identity) -> None:
    if manifest.format != FORMAT:
        raise SnapshotUnusable(f"snapshot {place.name} is of format {manifest.format}")
    if manifest.identity != identity:
        raise SnapshotUnusable(f"snapshot {place.name} is of something else: {manifest.identity}")
    for file, checksum in manifest.checksums.items():
        if checksum_of(place / file) != checksum:
            raise SnapshotUnusable(f"snapshot {place.name} is damaged: {file} has changed")


def _open(place: Path, manifest: Manifest) -> Snapshot:
    with np.load(place / ROWS_FILE, allow_pickle=False) as arrays:
        rows = Rows(*(arrays[name] for name in ("chunks", "documents", "kinds", "pages")))
    full = None
    if VECTORS_FILE in manifest.checksums:
        full = vector_file(place / VECTORS_FILE, manifest.identity.dimension)
    index = VectorIndex.load(
        place / INDEX_FILE,
        IndexPlan(**manifest.index),
        metric=manifest.identity.metric,
        full=full,
    )
    if not len(index) == len(rows) == manifest.count:
        raise SnapshotUnusable(f"snapshot {place.name} has {len(index)} vectors, {len(rows)} rows")
    return Snapshot(place.name, manifest, index, rows)


def vector_file(path: Path, dimension: int) -> np.ndarray:
    """Map a file of float32 vectors as (n, dimension)."""
    if not path.stat().st_size:
        return np.empty((0, dimension), dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r").reshape(-1, dimension)


def publish(
    place: Path,
    *,
    index: VectorIndex,
    rows: Rows,
    identity: Identity,
    revision: int,
    built_at: str,
    still_ours: Callable[[], None],
) -> Manifest:
    """Write the files into the workplace, then make it the current snapshot in one step.

    `still_ours` raises when another writer has taken over; nothing is switched then.
    """
    index.save(place / INDEX_FILE)
    np.savez(
        place / ROWS_FILE,
        chunks=rows.chunks,
        documents=rows.documents,
        kinds=rows.kinds,
        pages=rows.pages,
    )
    files = [INDEX_FILE, ROWS_FILE, *([VECTORS_FILE] if index.keeps_full_vectors else [])]
    if not index.keeps_full_vectors:
        (place / VECTORS_FILE).unlink(missing_ok=True)
    manifest = Manifest(
        identity=identity,
        revision=revision,
        count=len(rows),
        index=index.plan.as_dict(),
        built_at=built_at,
        checksums={file: checksum_of(place / file) for file in files},
    )
    write_manifest(place, manifest)
    for file in [*files, MANIFEST_FILE]:
        index_folders.flush(place / file)
    still_ours()
    index_folders.switch_to(place)
    return manifest


def checksum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
