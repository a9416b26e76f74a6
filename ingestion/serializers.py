"""Translate collections and documents to and from JSON."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from ingestion import documents, labels, page_store, sharing
from ingestion.collections import NameTaken
from ingestion.models import Chunk, ChunkKind, Collection, Document, DocumentState, Page


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
            raise NameTaken("You already have a collection of this name.")
        return name


class DocumentFilterSerializer(serializers.Serializer[Any]):
    """Which documents to list."""

    collection = serializers.IntegerField(min_value=1, required=False)
    state = serializers.ChoiceField(DocumentState.choices, required=False)


class ChunkFilterSerializer(serializers.Serializer[Any]):
    """Which chunks to list."""

    page = serializers.IntegerField(min_value=1, required=False, source="page_number")
    kind = serializers.ChoiceField(ChunkKind.choices, required=False)


class UnshareSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(sharing.Kind.choices, default=sharing.Kind.PERSON)
    name = serializers.CharField(max_length=150, help_text="A user's or a group's.")


class MemberSerializer(UnshareSerializer):
    """A person or a group that a collection is shared with."""

    role = serializers.ChoiceField(sharing.Role.choices, default=sharing.Role.VIEWER)


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

    tags = serializers.CharField(
        required=False, default="", help_text="Words between commas or spaces."
    )
    metadata = serializers.JSONField(
        required=False, default=dict, help_text="An object of names and values, as JSON."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        if request is not None:
            mine = Collection.objects.editable_by(request.user)
            self.fields["collection"].queryset = mine  # type: ignore[attr-defined]


class LabelsSerializer(serializers.Serializer[Any]):
    """Tags and metadata: what is given replaces all of its kind, what is left out stays."""

    tags = serializers.ListField(
        child=serializers.CharField(max_length=labels.MAX_NAME), required=False
    )
    metadata = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="Names to texts, numbers, truth values or ISO dates.",
    )


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
            *("facts", "metadata", "tags", "created_at", "ready_at", "url"),
        ]
        read_only_fields = fields

    def get_progress(self, document: Document) -> ProgressSerializer:
        return ProgressSerializer(documents.progress(document)).data  # type: ignore[return-value]

    def get_searchable(self, document: Document) -> bool:
        return document.live_generation > 0

    def get_url(self, document: Document) -> str:
        path = reverse("ingestion:document", args=[document.uuid])
        return str(self.context["request"].build_absolute_uri(path))


class PageSerializer(serializers.ModelSerializer[Page]):
    image_url = serializers.SerializerMethodField(help_text="Empty where there is no image.")

    class Meta:
        model = Page
        fields = [
            *("number", "label", "width", "height", "state", "text_source", "ocr_confidence"),
            *("warnings", "image_url"),
        ]
        read_only_fields = fields

    def get_image_url(self, page: Page) -> str:
        if not page.image:
            return ""
        path = reverse("page-image", args=[page.document.uuid, page.number])
        return str(self.context["request"].build_absolute_uri(path))


class PageDetailSerializer(PageSerializer):
    blocks = serializers.SerializerMethodField(
        help_text="What was found on the page, in reading order; boxes in PDF points."
    )

    class Meta(PageSerializer.Meta):
        fields = [*PageSerializer.Meta.fields, "blocks"]
        read_only_fields = fields

    def get_blocks(self, page: Page) -> list[dict[str, Any]]:
        found = page_store.load_blocks(bytes(page.layout))
        return [page_store.block_as_json(block) for block in found]


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    table = serializers.JSONField(
        read_only=True,
        help_text="Structured cells of a table. One that runs over pages comes in `parts`, each "
        "with the header, that share a `key`; `part` counts from 1.",
    )

    class Meta:
        model = Chunk
        fields = [
            *("id", "order", "kind", "page_number", "box", "text", "heading_path", "caption"),
            *("references", "spans", "table", "image_width", "image_height", "token_count"),
        ]
        read_only_fields = fields


class ProofSerializer(serializers.Serializer[Any]):
    """A source, asked after the deletion for exact texts of the document."""

    source = serializers.CharField()  # type: ignore[assignment]
    texts = serializers.IntegerField(help_text="How many were looked for.")
    found = serializers.IntegerField(
        allow_null=True, help_text="How many passages came back; null: it could not be asked."
    )
    note = serializers.CharField(allow_blank=True)


class ReceiptSerializer(serializers.Serializer[Any]):
    """What went with a deleted document, and what searching for it found afterwards."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    pages = serializers.IntegerField()
    chunks = serializers.DictField(child=serializers.IntegerField(), help_text="By kind.")
    vectors = serializers.DictField(child=serializers.IntegerField(), help_text="By space.")
    crops = serializers.IntegerField()
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    files_left = serializers.IntegerField()
    is_gone = serializers.BooleanField()
    is_proven = serializers.BooleanField(help_text="Gone, and every source could be asked.")
    proofs = ProofSerializer(many=True)
