"""What a search asks for: sources, how they are fused, and what puts the best in order.

Pure. A stage asks its sources, merges their lists, and may put the best of the merged list in
order by a final stage. A source may be a stage itself, so stages nest: prefetch, fuse,
re-score, fuse again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from retrieval.conditions import Filter

KEYWORDS = "keywords"

FinalMethod = Literal["cross_encoder", "rescore"]
FINAL_METHODS: tuple[FinalMethod, ...] = ("cross_encoder", "rescore")

# One request must not keep everybody else waiting. Of all its stages together:
MAX_SOURCES = 20
MAX_CROSS_ENCODERS = 2
# Passages that a cross-encoder reads for all its queries together: some minutes on two cores.
MAX_READ = 2560


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: a text, a picture, or both; `like` is a chunk to find more like.

    Where a text and a picture are given, their vectors are added with these weights.
    """

    text: str = ""
    image: bytes | None = None
    like: int | None = None
    text_weight: float = 1.0
    image_weight: float = 1.0

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.has_picture

    @property
    def has_picture(self) -> bool:
        return self.image is not None or self.like is not None


@dataclass(frozen=True, slots=True)
class Source:
    """One list of candidates: a space's nearest vectors, or the best by keywords.

    `ef_search` and `exact` are for spaces only; `filter` narrows this list alone.
    """

    space: str
    name: str = ""
    limit: int = 60
    weight: float = 1.0
    ef_search: int | None = None
    exact: bool = False
    filter: Filter | None = None

    @property
    def label(self) -> str:
        return self.name or self.space


@dataclass(frozen=True, slots=True)
class Fusion:
    """How lists become one; `k` is for rrf only.

    With `alpha`, the first of the two sources in `between` weighs alpha and the second
    1 - alpha, whatever their own weights.
    """

    method: str = "rrf"
    k: int = 60
    alpha: float | None = None
    between: tuple[str, str] = ("text", "image")


@dataclass(frozen=True, slots=True)
class Final:
    """What puts the first `limit` of a fused list in order.

    "cross_encoder" reads query and passage together; "rescore" takes the exact similarity in
    one `space`.
    """

    method: FinalMethod = "cross_encoder"
    limit: int = 40
    space: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Sources, fused, with an optional final stage; keeps the best `limit`.

    `name` and `weight` matter where the stage is a source of another one.
    """

    sources: tuple[Source | Stage, ...]
    fusion: Fusion = Fusion()
    final: Final | None = None
    name: str = ""
    limit: int = 200
    weight: float = 1.0

    @property
    def label(self) -> str:
        return self.name

    def weights(self) -> dict[str, float]:
        """Return the weight of each list by its label."""
        weights = {source.label: source.weight for source in self.sources}
        if self.fusion.alpha is not None:
            first, second = self.fusion.between
            weights |= {first: self.fusion.alpha, second: 1 - self.fusion.alpha}
        return weights

    def leaves(self) -> Iterator[Source]:
        """Yield the sources of this stage and of the stages within."""
        for source in self.sources:
            if isinstance(source, Stage):
                yield from source.leaves()
            else:
                yield source

    def stages(self) -> Iterator[Stage]:
        """Yield this stage and the stages within."""
        yield self
        for source in self.sources:
            if isinstance(source, Stage):
                yield from source.stages()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A whole search but for the query: `vectors` names spaces whose vectors come along."""

    stage: Stage
    top_k: int = 10
    vectors: tuple[str, ...] = ()

    def without_final(self) -> SearchRequest:
        return replace(self, stage=replace(self.stage, final=None))

    def with_weights(self, weights: dict[str, float]) -> SearchRequest:
        """Set the weights of the outermost stage's sources by their labels."""
        sources = tuple(
            replace(source, weight=weights.get(source.label, source.weight))
            for source in self.stage.sources
        )
        return replace(self, stage=replace(self.stage, sources=sources))


class BadRequest(ValueError):
    """A request that cannot be run; `field` is where, the message a sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check(request: SearchRequest, spaces: list[str]) -> None:
    """Make sure that names and references fit together, within bounds. Raises BadRequest."""
    _check_size(request.stage)
    labels: set[str] = set()
    for stage in request.stage.stages():
        _check_stage(stage, spaces)
        for source in stage.sources:
            if not source.label:
                raise BadRequest("sources", "A nested stage needs a name.")
            if source.label in labels:
                raise BadRequest(
                    "sources",
                    f"Two sources are called {source.label!r}: give one of them another name.",
                )
            labels.add(source.label)
    for space in request.vectors:
        _known_space("vectors", space, [name for name in spaces if name != KEYWORDS])


def check_work(request: SearchRequest, queries: int) -> None:
    """Make sure that so many queries are not too much reading. Raises BadRequest."""
    each = sum(final.limit for final in _cross_encoders(request.stage))
    if queries * each > MAX_READ:
        raise BadRequest(
            "queries",
            f"{queries} queries with {each} passages to rerank for each are too much: at most "
            f"{MAX_READ} passages in one request. Send fewer queries, lower the limit of "
            "`final`, or set `rerank` to false.",
        )


def _check_size(stage: Stage) -> None:
    if (count := sum(1 for _ in stage.leaves())) > MAX_SOURCES:
        raise BadRequest(
            "sources", f"There are {count} sources; at most {MAX_SOURCES} in all stages together."
        )
    if (count := len(_cross_encoders(stage))) > MAX_CROSS_ENCODERS:
        raise BadRequest(
            "final",
            f"{count} stages end in a cross_encoder; at most {MAX_CROSS_ENCODERS} in one request.",
        )


def _cross_encoders(stage: Stage) -> list[Final]:
    finals = [each.final for each in stage.stages() if each.final]
    return [final for final in finals if final.method == "cross_encoder"]


def _check_stage(stage: Stage, spaces: list[str]) -> None:
    for source in stage.sources:
        if isinstance(source, Source):
            _known_space("sources", source.space, spaces)
    if stage.fusion.alpha is not None:
        own = [source.label for source in stage.sources]
        for name in stage.fusion.between:
            if name not in own:
                raise BadRequest(
                    "fusion",
                    f"alpha weighs {' against '.join(stage.fusion.between)}, but no source is "
                    f"called {name!r}; name two of {', '.join(own)} in `between`.",
                )
    if stage.final and stage.final.method == "rescore":
        vector_spaces = [name for name in spaces if name != KEYWORDS]
        _known_space("final", stage.final.space, vector_spaces)


def _known_space(field: str, space: str, spaces: list[str]) -> None:
    if space not in spaces:
        raise BadRequest(field, f"There is no space {space!r} here; there are {', '.join(spaces)}.")
