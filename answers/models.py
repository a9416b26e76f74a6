"""Conversations: questions, answers, and the evidence that each answer stands on."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from ingestion.models import Chunk, Collection, Document


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, user: Any) -> ConversationQuerySet:
        return self.filter(owner=user) if user.is_authenticated else self.none()

    def listed(self) -> ConversationQuerySet:
        return self.filter(is_listed=True)


class Conversation(models.Model):
    """One person's chat, with the collections or documents that it asks."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    reader = models.CharField(
        max_length=40, blank=True, help_text="A name in settings.READERS; empty: the default."
    )
    is_scoped = models.BooleanField(
        default=False,
        help_text="Asked of what is chosen only, also when all of that is gone; "
        "else of everything that the owner may read.",
    )
    is_listed = models.BooleanField(
        default=True, help_text="False for a program's single question: not among the chats."
    )
    collections = models.ManyToManyField(Collection, blank=True, related_name="conversations")
    documents = models.ManyToManyField(Document, blank=True, related_name="conversations")
    is_pinned = models.BooleanField(default=False)
    # Where the branch that is shown ends; empty: at the newest message.
    tip = models.ForeignKey(
        "Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-pk"]

    def __str__(self) -> str:
        return self.title or "New conversation"


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class MessageState(models.TextChoices):
    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


FINAL_STATES = (MessageState.DONE, MessageState.STOPPED, MessageState.FAILED)


class Message(models.Model):
    """A question or an answer. An answer is stamped with its reader and index versions."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    # Several answers may belong to one question: it can be asked again.
    question = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers"
    )
    # A question's place in the tree: an edited one stands beside the one that it was made of.
    follows = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="continuations",
        help_text="The answer that a question was asked after; none for a first question.",
    )
    role = models.CharField(max_length=9, choices=Role)
    state = models.CharField(
        max_length=9, choices=MessageState, default=MessageState.DONE, db_index=True
    )
    content = models.TextField(blank=True, help_text="Markdown; [n] marks citation n.")
    error = models.TextField(blank=True)
    finish_reason = models.CharField(
        max_length=20,
        blank=True,
        help_text="Why an answer ends before its end: “length” or “content_filter”.",
    )
    notes = models.JSONField(
        default=list, blank=True, help_text="Sentences about the answer for whoever asked."
    )
    site_notes = models.JSONField(
        default=list,
        blank=True,
        help_text="For administrators: what of the site was not at hand for this answer.",
    )
    search_query = models.TextField(blank=True, help_text="What was searched for.")
    reader = models.CharField(max_length=200, blank=True)
    grounded = models.BooleanField(
        null=True, help_text="False where the evidence did not hold the answer."
    )
    checks = models.JSONField(
        default=list, blank=True, help_text="What each statement of the answer was found to be."
    )
    index_versions = models.JSONField(default=dict, blank=True, help_text='{"text": 1, ...}')
    timings = models.JSONField(default=dict, blank=True, help_text="Seconds by stage.")
    usage = models.JSONField(default=dict, blank=True, help_text="Tokens and images sent.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.role} message {self.pk} ({self.state})"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES


class AttachmentKind(models.TextChoices):
    IMAGE = "image"
    REGION = "region"


class Attachment(models.Model):
    """What a question carries beside its words: a picture, or a place on a document's page.

    A place is kept as it was when the question was asked, as citations are: with its picture
    and the text inside it. `document` is null once that was deleted.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    kind = models.CharField(max_length=6, choices=AttachmentKind)
    image = models.CharField(max_length=200, help_text="Storage name.")
    width = models.PositiveIntegerField(help_text="Pixels.")
    height = models.PositiveIntegerField(help_text="Pixels.")
    document = models.ForeignKey(
        Document, on_delete=models.SET_NULL, null=True, related_name="attachments"
    )
    collection = models.ForeignKey(
        Collection, on_delete=models.SET_NULL, null=True, related_name="attachments"
    )
    document_title = models.CharField(max_length=500, blank=True)
    page_number = models.PositiveIntegerField(default=0)
    page_label = models.CharField(max_length=40, blank=True)
    box = models.JSONField(default=list, help_text="[x0, y0, x1, y1] in PDF points.")

    class Meta:
        ordering = ["message", "pk"]
        indexes = [models.Index(fields=["image"], name="attachment_by_image")]

    def __str__(self) -> str:
        return f"{self.kind} of message {self.message_id}"


class Verdict(models.TextChoices):
    GOOD = "good"
    BAD = "bad"


class Reason(models.TextChoices):
    """What a person found; the first two for a good answer."""

    RIGHT = "right", "It is right"
    WELL_SOURCED = "well_sourced", "The sources show it"
    WRONG = "wrong", "It is wrong"
    NOT_IN_SOURCES = "not_in_sources", "The sources do not say it"
    WRONG_SOURCE = "wrong_source", "It looked in the wrong place"
    INCOMPLETE = "incomplete", "Something is missing"
    SHOULD_ANSWER = "should_answer", "The documents hold an answer"


class Feedback(models.Model):
    """What one person thinks of one answer."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feedback"
    )
    verdict = models.CharField(max_length=4, choices=Verdict)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    comment = models.TextField(blank=True, max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-pk"]
        verbose_name_plural = "feedback"
        constraints = [
            models.UniqueConstraint(fields=["message", "user"], name="feedback_once_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.verdict} answer {self.message_id}"


class Citation(models.Model):
    """One numbered piece of evidence of an answer, kept as it was when the answer was given.

    The snapshot (text, page, boxes, crop) survives re-indexing and deletion of the
    document; `document` is null once the source was removed. `cited` tells whether the
    answer's text uses it; the rest was shown to the reader but not used. `crop` and
    `page_image` are named after their bytes and shared by every citation of the same image.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    number = models.PositiveIntegerField()
    cited = models.BooleanField(default=False)
    document = models.ForeignKey(
        Document, on_delete=models.SET_NULL, null=True, related_name="citations"
    )
    chunk = models.ForeignKey(Chunk, on_delete=models.SET_NULL, null=True, related_name="citations")
    # Who may read a removed source is still asked of the collection that it stood in.
    collection = models.ForeignKey(
        Collection, on_delete=models.SET_NULL, null=True, related_name="citations"
    )
    document_title = models.CharField(max_length=500)
    kind = models.CharField(max_length=5)
    page_number = models.PositiveIntegerField()
    page_label = models.CharField(max_length=40, blank=True)
    page_width = models.FloatField(default=0, help_text="PDF points.")
    page_height = models.FloatField(default=0, help_text="PDF points.")
    heading_path = models.JSONField(default=list)
    caption = models.TextField(blank=True)
    text = models.TextField(blank=True)
    quotes = models.JSONField(
        default=list, help_text="[[start, end], ...]: the parts of `text` that the answer uses."
    )
    boxes = models.JSONField(
        default=list, help_text="[[page, x0, y0, x1, y1], ...]: what to box, in PDF points."
    )
    crop = models.FileField(blank=True, max_length=200)
    page_image = models.FileField(blank=True, max_length=200)
    scores = models.JSONField(default=dict, blank=True, help_text="Ranks and scores per source.")

    class Meta:
        ordering = ["message", "number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="citation_number_once")
        ]
        indexes = [
            models.Index(fields=["crop"], name="citation_by_crop"),
            models.Index(fields=["page_image"], name="citation_by_page_image"),
        ]

    def __str__(self) -> str:
        return f"[{self.number}] {self.document_title}, p. {self.page_label or self.page_number}"
