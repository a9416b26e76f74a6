"""Translate collections and documents to and from JSON."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from ingestion import documents
from ingestion.models import Collection, Document


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    owner: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="username", read_only=True
    )

    class Meta:
        model = Collection
        fields = ["id", "name", "description", "owner", "is_public", "created_at"]
        read_only_fields = ["id", "owner", "created_at"]

    def validate_name(self, name: str) -> str:
        own = Collection.objects.filter(owner=self.context["request"].user, name=name)
        if self.instance is not None:
            own = own.exclude(pk=self.instance.pk)
        if own.exists():
            raise serializers.ValidationError("You already have a collection of this name.")
        return name


class UploadSerializer(serializers.Serializer[Any]):
    """The form of an upload: the file, and the collection to put it in."""

    file = serializers.FileField(allow_empty_file=True)
    collection = serializers.PrimaryKeyRelatedField(
        queryset=Collection.objects.none(),
        required=False,
        help_text="Left out: your own first collection.",
    )
    password = serializers.CharField(
        required=False,
        default="",
        max_length=500,
        trim_whitespace=False,
        help_text="Of a protected PDF. It is used once and not stored.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        if request is not None:
            mine = Collection.objects.editable_by(request.user)
            self.fields["collection"].queryset = mine  # type: ignore[attr-defined]


class ProgressSerializer(serializers.Serializer[documents.Progress]):
    label = serializers.CharField()  # type: ignore[assignment]
    fraction = serializers.FloatField(min_value=0, max_value=1)


class DocumentSerializer(serializers.ModelSerializer[Document]):
    id = serializers.UUIDField(source="uuid", read_only=True)
    progress = serializers.SerializerMethodField()
    searchable = serializers.SerializerMethodField(
        help_text="Whether it is found now (also while it is parsed again)."
    )
    url = serializers.SerializerMethodField(help_text="The page of the document, for people.")

    class Meta:
        model = Document
        fields = [
            *("id", "title", "filename", "collection", "state", "progress", "error"),
            *("searchable", "page_count", "pages_done", "size_bytes", "sha256", "media_type"),
            *("metadata", "tags", "created_at", "ready_at", "url"),
        ]
        read_only_fields = fields

    def get_progress(self, document: Document) -> ProgressSerializer:
        return ProgressSerializer(documents.progress(document)).data  # type: ignore[return-value]

    def get_searchable(self, document: Document) -> bool:
        return document.live_generation > 0

    def get_url(self, document: Document) -> str:
        path = reverse("ingestion:document", args=[document.uuid])
        return str(self.context["request"].build_absolute_uri(path))
