"""Translate searches and their hits from and to JSON."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion import json_types
from ingestion.errors import PermanentError
from ingestion.json_types import StrictSerializer
from ingestion.models import Chunk, ChunkKind
from retrieval import pictures
from retrieval.models import SpaceVersionState
from retrieval.request import MAX_READ
from retrieval.request_form import (
    MAX_TOP_K,
    FilterSerializer,
    Nested,
    RequestSerializer,
)
from retrieval.search import Hit

MAX_QUERY = 4000
MAX_BATCH = 64


class PageRangeSerializer(serializers.Serializer[Any]):
    first = json_types.WholeField(min_value=1, help_text="Physical page, from 1.")
    last = json_types.WholeField(min_value=1, help_text="Included.")

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if attrs["first"] > attrs["last"]:
            raise json_types.Refused("The first page comes after the last.")
        return attrs


@extend_schema_field(OpenApiTypes.BYTE)
class PictureField(serializers.Field[Any, Any, Any, Any]):
    """A picture: a file of a multipart form, or base64 in JSON."""

    def to_internal_value(self, data: Any) -> bytes:
        try:
            is_file = isinstance(data, UploadedFile)
            return pictures.checked(data.read() if is_file else pictures.from_base64(str(data)))
        except PermanentError as exc:
            raise json_types.Refused(str(exc)) from exc


class QuerySerializer(StrictSerializer):
    """A text, a picture, a chunk to find more like, or a text with one of these."""

    query = json_types.StringField(max_length=MAX_QUERY, required=False)
    image = PictureField(required=False, help_text="PNG, JPEG, WebP or TIFF; in JSON as base64.")
    like = json_types.WholeField(
        required=False, help_text="A chunk, as hits name them: find more like this figure."
    )
    text_weight = json_types.NumberField(min_value=0, max_value=1, default=1.0)
    image_weight = json_types.NumberField(min_value=0, max_value=1, default=1.0)

    def validate(self, attrs: dict[str, Any]) -> Any:
        if {"image", "like"} <= attrs.keys():
            raise json_types.Refused("Give `image` or `like`, not both.")
        if not attrs.keys() & {"query", "image", "like"}:
            raise json_types.Refused({"query": "Give a query, an image, or like."})
        return attrs


@extend_schema_field(QuerySerializer)
class QueryEntry(Nested):
    """One of a batch: a text alone, or an object."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({"query": data} if isinstance(data, str) else data)

    def form_for(self, data: Any) -> type[StrictSerializer]:
        return QuerySerializer


class SearchRequestSerializer(QuerySerializer, RequestSerializer):
    """What to look for, where, and how; all but what to look for may be left out."""

    queries = serializers.ListField(
        child=QueryEntry(),
        required=False,
        min_length=1,
        max_length=MAX_BATCH,
        help_text="Several at once: texts, or objects of query, image, like and weights. At most "
        f"{MAX_READ} passages are reranked for all of them together.",
    )
    profile = json_types.StringField(
        required=False, help_text="Name of a search profile; by default the live one."
    )
    filter = FilterSerializer(required=False)
    collections = serializers.ListField(
        child=json_types.WholeField(),
        required=False,
        help_text="Ids. Only what lies in these collections, or is one of `documents`.",
    )
    documents = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        help_text="Ids. Only these documents, or what lies in `collections`.",
    )
    kinds = serializers.ListField(
        child=serializers.ChoiceField(ChunkKind.choices), required=False, min_length=1
    )
    pages = PageRangeSerializer(required=False)
    rerank = json_types.TruthField(
        default=True, help_text="Run the final stage, where there is one."
    )
    # Not `fields`, which is the base class's own.
    vectors = serializers.ListField(
        child=json_types.StringField(), required=False, help_text="Spaces whose vectors to return."
    )

    def get_fields(self) -> dict[str, Any]:
        choices = serializers.ListField(
            child=serializers.ChoiceField(choices=list(HitSerializer().fields)),
            required=False,
            help_text="What to return of each hit; by default everything.",
        )
        return {**super().get_fields(), "fields": choices}

    def validate(self, attrs: dict[str, Any]) -> Any:
        if "queries" in attrs:
            if attrs.keys() & {"query", "image", "like"}:
                raise json_types.Refused({"queries": "Give one query or several."})
            return attrs
        return super().validate(attrs)


class SourceRankSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField(help_text="From 1.")
    score = serializers.FloatField(help_text="The source's own score; higher is better.")


class HitDocumentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    title = serializers.CharField()
    collection = serializers.IntegerField(source="collection_id")


class HitPageSerializer(serializers.Serializer[Chunk]):
    """The page of a chunk: whose document was read with it, the page's own was not."""

    number = serializers.IntegerField(source="page_number", help_text="Physical page, from 1.")
    # The base class types `label` as its own title, which a field of that name is not.
    label = serializers.CharField(  # type: ignore[assignment]
        source="page.label", help_text="As printed on the page; empty when unknown."
    )
    width = serializers.FloatField(source="page.width", help_text="PDF points.")
    height = serializers.FloatField(source="page.height", help_text="PDF points.")
    image = serializers.SerializerMethodField(help_text="Address of the page's image.")

    @extend_schema_field(serializers.URLField())
    def get_image(self, chunk: Chunk) -> str:
        path = reverse("ingestion:page_image", args=[chunk.document.uuid, chunk.page_number])
        return str(self.context["request"].build_absolute_uri(path))


class RepeatSerializer(serializers.Serializer[Any]):
    """Another place where the same is said."""

    chunk = serializers.IntegerField(source="pk")
    document = HitDocumentSerializer()
    page = serializers.IntegerField(source="page_number", help_text="Physical page, from 1.")
    box = serializers.ListField(child=serializers.FloatField())


class SearchFormSerializer(serializers.Serializer[Any]):
    """What a form can say of a search: a text, a picture as a file, and how much to find."""

    query = json_types.StringField(max_length=MAX_QUERY, required=False)
    image = serializers.FileField(required=False, help_text="PNG, JPEG, WebP or TIFF.")
    top_k = json_types.WholeField(min_value=1, max_value=MAX_TOP_K, required=False)
    profile = json_types.StringField(required=False, help_text="Name of a search profile.")


class HitSerializer(serializers.Serializer[Hit]):
    """One chunk, where it stands, and why it was found."""

    rank = serializers.IntegerField()
    score = serializers.FloatField(help_text="What the hits are ordered by.")
    fused_score = serializers.FloatField()
    rerank_score = serializers.FloatField(allow_null=True)
    sources = serializers.DictField(
        child=SourceRankSerializer(), help_text="Rank and score in each list that held it."
    )
    chunk = serializers.IntegerField(source="chunk.pk")
    kind = serializers.ChoiceField(ChunkKind.choices, source="chunk.kind")
    document = HitDocumentSerializer(source="chunk.document")
    page = HitPageSerializer(source="chunk")
    box = serializers.ListField(
        child=serializers.FloatField(),
        source="chunk.box",
        help_text="[x0, y0, x1, y1] in PDF points, origin top left.",
    )
    heading_path = serializers.ListField(child=serializers.CharField(), source="chunk.heading_path")
    caption = serializers.CharField(source="chunk.caption")
    text = serializers.CharField(source="chunk.text", help_text="Markdown for a table.")
    image = serializers.SerializerMethodField(help_text="Address of the figure's image.")
    vectors = serializers.SerializerMethodField(help_text="Those asked for, by space.")
    repeats = RepeatSerializer(
        many=True, help_text="Where the same was found again, and not listed a second time."
    )

    def get_fields(self) -> dict[str, Any]:
        """Keep the fields that were asked for."""
        fields = super().get_fields()
        wanted = self.context.get("fields") or fields
        return {name: field for name, field in fields.items() if name in wanted}

    @extend_schema_field(serializers.DictField(child=serializers.ListField()))
    def get_vectors(self, hit: Hit) -> dict[str, list[float]]:
        return {space: vector.tolist() for space, vector in hit.vectors.items()}

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_image(self, hit: Hit) -> str | None:
        if not hit.chunk.image:
            return None
        path = reverse("ingestion:crop", args=[hit.chunk.document.uuid, hit.chunk.pk])
        return str(self.context["request"].build_absolute_uri(path))


class SearchResponseSerializer(serializers.Serializer[Any]):
    hits = HitSerializer(many=True)
    index_versions = serializers.DictField(child=serializers.IntegerField())
    timings = serializers.DictField(
        child=serializers.FloatField(), help_text="Seconds by stage, and in total."
    )
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What could not be used, in sentences."
    )
    rerank_model = serializers.CharField(help_text="Empty when the fused order stands.")


class BatchResponseSerializer(serializers.Serializer[Any]):
    results = SearchResponseSerializer(many=True, help_text="One for each query, in their order.")


class SpaceBuildSerializer(serializers.Serializer[Any]):
    """The version that is built beside the one that is searched."""

    number = serializers.IntegerField()
    model = serializers.CharField()
    done = serializers.IntegerField(help_text="Chunks embedded.")
    total = serializers.IntegerField()
    error = serializers.CharField(help_text="Why it stopped; empty when it did not.")


class SpaceSerializer(serializers.Serializer[Any]):
    """A space that is searched; counts of loaded rows are those of the process that answers."""

    name = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.CharField()
    model = serializers.CharField(help_text='"text:<model>": filled from text about each figure.')
    dimension = serializers.IntegerField()
    metric = serializers.CharField()
    index = serializers.DictField(help_text="Type and parameters.")
    vectors = serializers.IntegerField()
    fresh = serializers.IntegerField(help_text="Newer than the index on disk.")
    deleted = serializers.IntegerField(help_text="In the index on disk, but out of date.")
    missing = serializers.IntegerField(help_text="Chunks that lack their vector.")
    memory_bytes = serializers.IntegerField(
        help_text="Of vectors or their codes, and of what finds and filters them."
    )
    last_built_at = serializers.DateTimeField(allow_null=True)
    indexing = serializers.FloatField(
        allow_null=True, help_text="Share that is done of an index being built; null: none is."
    )
    condition = serializers.CharField(help_text="What is wrong; empty when nothing is.")
    build = SpaceBuildSerializer(allow_null=True)


class NewVersionSerializer(serializers.Serializer[Any]):
    """How to begin a version."""

    waits = serializers.BooleanField(
        default=False, help_text="Do not switch to it when it is full: it is to be compared first."
    )


class SpaceVersionSerializer(serializers.Serializer[Any]):
    """A space filled with one model."""

    id = serializers.IntegerField(source="pk")
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=SpaceVersionState.choices)
    model = serializers.CharField()
    dimension = serializers.IntegerField(help_text="0 until the first vector is made.")
    metric = serializers.CharField()
    done = serializers.IntegerField(source="chunks_done", help_text="Chunks embedded.")
    total = serializers.IntegerField(source="chunks_total")
    waits = serializers.BooleanField(
        help_text="When it is full, it is not searched before somebody activates it."
    )
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    last_built_at = serializers.DateTimeField(allow_null=True)
