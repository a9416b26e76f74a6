"""How fast searching is, by number of vectors and by stage.

    python benchmarks/retrieval_speed.py --sizes 10000,100000,1000000

Fills a database of its own in a temporary folder with generated passages. Their vectors are
those of the text model for two thousand generated sentences, moved about at random, so that
neighbourhoods are as uneven as those of real text. Queries are encoded by the model, searched
in all spaces, and fused, under permissions that leave half of the documents.

The last line is JSON: by size, FAISS's own p95 and recall@10 against an exact search, the
whole search's p50 and p95 (query encoding included, no reranking), seconds to build the
indexes, and the text index's memory for a million vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

CHUNKS_PER_DOCUMENT = 100
WORDS_PER_CHUNK = 60
SENTENCES = 2000
NOISE = 0.6
BATCH = 5000
STEMS = ("bal", "cor", "den", "fal", "gor", "hin", "jul", "kar", "lom", "mer", "nor", "pel", "ras")
ENDS = ("ance", "ation", "ent", "ing", "ity", "ment", "ness", "or", "ship", "tion", "ture", "ward")
VOCABULARY = [a + b + c + end for a in STEMS for b in STEMS for c in STEMS for end in ENDS]


def main() -> None:
    options = _options()
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="pagewise-speed-", dir=options.folder) as folder:
        _set_up(Path(folder))
        for size in options.sizes:
            results[str(size)] = _measure(size, options.queries)
    print(json.dumps(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sizes = [10_000, 100_000]
    parser.add_argument("--sizes", type=_numbers, default=sizes, help="ascending, with commas")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", help="where the temporary files lie")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(","))


def _set_up(folder: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "rag_site.settings"
    os.environ["DATA_DIR"] = str(folder)
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'speed.sqlite3'}"
    os.environ.update(MODEL_DOWNLOADS="false", LOG_LEVEL="ERROR", SEARCH_CACHE_SECONDS="0")
    import django

    django.setup()
    from django.core.management import call_command

    from retrieval import compiling, spaces

    call_command("migrate", verbosity=0)
    spaces.sync()
    # What a worker does at its start.
    compiling.compile_all()


# --- the library -----------------------------------------------------------------------------


def _sentence(words: int, dice: random.Random) -> str:
    # As in real text, few words are frequent and most are rare.
    ranks = (min(int(dice.paretovariate(0.6)), len(VOCABULARY)) for _ in range(words))
    return " ".join(VOCABULARY[rank - 1] for rank in ranks)


def _models_vectors() -> np.ndarray:
    from retrieval.embedders import embedder_for

    dice = random.Random(1)
    sentences = [_sentence(12, dice) for _ in range(SENTENCES)]
    return embedder_for("text").encode_texts(sentences, batch_size=64)


def _moved(base: np.ndarray, count: int, dice: np.random.Generator) -> np.ndarray:
    noise = dice.standard_normal((count, base.shape[1])).astype(np.float32)
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors = base[dice.integers(0, len(base), count)] + noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _grow_to(size: int, base: np.ndarray) -> None:
    from ingestion.models import Chunk

    held = Chunk.objects.count()
    while held < size:
        count = min(BATCH, size - held)
        _add(held, count, _moved(base, count, np.random.default_rng(held)))
        held += count


def _add(first: int, count: int, vectors: np.ndarray) -> None:
    from django.db import transaction

    from ingestion.models import Chunk, Document, Page
    from retrieval import changes, spaces
    from retrieval.models import Embedding

    dice = random.Random(first)
    live = spaces.live_versions()
    with transaction.atomic():
        documents = [
            Document(
                collection=_collection(),
                title="Generated",
                sha256=f"{first}-{number}",
                size_bytes=1,
                live_generation=1,
                state="ready",
            )
            for number in range(count // CHUNKS_PER_DOCUMENT)
        ]
        Document.objects.bulk_create(documents)
        pages = [Page(document=document, number=1) for document in documents]
        Page.objects.bulk_create(pages)
        chunks = [
            Chunk(
                document=documents[number // CHUNKS_PER_DOCUMENT],
                page=pages[number // CHUNKS_PER_DOCUMENT],
                generation=1,
                order=number % CHUNKS_PER_DOCUMENT,
                kind="image" if number % 10 == 0 else "text",
                page_number=1 + number % 20,
                box=[0, 0, 1, 1],
                text=_sentence(WORDS_PER_CHUNK, dice),
            )
            for number in range(count)
        ]
        Chunk.objects.bulk_create(chunks, batch_size=BATCH)
        Embedding.objects.bulk_create(
            Embedding(chunk=chunk, space_version=version, vector=vector.tobytes())
            for chunk, vector in zip(chunks, vectors, strict=True)
            for version in (live["text"], live["image"])
            if version.space == "text" or chunk.kind == "image"
        )
        for document in documents:
            changes.record(document.pk)


def _collection() -> Any:
    from django.contrib.auth import get_user_model

    from ingestion.models import Collection

    owner, _ = get_user_model().objects.get_or_create(username="speed", is_superuser=True)
    return Collection.objects.get_or_create(owner=owner, name="Generated")[0]


# --- measuring -------------------------------------------------------------------------------


def _measure(size: int, queries: int) -> dict[str, float]:
    base = _models_vectors()
    filled = _timed(lambda: _grow_to(size, base))
    print(f"\n{size:,} passages (the database was filled in {filled:.0f} s)")
    built = _timed(_build_all)
    print(f"  build all indexes      {built:9.1f} s")
    vectors = _moved(base, queries, np.random.default_rng(7))
    result = {**_measure_index(vectors), "build_s": round(built, 2), **_measure_searches(queries)}
    _measure_switch()
    return result


def _build_all() -> None:
    from retrieval import spaces

    for version in spaces.live_versions().values():
        spaces.rebuild_index(version)


def _measure_index(vectors: np.ndarray) -> dict[str, float]:
    """Time FAISS alone on the text space, and compare it with an exact search."""
    from retrieval import space_reader, spaces

    version = spaces.live_versions()["text"]
    reader = space_reader.reader_of(version)
    reader.current(version)
    reader.wait_for_loader()
    state = reader.current(version)
    assert state.snapshot is not None
    index = state.snapshot.index
    walked = [index.search(vector, limit=10)[0] for vector in vectors]
    exact = [index.search(vector, limit=10, exact=True)[0] for vector in vectors]
    agreed = [len(set(some) & set(all_)) / 10 for some, all_ in zip(walked, exact, strict=True)]
    seconds = [_timed(partial(index.search, vector, limit=60)) for vector in vectors]
    faiss = _percentiles(f"FAISS, {index.plan.type}", seconds)
    _measure_filters(state, vectors)
    memory = state.memory_bytes / state.count
    print(f"  recall@10              {np.mean(agreed):9.3f}")
    print(f"  memory per million     {memory:9.0f} MB")
    return {
        "faiss_p95_ms": faiss[1],
        "recall_at_10": round(float(np.mean(agreed)), 4),
        "mb_per_million": round(memory),
    }


def _measure_filters(state: Any, vectors: np.ndarray) -> None:
    from retrieval.candidates import CandidateFilter

    documents = np.unique(state.snapshot.rows.documents)
    dice = np.random.default_rng(3)
    for share in (0.001, 0.01, 0.1, 0.5, 1.0):
        count = max(1, int(share * len(documents)))
        where = CandidateFilter(frozenset(dice.choice(documents, count, replace=False).tolist()))

        def search(vector: np.ndarray, exact: bool, where: CandidateFilter = where) -> list[int]:
            found = state.search(vector, limit=10, where=where, ef_search=None, exact=exact)
            # Without the scores, whose last digits differ between a scan and a graph.
            return [candidate.chunk_id for candidate in found]

        seconds = [_timed(partial(search, vector, False)) for vector in vectors]
        agreed = [len(set(search(v, False)) & set(search(v, True))) / 10 for v in vectors[:50]]
        label = f"filter keeps {share:.1%}"
        _percentiles(label, seconds, f"recall@10 {np.mean(agreed):.3f}")


def _measure_searches(queries: int) -> dict[str, float]:
    """Time the whole search, as the pages and the API make it, by stage."""
    from ingestion.models import Document
    from retrieval.candidates import CandidateFilter
    from retrieval.search import search

    ids = list(Document.objects.values_list("pk", flat=True))
    where = CandidateFilter(frozenset(ids[::2]))
    dice = random.Random(5)
    search(_sentence(8, dice), where=where, rerank=False, use_cache=False)
    stages: dict[str, list[float]] = {}
    for _ in range(queries):
        result = search(_sentence(8, dice), where=where, rerank=False, use_cache=False)
        assert result.hits
        assert not [note for note in result.notes if "not searched" in note]
        for stage, taken in result.timings.items():
            stages.setdefault(stage, []).append(taken)
    total = _percentiles("whole search", stages.pop("total"))
    for stage, all_taken in stages.items():
        _percentiles(f"  of it: {stage}", all_taken)
    return {"search_p50_ms": total[0], "search_p95_ms": total[1]}


def _measure_switch() -> None:
    """Time until a running process searches a snapshot that was just built."""
    from retrieval import building, space_reader, spaces

    version = spaces.live_versions()["text"]
    building.build_snapshot(version)
    reader = space_reader.reader_of(version)

    def switch() -> None:
        reader.current(version)
        reader.wait_for_loader()
        reader.current(version)

    seconds = _timed(switch)
    print(f"  take a snapshot over   {seconds:9.2f} s, while the old one answers")


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _percentiles(label: str, seconds: Sequence[float], more: str = "") -> tuple[float, float]:
    """Print and return p50 and p95 in milliseconds."""
    p50, p95 = (round(float(np.percentile(seconds, at)) * 1000, 2) for at in (50, 95))
    print(f"  {label:22s} {p50:9.2f} ms p50 {p95:9.2f} ms p95  {more}".rstrip())
    return p50, p95


if __name__ == "__main__":
    main()
