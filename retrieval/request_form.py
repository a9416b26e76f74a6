"""Read search requests and filters from JSON, with an error for each thing that is wrong."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from ingestion import json_types
from ingestion.json_types import StrictSerializer
from ingestion.models import ChunkKind
from retrieval import fusion, requests
from retrieval.conditions import COMPARISONS, FIELDS, METADATA_PREFIX, Condition, Filter, is_bound
from retrieval.request import (
    FINAL_METHODS,
    MAX_CROSS_ENCODERS,
    MAX_SOURCES,
    BadRequest,
    Final,
    Fusion,
    SearchRequest,
    Source,
    Stage,
    check,
)

MAX_TOP_K = 100
MAX_CANDIDATES = 1000
MAX_RERANKED = 200
MAX_DEPTH = 5
MAX_ENTRIES = 20
MAX_VALUES = 1000


class Nested(serializers.Field[Any, Any, Any, Any]):
    """An entry that is read by another serializer, which may hold such entries itself."""

    def to_internal_value(self, data: Any) -> Any:
        depth = self.context.get("depth", 0) + 1
        if depth > MAX_DEPTH:
            raise json_types.Refused(f"Nested too deeply: at most {MAX_DEPTH} levels.")
        form = self.form_for(data)(data=data, context={**self.context, "depth": depth})
        form.is_valid(raise_exception=True)
        return form.validated_data

    def form_for(self, data: Any) -> type[StrictSerializer]:
        raise NotImplementedError


def _one_of(name: str, *forms: str) -> Any:
    """Describe an entry to the API's schema, by forms that are defined further down."""
    return extend_schema_field(
        PolymorphicProxySerializer(
            component_name=name,
            serializers=lambda: [globals()[form] for form in forms],
            resource_type_field_name=None,
            many=False,
        )
    )


@_one_of("ConditionOrFilter", "ConditionSerializer", "FilterSerializer")
class ConditionOrFilter(Nested):
    def form_for(self, data: Any) -> type[StrictSerializer]:
        is_condition = isinstance(data, Mapping) and "field" in data
        return ConditionSerializer if is_condition else FilterSerializer


@_one_of("SourceOrStage", "SourceSerializer", "StageSerializer")
class SourceOrStage(Nested):
    def form_for(self, data: Any) -> type[StrictSerializer]:
        is_stage = isinstance(data, Mapping) and "sources" in data
        return StageSerializer if is_stage else SourceSerializer


def _entries(help_text: str) -> serializers.ListField:
    child = ConditionOrFilter()
    return serializers.ListField(
        child=child, required=False, default=list, max_length=MAX_ENTRIES, help_text=help_text
    )


class FilterSerializer(StrictSerializer):
    """Conditions, or filters in turn, that must, should (at least one) or must not hold.

    A condition is {"field": ..., ...}: see ConditionSerializer.
    """

    must = _entries("All of these hold.")
    should = _entries("At least one of these holds, if any is given.")
    must_not = _entries("None of these holds.")

    def validate(self, attrs: dict[str, Any]) -> Any:
        return Filter(*(tuple(attrs[name]) for name in ("must", "should", "must_not")))


@extend_schema_field({"oneOf": [{"type": name} for name in ("string", "number", "boolean")]})
class ScalarField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | int | float | bool):
            raise ValidationError("This must be a text, a number, true or false.")
        return data


class ConditionSerializer(StrictSerializer):
    """What one field is: "collection", "document", "kind", "page", "tags" or "metadata.<key>"."""

    field = json_types.StringField()
    eq = ScalarField(required=False)
    any = serializers.ListField(child=ScalarField(), required=False, max_length=MAX_VALUES)
    gt = ScalarField(required=False)
    gte = ScalarField(required=False)
    lt = ScalarField(required=False)
    lte = ScalarField(required=False)
    exists = json_types.TruthField(required=False)

    def validate_field(self, name: str) -> str:
        if name in FIELDS or (name.startswith(METADATA_PREFIX) and name != METADATA_PREFIX):
            return name
        known = ", ".join(FIELDS)
        raise json_types.Refused(f"There is no field {name!r}: {known}, metadata.<key>.")

    def validate(self, attrs: dict[str, Any]) -> Any:
        wanted = list(attrs.get("any", [])) + ([attrs["eq"]] if "eq" in attrs else [])
        bounds = tuple((name, attrs[name]) for name in COMPARISONS if name in attrs)
        if {"eq", "any"} <= attrs.keys():
            raise json_types.Refused("Give `eq` or `any`, not both.")
        if len(attrs) == 1:
            raise json_types.Refused("Say what it must be: eq, any, gt, gte, lt, lte or exists.")
        for name, bound in bounds:
            if not is_bound(bound):
                raise json_types.Refused({name: "This must be a number, or a date as 2024-01-31."})
        _check_values(attrs["field"], wanted, dict(bounds), attrs)
        given = tuple(wanted) if {"eq", "any"} & attrs.keys() else None
        return Condition(attrs["field"], given, bounds, attrs.get("exists"))


def _check_values(
    field: str, wanted: list[Any], bounds: dict[str, Any], attrs: dict[str, Any]
) -> None:
    if field.startswith(METADATA_PREFIX):
        return
    if bounds and field != "page":
        raise json_types.Refused(f"{field} has no order: give eq or any.")
    if "exists" in attrs and field != "tags":
        raise json_types.Refused(f"Everything has a {field}: give eq or any.")
    if not all(_fits(field, value) for value in wanted):
        raise json_types.Refused(f"{field} must be {WHAT_FITS[field]}.")
    if not all(_is_whole(bound) for bound in bounds.values()):
        raise json_types.Refused("Pages are whole numbers, from 1.")


WHAT_FITS = {
    "collection": "the number of a collection",
    "document": "the id of a document",
    "kind": f"one of {', '.join(ChunkKind.values)}",
    "page": "a page number, from 1",
    "tags": "a text",
}


def _fits(field: str, value: Any) -> bool:
    if field in ("collection", "page"):
        return _is_whole(value)
    if field == "kind":
        return value in ChunkKind.values
    if field == "document":
        return isinstance(value, str) and _is_uuid(value)
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


class FusionSerializer(StrictSerializer):
    """How lists become one."""

    method = serializers.ChoiceField(choices=fusion.METHODS, default="rrf")
    k = json_types.WholeField(min_value=0, max_value=1000, default=60, help_text="Of rrf.")
    alpha = json_types.NumberField(
        min_value=0,
        max_value=1,
        allow_null=True,
        default=None,
        help_text="Weight of the first source of `between`; the second has 1 - alpha.",
    )
    between = serializers.ListField(
        child=json_types.StringField(), min_length=2, max_length=2, default=["text", "image"]
    )

    def validate(self, attrs: dict[str, Any]) -> Any:
        return Fusion(attrs["method"], attrs["k"], attrs["alpha"], tuple(attrs["between"]))


class FinalSerializer(StrictSerializer):
    """What puts the best of the fused list in order."""

    method = serializers.ChoiceField(choices=FINAL_METHODS)
    limit = json_types.WholeField(min_value=1, max_value=MAX_RERANKED, default=40)
    space = json_types.StringField(default="", help_text="For `rescore`: whose similarity counts.")

    def validate(self, attrs: dict[str, Any]) -> Any:
        if (attrs["method"] == "rescore") != bool(attrs["space"]):
            raise json_types.Refused({"space": "rescore, and nothing else, needs a space."})
        return Final(attrs["method"], attrs["limit"], attrs["space"])


def _limit(default: int) -> json_types.WholeField:
    return json_types.WholeField(min_value=1, max_value=MAX_CANDIDATES, default=default)


def _weight() -> json_types.NumberField:
    return json_types.NumberField(min_value=0, max_value=1000, default=1.0)


class SourceSerializer(StrictSerializer):
    """A space's nearest vectors, or the best by keywords (space "keywords")."""

    space = json_types.StringField()
    name = json_types.StringField(max_length=60, default="", help_text="By default the space's.")
    limit = _limit(60)
    weight = _weight()
    ef_search = json_types.WholeField(
        min_value=1,
        max_value=10_000,
        allow_null=True,
        default=None,
        help_text="How far to search: candidates re-scored, and lists visited in proportion; of a "
        "graph, nodes kept in sight. By default as the space is set.",
    )
    exact = json_types.TruthField(default=False, help_text="Scan all vectors.")
    filter = FilterSerializer(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> Any:
        return Source(**attrs)


class StageSerializer(StrictSerializer):
    """Sources that are fused, and perhaps put in order, before they are fused with others."""

    name = json_types.StringField(max_length=60)
    sources = serializers.ListField(child=SourceOrStage(), min_length=1, max_length=MAX_ENTRIES)
    fusion = FusionSerializer(default=Fusion())
    final = FinalSerializer(allow_null=True, default=None)
    limit = _limit(60)
    weight = _weight()

    def validate(self, attrs: dict[str, Any]) -> Any:
        return Stage(**{**attrs, "sources": tuple(attrs["sources"])})


class RequestSerializer(StrictSerializer):
    """A search but for its query; what is left out is as in the live search profile."""

    sources = serializers.ListField(
        child=SourceOrStage(),
        required=False,
        min_length=1,
        max_length=MAX_ENTRIES,
        help_text="Each a source {space, name, limit, weight, ef_search, exact, filter}, or a "
        "nested stage {name, sources, fusion, final, limit, weight}; at most "
        f"{MAX_SOURCES} sources, and {MAX_CROSS_ENCODERS} cross-encoders, in all stages together.",
    )
    fusion = FusionSerializer(required=False)
    final = FinalSerializer(required=False, allow_null=True, help_text="null: none.")
    top_k = json_types.WholeField(min_value=1, max_value=MAX_TOP_K, required=False)


def to_request(wanted: Mapping[str, Any], base: SearchRequest) -> SearchRequest:
    """Put what was validated in place of the base's parts. Raises ValidationError."""
    stage = base.stage
    if "sources" in wanted:
        stage = replace(stage, sources=tuple(wanted["sources"]))
        if "fusion" not in wanted and stage.fusion.alpha is not None:
            stage = replace(stage, fusion=replace(stage.fusion, alpha=None))
    if "fusion" in wanted:
        stage = replace(stage, fusion=wanted["fusion"])
    if "final" in wanted:
        stage = replace(stage, final=wanted["final"])
    request = SearchRequest(
        stage, top_k=wanted.get("top_k", base.top_k), vectors=tuple(wanted.get("vectors", ()))
    )
    try:
        check(request, requests.known_spaces())
    except BadRequest as exc:
        raise json_types.Refused({exc.field: str(exc)}) from exc
    return request
