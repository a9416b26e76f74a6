"""Measure searches on a question set: run the questions, then report.

A run's rows are JSON: {question, kind, relevant: {page, chunk}, sides: [{page, chunk,
seconds, lists}]}, one side for each profile. Items are "document:page" and chunk ids, both as
texts; `lists` holds the rank of the first relevant chunk in each source, null where it had none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk
from retrieval import background, measures, profiles, spaces
from retrieval.candidates import CandidateFilter, IndexNotReady
from retrieval.leases import STALE_AFTER
from retrieval.models import (
    EvaluationRun,
    EvaluationScope,
    EvaluationState,
    Question,
    QuestionSet,
    SearchProfile,
    SpaceVersion,
)
from retrieval.request import SearchRequest
from retrieval.search import SearchResult, search

# Deep enough that ten different pages are among them.
DEPTH = 60
# A chunk that shares this much of its own or of the gold box's area holds the evidence.
SHARED_AREA = 0.3
MISSED_BELOW = 5
LEVELS = ("page", "chunk")
UNFINISHED = (EvaluationState.QUEUED, EvaluationState.RUNNING)


class NoQuestions(PermanentError):
    code = "no_questions"


def begin(
    question_set: QuestionSet,
    chosen: Sequence[SearchProfile | None],
    *,
    scope: str = EvaluationScope.SET,
    created_by: Any = None,
) -> EvaluationRun:
    """Store a run to be made; None among the profiles stands for the settings.

    Raises NoQuestions.
    """
    sides = [_as_it_is(profile) for profile in chosen]
    return _begun(question_set, sides, scope=scope, created_by=created_by)


def begin_comparison(
    question_set: QuestionSet,
    version: SpaceVersion,
    *,
    scope: str = EvaluationScope.SET,
    created_by: Any = None,
) -> EvaluationRun:
    """Store a run of the live version of a space against one that may take its place.

    Both are searched as people search now, under the live profile. Raises NoQuestions.
    """
    live = SpaceVersion.objects.live().get(space=version.space)
    profile = _as_it_is(SearchProfile.objects.filter(is_live=True).first())
    sides = [profile | {"name": str(one), "version": one.pk} for one in (live, version)]
    return _begun(question_set, sides, scope=scope, created_by=created_by)


def _as_it_is(profile: SearchProfile | None) -> dict[str, Any]:
    if profile is None:
        return {"name": "", "request": {}}
    return {"name": profile.name, "request": profile.request}


def _begun(
    question_set: QuestionSet, sides: list[dict[str, Any]], *, scope: str, created_by: Any
) -> EvaluationRun:
    return EvaluationRun.objects.create(
        question_set=question_set,
        profiles=sides,
        scope=scope,
        total=check_questions(question_set),
        created_by=created_by,
    )


def check_questions(question_set: QuestionSet) -> int:
    """Return how many questions the set holds. Raises NoQuestions."""
    count = question_set.questions.count()
    if not count:
        raise NoQuestions(f"The set {question_set} has no question to measure by: add some first.")
    return count


def proceed(run: EvaluationRun, *, until: float = inf) -> bool:
    """Ask the questions that are left, then write the report; False if the clock ran out.

    A run that is over, or that another process is at, is left alone.
    Raises PermanentError or TransientError as a search does, and rest_framework's
    ValidationError when a profile no longer fits.
    """
    if not _unattended().filter(pk=run.pk).update(seen_at=timezone.now()):
        return True
    run.refresh_from_db()
    try:
        return _proceed(run, until)
    finally:
        run.seen_at = None
        EvaluationRun.objects.filter(pk=run.pk).update(seen_at=None)


def ask_again() -> None:
    """Have the workers take up the runs that nobody is at, as after a restart."""
    for pk in _unattended().values_list("pk", flat=True):
        background.request_once("run_evaluation", pk)


def _unattended() -> QuerySet[EvaluationRun]:
    runs = EvaluationRun.objects.filter(state__in=UNFINISHED)
    return runs.filter(Q(seen_at=None) | Q(seen_at__lt=timezone.now() - STALE_AFTER))


def _proceed(run: EvaluationRun, until: float) -> bool:
    # They may have gone with their documents since.
    check_questions(run.question_set)
    wanted = [_deep(profiles.request_of(profile["request"])) for profile in run.profiles]
    named = [profile.get("version") for profile in run.profiles]
    questions = list(run.question_set.questions.select_related("document"))
    documents = frozenset(question.document_id for question in questions)
    run.state, run.total = EvaluationState.RUNNING, len(questions)
    for question in questions[len(run.rows) :]:
        if time.monotonic() > until:
            _keep(run, "state", "total", "done", "rows")
            return False
        within = run.scope == EvaluationScope.DOCUMENT
        ids = frozenset({question.document_id}) if within else documents
        versions = [_searchable(pk) for pk in named]
        _open_indexes(wanted, versions)
        run.rows.append(ask(question, wanted, CandidateFilter(ids), versions))
        run.done = len(run.rows)
        rows = EvaluationRun.objects.filter(pk=run.pk)
        if not rows.update(done=run.done, state=run.state, seen_at=timezone.now()):
            return True  # Deleted meanwhile, with its set.
    run.report = report(run.rows, [profile["name"] for profile in run.profiles])
    run.state, run.finished_at = EvaluationState.DONE, timezone.now()
    _keep(run, "state", "total", "done", "rows", "report", "finished_at")
    return True


def _keep(run: EvaluationRun, *fields: str) -> None:
    """Store fields of a run; it may have been deleted meanwhile, with its set."""
    values = {field: getattr(run, field) for field in fields}
    EvaluationRun.objects.filter(pk=run.pk).update(**values)


def fail(run: EvaluationRun, problem: str) -> None:
    """End a run that cannot go on; `problem` is a sentence."""
    EvaluationRun.objects.filter(pk=run.pk).update(
        state=EvaluationState.FAILED, error=problem, finished_at=timezone.now()
    )


def _searchable(pk: int | None) -> Sequence[SpaceVersion]:
    """Read the version that a side names, as it is now. Raises PermanentError."""
    if pk is None:
        return ()
    version = SpaceVersion.objects.fed().filter(pk=pk).first()
    if version is None:
        raise PermanentError(
            "A version that was to be compared is not kept up to date any more: compare again."
        )
    return (version,)


def _open_indexes(
    wanted: Sequence[SearchRequest], versions: Sequence[Sequence[SpaceVersion]]
) -> None:
    """Wait for the indexes that are searched: without one of them, less would be found.

    Raises TransientError.
    """
    live = spaces.live_versions()
    searched = set()
    for request, own in zip(wanted, versions, strict=True):
        named = live | {version.space: version for version in own}
        leaves = request.stage.leaves()
        searched |= {named[source.space] for source in leaves if source.space in named}
    for version in searched:
        try:
            spaces.open_index(version, wait=True)
        except IndexNotReady as exc:
            raise TransientError(f"The {version.space} index cannot be searched: {exc}") from exc


def _deep(request: SearchRequest) -> SearchRequest:
    return replace(request, top_k=DEPTH)


def ask(
    question: Question,
    wanted: Sequence[SearchRequest],
    where: CandidateFilter,
    versions: Sequence[Sequence[SpaceVersion]] = (),
) -> dict[str, Any]:
    """Search one question in each way, in its own versions if any; return its row."""
    gold = gold_chunks(question)
    return {
        "question": question.text,
        "document": question.document.title,
        "kind": question.kind,
        "relevant": {
            "page": [page_name(question.document_id, page) for page in question.pages],
            "chunk": [str(pk) for pk in gold],
        },
        "sides": [
            # Measured as if it were asked for the first time.
            _side(
                search(question.text, where=where, request=each, use_cache=False, versions=own),
                gold,
            )
            for each, own in zip(wanted, versions or [()] * len(wanted), strict=True)
        ],
    }


def page_name(document_id: int, page: int) -> str:
    return f"{document_id}:{page}"


def gold_chunks(question: Question) -> set[int]:
    """Return the chunks that hold the evidence: on its pages, and within its boxes if known."""
    chunks = Chunk.objects.live().filter(document=question.document, page_number__in=question.pages)
    boxes = [(int(box[0]), box[1:]) for box in question.boxes]
    return {
        chunk.pk
        for chunk in chunks.only("page_number", "box")
        if not boxes
        or any(page == chunk.page_number and _share(chunk.box, box) for page, box in boxes)
    }


def _share(first: Sequence[float], second: Sequence[float]) -> bool:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return False
    return width * height >= SHARED_AREA * min(_area(first), _area(second))


def _area(box: Sequence[float]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _side(result: SearchResult, gold: set[int]) -> dict[str, Any]:
    chunks = [hit.chunk for hit in result.hits]
    pages = [page_name(chunk.document_id, chunk.page_number) for chunk in chunks]
    lists = {
        label: next((rank for rank, (pk, _) in enumerate(ranking, start=1) if pk in gold), None)
        for label, ranking in result.rankings.items()
    }
    return {
        "page": list(dict.fromkeys(pages))[:DEPTH],
        "chunk": [str(chunk.pk) for chunk in chunks],
        "seconds": result.timings.get("total", 0.0),
        "lists": lists,
    }


# --- the report ------------------------------------------------------------------------------


def report(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Turn rows into measures by level and kind, misses, latencies, and the comparison.

    Pure; the result is JSON.
    """
    sides = [_side_report(rows, number) | {"name": name} for number, name in enumerate(names)]
    comparison = _compared(rows) if len(names) == 2 else {}
    return {"questions": len(rows), "sides": sides, "comparison": comparison}


def _side_report(rows: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    kinds = sorted({row["kind"] for row in rows if row["kind"]})
    return {
        "levels": {level: _estimates(_values(rows, number, level)) for level in LEVELS},
        "kinds": {
            kind: _estimates(_values([r for r in rows if r["kind"] == kind], number, "page"))
            for kind in kinds
        },
        "latency_ms": measures.percentiles([row["sides"][number]["seconds"] for row in rows]),
        "sources": _by_source(rows, number),
        "misses": _misses(rows, number),
    }


def _values(
    rows: Sequence[Mapping[str, Any]], number: int, level: str
) -> dict[str, dict[str, float]]:
    relevant = {str(at): row["relevant"][level] for at, row in enumerate(rows)}
    ranked = {str(at): row["sides"][number][level] for at, row in enumerate(rows)}
    return measures.per_question(relevant, ranked)


def _estimates(values: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    return {
        name: asdict(measures.estimate([each[name] for each in values.values()]))
        for name in measures.names()
    }


def _by_source(rows: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """Of each source's list: how often it held the evidence at all, and in its first ten."""
    labels = dict.fromkeys(label for row in rows for label in row["sides"][number]["lists"])
    found = {}
    for label in labels:
        ranks = [row["sides"][number]["lists"].get(label) for row in rows]
        held = [rank for rank in ranks if rank is not None]
        found[label] = {
            "held": len(held) / len(rows),
            "in_ten": sum(rank <= 10 for rank in held) / len(rows),
        }
    return found


def _misses(rows: Sequence[Mapping[str, Any]], number: int) -> list[dict[str, Any]]:
    """List the questions whose pages are not among the first, and which sources failed."""
    return [
        {
            "question": row["question"],
            "document": row["document"],
            "kind": row["kind"],
            "rank": _first_rank(row, number),
            "failed": [label for label, rank in row["sides"][number]["lists"].items() if not rank],
            "held": {k: rank for k, rank in row["sides"][number]["lists"].items() if rank},
        }
        for row in rows
        if (_first_rank(row, number) or inf) > MISSED_BELOW
    ]


def _first_rank(row: Mapping[str, Any], number: int) -> int | None:
    relevant = set(row["relevant"]["page"])
    ranked: Iterable[tuple[int, str]] = enumerate(row["sides"][number]["page"], start=1)
    return next((rank for rank, page in ranked if page in relevant), None)


def _compared(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first, second = (_values(rows, number, "page") for number in (0, 1))
    return {
        name: asdict(
            measures.compare(
                [each[name] for each in first.values()], [second[at][name] for at in first]
            )
        )
        for name in measures.names()
    }
