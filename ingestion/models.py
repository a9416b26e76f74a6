"""Collections of documents, their pages, and the chunks that answers are made from."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import cached_property

from ingestion import media_types
from ingestion.layout import context_text


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: Any) -> CollectionQuerySet:
        """Collections that the user may read; nothing for somebody not signed in."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(
            Q(owner=user)
            | Q(is_public=True)
            | _shared_with(user, "editor")
            | _shared_with(user, "viewer")
        )

    def editable_by(self, user: Any) -> CollectionQuerySet:
        """Collections that the user may add documents to and delete documents from."""
        if not user.is_authenticated:
            return self.none()
        if user.is_superuser:
            return self
        return self.filter(Q(owner=user) | _shared_with(user, "editor"))

    def owned_by(self, user: Any) -> CollectionQuerySet:
        """Collections that the user may rename and delete."""
        if not user.is_authenticated:
            return self.none()
        return self if user.is_superuser else self.filter(owner=user)


def _shared_with(user: Any, role: str) -> Q:
    """Collections where the user, or a group of the user's, has this role."""
    people: Any = getattr(Collection, f"{role}s").through.objects
    groups: Any = getattr(Collection, f"{role}_groups").through.objects
    return Q(pk__in=people.filter(user=user).values("collection")) | Q(
        pk__in=groups.filter(group__user=user).values("collection")
    )


class Collection(models.Model):
    """A named set of documents; permissions are given here."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections"
    )
    editors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="editable_collections"
    )
    viewers = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="viewable_collections"
    )
    editor_groups = models.ManyToManyField(
        "auth.Group", blank=True, related_name="editable_collections"
    )
    viewer_groups = models.ManyToManyField(
        "auth.Group", blank=True, related_name="viewable_collections"
    )
    is_public = models.BooleanField(
        default=False, help_text="Everyone who can sign in may read it."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="collection_name_per_owner")
        ]

    def __str__(self) -> str:
        return self.name


@models.JSONField.register_lookup
class HasItem(models.Lookup):
    """`<json list>__has_item="text"`: the list holds this text, on SQLite and PostgreSQL."""

    lookup_name = "has_item"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, before = self.process_lhs(compiler, connection)
        item, after = self.process_rhs(compiler, connection)
        sql = f"EXISTS (SELECT 1 FROM json_each({column}) AS item WHERE item.value = {item})"
        return sql, [*before, *after]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, before = self.process_lhs(compiler, connection)
        item, after = self.process_rhs(compiler, connection)
        return f"{column} @> to_jsonb({item}::text)", [*before, *after]


class DocumentState(models.TextChoices):
    QUEUED = "queued"
    PARSING = "parsing"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_STATES = (DocumentState.QUEUED, DocumentState.PARSING, DocumentState.EMBEDDING)
UNFINISHED_STATES = (DocumentState.FAILED, DocumentState.CANCELLED)


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: Any) -> DocumentQuerySet:
        return self.filter(collection__in=Collection.objects.visible_to(user))

    def editable_by(self, user: Any) -> DocumentQuerySet:
        return self.filter(collection__in=Collection.objects.editable_by(user))

    def searchable(self) -> DocumentQuerySet:
        """Documents with a published generation of chunks (also while being re-parsed)."""
        return self.filter(live_generation__gt=0)

    def active(self) -> DocumentQuerySet:
        return self.filter(state__in=ACTIVE_STATES)

    def tagged(self, *tags: str) -> DocumentQuerySet:
        """Documents that have every one of the tags, in any case of letters."""
        found = self
        for tag in tags:
            found = found.filter(tags__has_item=tag.strip().lower())
        return found

    def brief(self) -> DocumentQuerySet:
        """Leave out what no list shows, and what may be long."""
        return self.defer("outline", "facts")

    def with_skipped_pages(self) -> DocumentQuerySet:
        """Count every document's skipped pages in the same query."""
        skipped = Page.objects.filter(document=OuterRef("pk"), state=PageState.SKIPPED)
        counted = skipped.order_by().values("document").annotate(number=Count("pk"))
        return self.annotate(skipped_pages=Coalesce(models.Subquery(counted.values("number")), 0))


def document_file_path(document: Document, filename: str) -> str:
    # The name on disk owes nothing to the uploaded name: no traversal, no guessing.
    return f"documents/{document.uuid}/source{document.extension}"


class Document(models.Model):
    """An uploaded file and how far its way into the index has come.

    Chunks belong to a generation. `live_generation` is the one that is searched (0: none
    yet); a re-parse builds `live_generation + 1` beside it and is published in one step.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="documents")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="documents"
    )
    title = models.CharField(max_length=500)
    filename = models.CharField(max_length=500, help_text="As uploaded; for display only.")
    file = models.FileField(upload_to=document_file_path, max_length=200)
    source_path = models.CharField(
        max_length=1000, blank=True, help_text="The file of a watched folder that this is."
    )
    media_type = models.CharField(max_length=100, default="application/pdf")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    page_count = models.PositiveIntegerField(null=True)
    facts = models.JSONField(
        default=dict, blank=True, help_text="What the file says of itself: author, language, …"
    )
    outline = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="See ingestion.labels.")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Given by people, to filter by; see ingestion.labels."
    )

    state = models.CharField(
        max_length=12, choices=DocumentState, default=DocumentState.QUEUED, db_index=True
    )
    error = models.TextField(blank=True)
    live_generation = models.PositiveIntegerField(default=0)
    pages_done = models.PositiveIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(default=0)
    chunks_embedded = models.PositiveIntegerField(default=0)
    # The trip down the pipeline that owns the document now; empty when it is at rest.
    run = models.CharField(max_length=32, blank=True)
    # How often it was put back since a page was last finished.
    attempts = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    ready_at = models.DateTimeField(null=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "sha256"], name="document_once_per_collection"
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("ingestion:document", args=[self.uuid])

    @property
    def extension(self) -> str:
        return media_types.BY_NAME[self.media_type].extension

    @property
    def pdf_name(self) -> str:
        """The storage name of the PDF that is parsed: the file, or what was made of it."""
        is_pdf = self.media_type == media_types.PDF.name
        return str(self.file.name) if is_pdf else f"{self.folder}/pages.pdf"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @cached_property
    def skipped_pages(self) -> int:
        """How many pages could not be read; `with_skipped_pages` has counted them already."""
        return self.pages.filter(state=PageState.SKIPPED).count()

    @property
    def next_generation(self) -> int:
        return self.live_generation + 1

    @property
    def folder(self) -> str:
        """The storage folder of everything derived from the file."""
        return f"documents/{self.uuid}"


class Upload(models.Model):
    """A file that arrives in parts, and what became of it (see ingestion.uploads)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=500)
    tags = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    told = models.TextField(blank=True, help_text="Upload-Metadata, as it was sent.")
    size_bytes = models.BigIntegerField()
    received = models.BigIntegerField(default=0, help_text="Bytes in the parts.")
    parts = models.JSONField(default=list, help_text="Storage names, in order.")
    # Nobody else may change it until then.
    held_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, null=True, related_name="uploads"
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.filename

    @property
    def offset(self) -> int:
        """How many bytes are acknowledged: the last one is together with the document.

        So whoever goes on after a break sends at least one byte, and is told the outcome.
        """
        if self.document_id is not None:
            return self.size_bytes
        return min(self.received, self.size_bytes - 1)

    @property
    def folder(self) -> str:
        """The storage folder of the parts."""
        return f"uploads/{self.uuid}"


class PageState(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"


class Page(models.Model):
    """One physical page: its layout as parsed, its image, and what went wrong on it."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField(help_text="Physical page, from 1.")
    label = models.CharField(max_length=40, blank=True, help_text="As printed: iv, A-3.")
    width = models.FloatField(default=0, help_text="PDF points.")
    height = models.FloatField(default=0, help_text="PDF points.")
    state = models.CharField(max_length=8, choices=PageState, default=PageState.PENDING)
    text_source = models.CharField(max_length=12, blank=True)
    ocr_confidence = models.FloatField(null=True)
    warnings = models.JSONField(default=list, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    image = models.CharField(max_length=200, blank=True, help_text="Storage name.")
    crops = models.JSONField(
        default=dict, help_text="Crop name to {file, width, height}: storage name and pixels."
    )
    # The parsed blocks (see ingestion.layout), as compressed JSON: chunks are rebuilt from it.
    layout = models.BinaryField(default=b"")

    class Meta:
        ordering = ["document", "number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="page_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.document} p. {self.label or self.number}"


class ChunkKind(models.TextChoices):
    TEXT = "text"
    TABLE = "table"
    IMAGE = "image"


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def live(self) -> ChunkQuerySet:
        """Chunks of the generation that is searched."""
        return self.filter(generation=F("document__live_generation"))


class Chunk(models.Model):
    """The unit that is embedded, found, shown to the reader, and cited."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="chunks")
    generation = models.PositiveIntegerField()
    order = models.PositiveIntegerField(help_text="Reading order in the document, from 0.")
    kind = models.CharField(max_length=5, choices=ChunkKind)
    page_number = models.PositiveIntegerField()
    box = models.JSONField(help_text="[x0, y0, x1, y1] in PDF points, origin top left.")
    text = models.TextField(help_text="What may be quoted; Markdown for a table.")
    heading_path = models.JSONField(default=list)
    caption = models.TextField(blank=True)
    references = models.TextField(blank=True, help_text="Sentences that refer to it.")
    spans = models.JSONField(
        default=list, help_text="[start, end, page, x0, y0, x1, y1]: where the text stands."
    )
    table = models.JSONField(null=True, help_text="Structured cells of a table.")
    image = models.CharField(max_length=200, blank=True, help_text="Storage name of the crop.")
    image_width = models.PositiveIntegerField(default=0, help_text="Pixels.")
    image_height = models.PositiveIntegerField(default=0, help_text="Pixels.")
    token_count = models.PositiveIntegerField(default=0)

    objects = ChunkQuerySet.as_manager()

    class Meta:
        ordering = ["document", "order"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "generation", "order"], name="chunk_order_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} chunk {self.order} of document {self.document_id}"

    @property
    def context_text(self) -> str:
        """What is embedded and searched (see ingestion.layout)."""
        return context_text(self)
