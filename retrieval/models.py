"""Spaces, their versions, and the vectors: the truth that every index is built from."""

from __future__ import annotations

from django.db import models

from ingestion.models import Chunk


class SpaceVersionState(models.TextChoices):
    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"


class SpaceVersionQuerySet(models.QuerySet["SpaceVersion"]):
    def live(self) -> SpaceVersionQuerySet:
        return self.filter(state=SpaceVersionState.LIVE)

    def fed(self) -> SpaceVersionQuerySet:
        """Versions that new documents must be written to: live ones and those being built."""
        return self.exclude(state=SpaceVersionState.RETIRED)


class SpaceVersion(models.Model):
    """A space of settings.SPACES filled with one model.

    The keyword index is a version of the space "keywords": it has no vectors, its truth is
    the chunks' text. `revision` counts the changes to what should be found; an index that is
    stamped with a lower revision has `IndexChange` rows to catch up on.
    """

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
    index_settings = models.JSONField(default=dict, blank=True)
    revision = models.PositiveBigIntegerField(default=0)
    # A writer holds the version while it builds a snapshot; a stale lock is taken over.
    writer = models.CharField(max_length=64, blank=True)
    writer_seen_at = models.DateTimeField(null=True)
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


class Embedding(models.Model):
    """One chunk's vector in one space version: float32 little-endian bytes.

    Normalised to length 1 where the metric is cosine.
    """

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    space_version = models.ForeignKey(
        SpaceVersion, on_delete=models.CASCADE, related_name="embeddings"
    )
    vector = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["chunk", "space_version"], name="one_vector_per_chunk_and_version"
            )
        ]

    def __str__(self) -> str:
        return f"chunk {self.chunk_id} in {self.space_version}"


class IndexChange(models.Model):
    """The document's searchable rows in this space version changed at this revision.

    At most one row per document and version, the latest. No foreign key to the document:
    the row must outlive it, since deletion is a change too.
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
