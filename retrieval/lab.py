"""One query under two profiles side by side, for the lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rest_framework.exceptions import ValidationError

from ingestion.errors import PermanentError, TransientError
from retrieval import profiles, requests
from retrieval.candidates import CandidateFilter
from retrieval.models import SearchProfile
from retrieval.request import BadRequest, Fusion, Query, SearchRequest, check
from retrieval.search import Hit, SearchResult, search

SHOWN = 15


@dataclass(frozen=True, slots=True)
class Row:
    """One hit, and how many places higher it stands than on the other side; None: not there."""

    hit: Hit
    moved: int | None


@dataclass(frozen=True, slots=True)
class Side:
    """What one profile made of the query; `problem` is a sentence when it could not be run."""

    title: str
    rows: tuple[Row, ...] = ()
    labels: tuple[str, ...] = ()
    timings: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""


def labels() -> list[str]:
    """Name what alpha can weigh: the sources of the settings' request."""
    return [source.label for source in requests.of_settings().stage.sources]


def side_by_side(
    query: Query,
    chosen: Sequence[SearchProfile | None],
    where: CandidateFilter,
    *,
    alpha: float | None = None,
    between: tuple[str, str] = ("text", "image"),
) -> list[Side]:
    """Run the query under each profile; None stands for the settings.

    With `alpha`, the last one fuses by weighted scores, alpha between two of its sources.
    """
    results: list[tuple[str, SearchResult | str]] = []
    for number, profile in enumerate(chosen):
        swept = alpha if number == len(chosen) - 1 else None
        title = profile.name if profile else "Settings"
        if swept is not None:
            title = f"{title}, alpha {swept:g} of {between[0]} against {between[1]}"
        results.append((title, _run(query, profile, where, swept, between)))
    return [_side(number, results) for number in range(len(results))]


def _run(
    query: Query,
    profile: SearchProfile | None,
    where: CandidateFilter,
    alpha: float | None,
    between: tuple[str, str],
) -> SearchResult | str:
    try:
        request = profiles.request_of(profile.request if profile else {})
        if alpha is not None:
            request = _with_alpha(request, alpha, between)
        return search(query, where=where, request=replace(request, top_k=SHOWN), use_cache=False)
    except ValidationError as exc:
        return profiles.problem_in(exc)
    except (BadRequest, PermanentError, TransientError) as exc:
        return str(exc)


def _with_alpha(request: SearchRequest, alpha: float, between: tuple[str, str]) -> SearchRequest:
    fusion = Fusion("weighted", alpha=alpha, between=between)
    swept = replace(request, stage=replace(request.stage, fusion=fusion))
    check(swept, requests.known_spaces())
    return swept


def _side(number: int, results: Sequence[tuple[str, SearchResult | str]]) -> Side:
    title, result = results[number]
    if isinstance(result, str):
        return Side(title, problem=result)
    other: Any = results[1 - number][1] if len(results) == 2 else None
    there = {} if other is None or isinstance(other, str) else _ranks(other)
    rows = [
        Row(hit, there[hit.chunk.pk] - hit.rank if hit.chunk.pk in there else None)
        for hit in result.hits
    ]
    return Side(title, tuple(rows), tuple(result.rankings), _milliseconds(result), result.notes)


def _ranks(result: SearchResult) -> dict[int, int]:
    return {hit.chunk.pk: hit.rank for hit in result.hits}


def _milliseconds(result: SearchResult) -> dict[str, float]:
    return {stage: seconds * 1000 for stage, seconds in result.timings.items()}
