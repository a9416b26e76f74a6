"""How fast searching is, by number of vectors and by stage.

    python -m benchmarks.retrieval_speed --data DIR [--sizes 10000,100000,1000000]

Fills a database of its own in a temporary folder with passages that are grown from the PDFs of
DIR (see benchmarks.generated_library), to each size in turn; a million take about 8 GB there.
Queries are the questions of DIR (`questions*.jsonl`), encoded by the model. Searches run as the
API makes them: permissions, encoding, all spaces, fusion and reading the hits, but no reranking;
half of the documents are allowed.

The last lines are JSON, one for each size and one for all: FAISS's own p95 for the 60 nearest and
recall@10 against an exact search, the whole search's p50 and p95, seconds to build all indexes,
and the text index's memory for a million vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import generated_library
from benchmarks.generated_library import Windows

SIZES = [10_000, 100_000, 1_000_000]
SHARES = (0.001, 0.01, 0.05, 0.2, 0.5, 1.0)
# An exact search takes long at a million: so many are compared with, and under each filter.
COMPARED, FILTERED = 100, 30

Times = tuple[float, float]


def main() -> None:
    options = _options()
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="pagewise-speed-", dir=options.folder) as folder:
        _set_up(Path(folder))
        windows, queries = _read(options)
        for size in options.sizes:
            results[str(size)] = _measure(size, windows, queries)
            print(json.dumps({str(size): results[str(size)]}), flush=True)
    print(json.dumps(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with PDFs (or `pdfs/`)")
    parser.add_argument("--questions", type=Path, help="JSON lines with `question`")
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="passages, with commas")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", help="where the temporary files lie")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    sizes = sorted(int(part) for part in text.split(","))
    if sizes[0] < generated_library.CHUNKS_PER_DOCUMENT:
        raise argparse.ArgumentTypeError("sizes begin at 100")
    return sizes


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


def _read(options: argparse.Namespace) -> tuple[Windows, list[str]]:
    from retrieval.embedders import embedder_for

    start = time.perf_counter()
    windows = generated_library.read_windows(options.data, embedder_for("text"))
    queries = generated_library.queries(options.data, options.questions, windows, options.queries)
    count, spent = len(windows.words), time.perf_counter() - start
    print(f"{count:,} real passages of {len(windows.ends)} files, encoded in {spent:.0f} s")
    grown = [generated_library.document(windows, number).vectors for number in range(count // 100)]
    print(f"  neighbours: real      {generated_library.neighbours(windows.vectors)}")
    print(f"  neighbours: generated {generated_library.neighbours(np.concatenate(grown))}")
    return windows, queries


def _measure(size: int, windows: Windows, queries: Sequence[str]) -> dict[str, float]:
    from retrieval import spaces
    from retrieval.embedders import embedder_for

    filled = _timed(lambda: generated_library.grow_to(size, windows))
    print(f"\n{size:,} passages (the database was filled in {filled:.0f} s)", flush=True)
    built = 0.0
    for space, version in spaces.live_versions().items():
        taken = _timed(partial(spaces.rebuild_index, version))
        print(f"  build {space:16s} {taken:9.1f} s", flush=True)
        built += taken
    vectors = embedder_for("text").encode_queries(queries)
    result = {
        **_measure_index(vectors),
        "build_s": round(built, 2),
        **_measure_searches(queries),
    }
    _measure_switch()
    return result


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
    agreed = [
        len(set(index.search(v, limit=10)[0]) & set(index.search(v, limit=10, exact=True)[0])) / 10
        for v in vectors[:COMPARED]
    ]
    times = [_clocked(partial(index.search, vector, limit=60)) for vector in vectors]
    faiss = _percentiles("FAISS, top 60", times)
    print(f"  index                  {json.dumps(index.plan.as_dict())}")
    print(f"  recall@10              {np.mean(agreed):9.3f}")
    memory = state.memory_bytes / state.count
    print(f"  memory per million     {memory:9.0f} MB", flush=True)
    _measure_filters(state, vectors[:FILTERED])
    return {
        "faiss_p95_ms": faiss[1],
        "recall_at_10": round(float(np.mean(agreed)), 4),
        "mb_per_million": round(memory),
    }


def _measure_filters(state: Any, vectors: np.ndarray) -> None:
    from retrieval.candidates import CandidateFilter

    documents = np.unique(state.snapshot.rows.documents)
    dice = np.random.default_rng(3)
    for share in SHARES:
        count = max(1, int(share * len(documents)))
        where = CandidateFilter(frozenset(dice.choice(documents, count, replace=False).tolist()))

        def search(vector: np.ndarray, exact: bool, where: CandidateFilter = where) -> list[int]:
            found = state.search(vector, limit=10, where=where, ef_search=None, exact=exact)
            # Without the scores, whose last digits differ between a scan and a graph.
            return [candidate.chunk_id for candidate in found]

        times = [_clocked(partial(search, vector, False)) for vector in vectors]
        agreed = [len(set(search(v, False)) & set(search(v, True))) / 10 for v in vectors]
        label = f"filter keeps {share:.1%}"
        _percentiles(label, times, f"recall@10 {np.mean(agreed):.3f}")


def _measure_searches(queries: Sequence[str]) -> dict[str, float]:
    """Time the whole search, as the pages and the API make it, by stage."""
    stages: dict[str, list[float]] = {}
    _search(queries[-1])  # The first one opens the indexes.

    def search(query: str) -> None:
        for stage, taken in _search(query).items():
            stages.setdefault(stage, []).append(taken)

    total = _percentiles("whole search", [_clocked(partial(search, query)) for query in queries])
    for stage, all_taken in stages.items():
        _percentiles(f"  of it: {stage}", [(taken, 0.0) for taken in all_taken])
    return {"search_p50_ms": total[0], "search_p95_ms": total[1]}


def _search(query: str) -> dict[str, float]:
    from retrieval import scope
    from retrieval.search import search

    chosen = generated_library.collections()[0]
    start = time.perf_counter()
    where = scope.allowed(chosen.owner, collections=[chosen.pk])
    spent = time.perf_counter() - start
    result = search(query, where=where, rerank=False, use_cache=False)
    assert result.hits
    assert not [note for note in result.notes if "not searched" in note]
    stages = {"permissions": spent, **result.timings}
    del stages["total"]
    return stages


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


def _clocked(action: Callable[[], object]) -> Times:
    """Return the seconds that passed, and those that this process computed in them."""
    start, computed = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - computed


def _percentiles(label: str, times: Sequence[Times], more: str = "") -> tuple[float, float]:
    """Print p50 and p95 in milliseconds, and return those of the time that passed.

    Where they are far above the time computed, the machine had other things to do.
    """
    passed, computed = (
        np.percentile(column, (50, 95)) * 1000 for column in zip(*times, strict=True)
    )
    line = f"  {label:22s} {passed[0]:9.2f} ms p50 {passed[1]:9.2f} ms p95"
    if computed[1]:
        line += f"  (computed {computed[0]:.2f}, {computed[1]:.2f})"
    print(f"{line}  {more}".rstrip(), flush=True)
    return round(float(passed[0]), 2), round(float(passed[1]), 2)


if __name__ == "__main__":
    main()
