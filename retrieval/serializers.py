"""Translate searches and their hits from and to JSON."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion.models import ChunkKind
from retrieval.search import Hit

MAX_TOP_K = 100
MAX_QUERY = 4000


class PageRangeSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(min_value=1, help_text="Physical page, from 1.")
    last = serializers.IntegerField(min_value=1, help_text="Included.")

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if attrs["first"] > attrs["last"]:
            raise serializers.ValidationError("The first page comes after the last.")
        return attrs


class SearchRequestSerializer(serializers.Serializer[Any]):
    """What to look for, and where."""

    query = serializers.CharField(max_length=MAX_QUERY)
    collections = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Ids. Only what lies in these collections, or is one of `documents`.",
    )
    documents = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        help_text="Ids. Only these documents, or what lies in `collections`.",
    )
    kinds = serializers.ListField(
        child=serializers.ChoiceField(ChunkKind.choices), required=False, allow_empty=False
    )
    pages = PageRangeSerializer(required=False)
    top_k = serializers.IntegerField(
        min_value=1, max_value=MAX_TOP_K, default=settings.SEARCH_DEFAULTS["top_k"]
    )
    rerank = serializers.BooleanField(
        default=True, help_text="Order the best hits by the reranker, where there is one."
    )


class SourceRankSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField(help_text="From 1.")
    score = serializers.FloatField(help_text="The source's own score; higher is better.")


class HitDocumentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    title = serializers.CharField()
    collection = serializers.IntegerField(source="collection_id")


class HitPageSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Physical page, from 1.")
    # The base class types `label` as its own title, which a field of that name is not.
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="As printed on the page; empty when unknown."
    )
    width = serializers.FloatField(help_text="PDF points.")
    height = serializers.FloatField(help_text="PDF points.")
    image = serializers.SerializerMethodField(help_text="Address of the page's image.")

    @extend_schema_field(serializers.URLField())
    def get_image(self, page: Any) -> str:
        path = reverse("ingestion:page_image", args=[page.document.uuid, page.number])
        return str(self.context["request"].build_absolute_uri(path))


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
    page = HitPageSerializer(source="chunk.page")
    box = serializers.ListField(
        child=serializers.FloatField(),
        source="chunk.box",
        help_text="[x0, y0, x1, y1] in PDF points, origin top left.",
    )
    heading_path = serializers.ListField(child=serializers.CharField(), source="chunk.heading_path")
    caption = serializers.CharField(source="chunk.caption")
    text = serializers.CharField(source="chunk.text", help_text="Markdown for a table.")
    image = serializers.SerializerMethodField(help_text="Address of the figure's image.")

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
    memory_bytes = serializers.IntegerField()
    last_built_at = serializers.DateTimeField(allow_null=True)
    condition = serializers.CharField(help_text="What is wrong; empty when nothing is.")
    build = SpaceBuildSerializer(allow_null=True)
