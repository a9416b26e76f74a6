"""Translate collections and documents to and from JSON."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion import documents, json_types, labels, page_store, sharing, tus
from ingestion.collections import NameTaken
from ingestion.json_types import StrictSerializer
from ingestion.listing import Order
from ingestion.models import Chunk, ChunkKind, Collection, Document, DocumentState, Page, Upload


class CollectionSerializer(StrictSerializer, serializers.ModelSerializer[Collection]):
    serializer_field_mapping = json_types.OF_MODELS
    owner: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="username", read_only=True
    )

    class Meta:
        model = Collection
        fields = ["id", "name", "description", "owner", "is_public", "created_at"]
        read_only_fields = ["id", "owner", "created_at"]

    def validate_name(self, name: str) -> str:
        user = self.context["request"].user
        owner, theirs = user, Collection.objects.filter(name=name)
        if self.instance is not None:
            theirs = theirs.exclude(pk=self.instance.pk)
            # An administrator may rename what is somebody else's; what names others have
            # is told to nobody else.
            owner = self.instance.owner if user.is_superuser else user
        if theirs.filter(owner=owner).exists():
            who = "You already have" if owner == user else f"{owner} already has"
            raise NameTaken(f"{who} a collection of this name.")
        return name


class DocumentFilterSerializer(StrictSerializer):
    """Which documents to list, in which order."""

    beside = ("tag", "limit", "offset")

    collection = json_types.WholeField(
        min_value=1, required=False, help_text="Only documents of this collection."
    )
    state = json_types.ChoiceField(DocumentState.choices, required=False)
    name = json_types.StringField(
        max_length=200,
        required=False,
        help_text="Only with all of these words in the title or the file's name.",
    )
    order = json_types.ChoiceField(Order.choices, required=False)


class DeletionSerializer(StrictSerializer):
    """How to delete a document."""

    receipt = json_types.TruthField(default=True, help_text="false: answer 204, without a receipt.")


class ChunkFilterSerializer(StrictSerializer):
    """Which chunks to list."""

    beside = ("limit", "offset")

    page = json_types.WholeField(
        min_value=1,
        required=False,
        source="page_number",
        help_text="Only what begins on this page.",
    )
    kind = json_types.ChoiceField(ChunkKind.choices, required=False)


class UnshareSerializer(StrictSerializer):
    kind = serializers.ChoiceField(sharing.Kind.choices, default=sharing.Kind.PERSON)
    name = json_types.StringField(max_length=150, help_text="A user's or a group's.")


class MemberSerializer(UnshareSerializer):
    """A person or a group that a collection is shared with."""

    role = serializers.ChoiceField(sharing.Role.choices, default=sharing.Role.VIEWER)


class PasswordSerializer(StrictSerializer):
    password = json_types.StringField(
        required=False,
        default="",
        allow_blank=True,
        max_length=500,
        trim_whitespace=False,
        help_text="Of a protected PDF. It is used once and not stored.",
    )


class _PlaceSerializer(StrictSerializer):
    """Where a file goes, and what it is labelled with."""

    collection = serializers.PrimaryKeyRelatedField(
        queryset=Collection.objects.none(),
        required=False,
        help_text="Left out: your own first collection.",
    )
    tags = json_types.StringField(
        required=False,
        default="",
        allow_blank=True,
        help_text="Words between commas.",
    )
    metadata = json_types.JsonTextField(
        required=False, default=dict, help_text="An object of names and values, as JSON."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        if request is not None:
            mine = Collection.objects.editable_by(request.user)
            self.fields["collection"].queryset = mine  # type: ignore[attr-defined]


class UploadSerializer(PasswordSerializer, _PlaceSerializer):
    """The form of an upload: the file, and the collection to put it in."""

    file = serializers.FileField(allow_empty_file=True)


class UploadBeginSerializer(_PlaceSerializer):
    """What the headers of a new upload in parts say."""

    # A header holds it as a text.
    metadata = json_types.JsonTextField(required=False, default=dict, binary=True)
    length = serializers.IntegerField(min_value=0, max_value=2**62)
    filename = serializers.CharField(max_length=500)


class UploadStateSerializer(serializers.ModelSerializer[Upload]):
    """How far an upload in parts is."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    offset = serializers.IntegerField(read_only=True, min_value=0)
    document: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="uuid", read_only=True, help_text="What it became, once it is there."
    )
    entries = serializers.SerializerMethodField(help_text="What Upload-Metadata said, by name.")

    class Meta:
        model = Upload
        fields = [
            *("id", "filename", "collection", "size_bytes", "offset", "created_at"),
            *("expires_at", "document", "entries"),
        ]
        read_only_fields = fields

    def get_entries(self, upload: Upload) -> dict[str, str]:
        return tus.metadata(upload.told)


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": labels.MAX_ENTRIES,
        "propertyNames": {"maxLength": labels.MAX_NAME, "pattern": r"^[^\W\d][\w.-]*$"},
        "additionalProperties": {
            "oneOf": [
                {"type": "string", "maxLength": labels.MAX_TEXT},
                {"type": "number", "maximum": labels.MAX_NUMBER, "minimum": -labels.MAX_NUMBER},
                {"type": "boolean"},
            ]
        },
    }
)
class MetadataField(serializers.DictField):
    """Names and values that people give; ingestion.labels checks them."""


class LabelsSerializer(StrictSerializer):
    """Title, tags and metadata: what is given replaces all of its kind, what is left out stays."""

    title = json_types.StringField(max_length=labels.MAX_TITLE, required=False)
    tags = serializers.ListField(
        child=json_types.StringField(max_length=labels.MAX_NAME), required=False
    )
    metadata = MetadataField(
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
        "with the header, that share a `key`; `part` counts from 1. `tables/` has it whole.",
    )
    image_url = serializers.SerializerMethodField(help_text="Empty where there is no picture.")

    class Meta:
        model = Chunk
        fields = [
            *("id", "order", "kind", "page_number", "box", "text", "heading_path", "caption"),
            *("references", "spans", "table", "image_url", "image_width", "image_height"),
            "token_count",
        ]
        read_only_fields = fields

    def get_image_url(self, chunk: Chunk) -> str:
        if not chunk.image:
            return ""
        path = reverse("chunk-image", args=[chunk.document.uuid, chunk.pk])
        return str(self.context["request"].build_absolute_uri(path))


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
