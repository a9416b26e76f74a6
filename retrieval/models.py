"""Spaces, their versions, and the vectors: the truth that every index is built from."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from ingestion.models import Chunk, Document


class SpaceVersionState(models.TextChoices):
    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"
    # Too old to go back to, or given up before it was full: its vectors are gone, or going.
    DISCARDED = "discarded"


class SpaceInput(models.TextChoices):
    """What of a chunk the space's model is given."""

    TEXT = "text", "the chunk's text in its context"
    IMAGE = "image", "the picture"
    DESCRIPTION = "description", "the picture's caption, inner text and referring sentences"
    NONE = "none", "nothing: the space has no vectors"


class SpaceVersionQuerySet(models.QuerySet["SpaceVersion"]):
    def live(self) -> SpaceVersionQuerySet:
        return self.filter(state=SpaceVersionState.LIVE)

    def with_vectors(self) -> SpaceVersionQuerySet:
        return self.exclude(input=SpaceInput.NONE)

    def fed(self) -> SpaceVersionQuerySet:
        """Versions that new documents must be written to: live ones and those being built."""
        return self.filter(state__in=[SpaceVersionState.LIVE, SpaceVersionState.BUILDING])

    def before(self, live: SpaceVersion) -> SpaceVersion | None:
        """Return what a roll-back leads to: of the older ones, what was searched last.

        That is not always the newest of them, which may have been rolled back from itself.
        """
        older = self.filter(
            space=live.space,
            state=SpaceVersionState.RETIRED,
            number__lt=live.number,
            activated_at__isnull=False,
        )
        return older.order_by("-activated_at").first()


class SpaceVersion(models.Model):
    """A space of settings.SPACES filled with one model.

    The keyword index is a version of the space "keywords": it has no vectors, its truth is
    the chunks' text. `revision` counts the changes to what should be found; an index that is
    stamped with a lower revision has `IndexChange` rows to catch up on.
    """

    # Names everything that is derived from the rows: an index stamped with another one is
    # foreign, be it of another database or of a time when this version was not kept current.
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    space = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=SpaceVersionState, default=SpaceVersionState.BUILDING
    )
    model = models.CharField(
        max_length=200, help_text="What made the vectors: a model's name, or an analyzer's."
    )
    dimension = models.PositiveIntegerField(default=0)
    metric = models.CharField(max_length=10, default="cosine")
    input = models.CharField(max_length=11, choices=SpaceInput, default=SpaceInput.TEXT)
    index_settings = models.JSONField(default=dict, blank=True)
    revision = models.PositiveBigIntegerField(default=0)
    # Of the changes up to here, those of deleted documents may be gone: what is stamped with a
    # lower revision cannot catch up any more, and is read or built anew.
    pruned_to = models.PositiveBigIntegerField(default=0)
    chunks_total = models.PositiveIntegerField(default=0, help_text="To embed, while it is built.")
    chunks_done = models.PositiveIntegerField(default=0)
    waits = models.BooleanField(
        default=False, help_text="When it is full, it is not searched before somebody says so."
    )
    error = models.TextField(blank=True, help_text="Why building it stopped.")
    # A writer holds the version while it builds an index; a stale lock is taken over.
    writer = models.CharField(max_length=64, blank=True)
    writer_seen_at = models.DateTimeField(null=True)
    writer_done = models.FloatField(default=0, help_text="Share of the index that it has built.")
    last_built_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True)

    objects = SpaceVersionQuerySet.as_manager()

    class Meta:
        ordering = ["space", "number"]
        constraints = [
            models.UniqueConstraint(fields=["space", "number"], name="space_version_number"),
            models.UniqueConstraint(
                fields=["space"],
                condition=models.Q(state=SpaceVersionState.LIVE),
                name="one_live_version_per_space",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.space} v{self.number} ({self.model})"

    @property
    def is_to_be_compared(self) -> bool:
        """Whether it is full, kept up to date, and waits for somebody to switch to it."""
        is_full = 0 < self.chunks_total <= self.chunks_done
        return self.state == SpaceVersionState.BUILDING and self.waits and is_full


class Embedding(models.Model):
    """One chunk's vector in one space version: float32 little-endian bytes.

    Normalised to length 1 where the metric is cosine.
    """

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    space_version = models.ForeignKey(
        SpaceVersion, on_delete=models.CASCADE, related_name="embeddings"
    )
    vector = models.BinaryField()
    # Of what the model was given: chunks with equal content share the work of encoding it.
    content_hash = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["chunk", "space_version"], name="one_vector_per_chunk_and_version"
            )
        ]
        indexes = [
            models.Index(fields=["space_version", "content_hash"], name="embedding_by_content")
        ]

    def __str__(self) -> str:
        return f"chunk {self.chunk_id} in {self.space_version}"


class IndexChange(models.Model):
    """The document's searchable rows in this space version changed at this revision.

    At most one row per document and version, the latest. No foreign key to the document:
    the row must outlive it, since deletion is a change too. Rows of deleted documents go once
    the index on disk is past them: see retrieval.pruning.
    """

    space_version = models.ForeignKey(
        SpaceVersion, on_delete=models.CASCADE, related_name="changes"
    )
    document_id = models.BigIntegerField()
    revision = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["space_version", "document_id"], name="latest_change_per_document"
            )
        ]
        indexes = [models.Index(fields=["space_version", "revision"], name="change_by_revision")]

    def __str__(self) -> str:
        return f"document {self.document_id} at revision {self.revision} of {self.space_version}"


class SearchProfile(models.Model):
    """A named search request, such as the API takes, but for its query; one is live.

    What the request leaves out is as in the settings. Without a live profile, searches that
    name none run as the settings say.
    """

    name = models.CharField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    request = models.JSONField(
        default=dict, blank=True, help_text="sources, fusion, final, top_k: as in /api/v1/search/."
    )
    is_live = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_live"], condition=models.Q(is_live=True), name="one_live_profile"
            )
        ]

    def __str__(self) -> str:
        return self.name


class QuestionSet(models.Model):
    """Questions whose answers' places are known, to measure searches by."""

    name = models.CharField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Question(models.Model):
    """A question, the document that answers it, and the pages (and boxes) where it does."""

    question_set = models.ForeignKey(
        QuestionSet, on_delete=models.CASCADE, related_name="questions"
    )
    text = models.TextField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")
    pages = models.JSONField(default=list, help_text="Physical pages, from 1.")
    boxes = models.JSONField(
        default=list, blank=True, help_text="[page, x0, y0, x1, y1] in PDF points, where known."
    )
    kind = models.CharField(
        max_length=60, blank=True, help_text="Of the evidence: text, table, figure, chart."
    )

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text[:80]


class EvaluationState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class EvaluationScope(models.TextChoices):
    DOCUMENT = "document", "within each question's document"
    SET = "set", "over all documents of the set"


class EvaluationRun(models.Model):
    """A question set searched under one profile, or two to compare.

    `profiles` holds each one's name and request as they were; an empty name stands for the
    settings. One may name a `version` of a space to search instead of the live one. `rows` are
    the questions done so far: see retrieval.evaluation. `report` is there when it is done.
    """

    question_set = models.ForeignKey(QuestionSet, on_delete=models.CASCADE, related_name="runs")
    profiles = models.JSONField(default=list)
    scope = models.CharField(max_length=8, choices=EvaluationScope, default=EvaluationScope.SET)
    state = models.CharField(max_length=7, choices=EvaluationState, default=EvaluationState.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    rows = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # Whoever asks the questions says so with each; one who is stale is taken for dead.
    seen_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        names = " against ".join(profile["name"] or "settings" for profile in self.profiles)
        return f"{self.question_set}: {names}"
