"""Translate conversations, messages and citations to and from JSON."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from answers import checks, readers, turns
from answers.answering import QUESTION_LENGTH
from answers.attachments import MOST, Shown
from answers.models import Conversation, Feedback, Message, Role
from answers.regions import Region, on_page
from answers.sources import Source
from answers.verification import Verdict
from ingestion import json_types
from ingestion.errors import PermanentError
from ingestion.json_types import StrictSerializer
from ingestion.models import Collection, Document
from retrieval.serializers import PictureField


class ScopeSerializer(StrictSerializer):
    """What to ask: of what one may read, these collections and documents; none means all."""

    collections: serializers.RelatedField = serializers.PrimaryKeyRelatedField(
        many=True, queryset=Collection.objects.none(), required=False
    )
    documents: serializers.RelatedField = serializers.SlugRelatedField(
        slug_field="uuid", many=True, queryset=Document.objects.none(), required=False
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, Any] = super().get_fields()
        if request := self.context.get("request"):
            fields["collections"].child_relation.queryset = Collection.objects.visible_to(
                request.user
            )
            fields["documents"].child_relation.queryset = Document.objects.visible_to(request.user)
        return fields


def check_reader(name: str) -> None:
    """Refuse a reader that is not set up on this site."""
    if name not in readers.available():
        raise json_types.Refused(f"Choose one of: {', '.join(readers.available())}.")


class ConversationSerializer(ScopeSerializer, serializers.ModelSerializer[Conversation]):
    serializer_field_mapping = json_types.OF_MODELS

    id = serializers.UUIDField(source="uuid", read_only=True)
    url = serializers.SerializerMethodField(help_text="The page of the conversation, for people.")

    class Meta:
        model = Conversation
        fields = [
            *("id", "title", "reader", "collections", "documents"),
            *("is_pinned", "created_at", "updated_at", "url"),
        ]
        read_only_fields = ["created_at", "updated_at"]
        extra_kwargs = {"reader": {"validators": [check_reader]}}

    def get_url(self, conversation: Conversation) -> str:
        path = reverse("answers:conversation", args=[conversation.uuid])
        return str(self.context["request"].build_absolute_uri(path))


class AgainSerializer(StrictSerializer):
    """How an answer is wanted."""

    reader = json_types.StringField(
        required=False, validators=[check_reader], help_text="Left out: the site's default."
    )
    stream = json_types.TruthField(
        default=False, help_text="Answer as server-sent events; `Accept` can ask for that too."
    )


class EditSerializer(AgainSerializer):
    """A question, and how its answer is wanted."""

    question = json_types.StringField(max_length=QUESTION_LENGTH)


class RegionSerializer(StrictSerializer):
    """A place on a document's page."""

    document = serializers.UUIDField()
    page = json_types.WholeField(min_value=1, help_text="Physical page, from 1.")
    box = serializers.ListField(
        child=json_types.NumberField(),
        min_length=4,
        max_length=4,
        help_text="[x0, y0, x1, y1] in PDF points, origin top left.",
    )


class CarryingSerializer(EditSerializer):
    """A question with what it carries; places are the first sources of its answer."""

    images = serializers.ListField(child=PictureField(), required=False, max_length=MOST)
    regions = RegionSerializer(many=True, required=False)

    def validate_regions(self, places: list[dict[str, Any]]) -> list[Region]:
        user = self.context["request"].user
        try:
            return [on_page(user, **place) for place in places]
        except PermanentError as exc:
            raise json_types.Refused(str(exc)) from exc


class QuestionSerializer(CarryingSerializer):
    """A question in a conversation."""

    follows: serializers.RelatedField = serializers.SlugRelatedField(
        slug_field="uuid",
        queryset=Message.objects.none(),
        required=False,
        help_text="The answer that it is asked after; left out: the last one that is shown.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, Any] = super().get_fields()
        if conversation := self.context.get("conversation"):
            answers = conversation.messages.filter(role=Role.ASSISTANT)
            fields["follows"].queryset = answers
        return fields


class AskSerializer(ScopeSerializer, CarryingSerializer):
    """A question, what to ask, and whether to keep it."""

    conversation: serializers.RelatedField = serializers.SlugRelatedField(
        slug_field="uuid",
        queryset=Conversation.objects.none(),
        required=False,
        help_text="Go on with this conversation of yours.",
    )
    keep = json_types.TruthField(
        default=False, help_text="Begin a conversation that is listed among yours."
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, Any] = super().get_fields()
        if request := self.context.get("request"):
            fields["conversation"].queryset = Conversation.objects.visible_to(request.user)
        return fields


class ReaderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What to name it by.")
    title = serializers.CharField(source="label", help_text="Its model, for people.")
    is_default = serializers.BooleanField()
    images = serializers.IntegerField(help_text="How many it is shown at most.")


class PlaceSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField(help_text="Physical page, from 1.")
    box = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="[x0, y0, x1, y1] in PDF points, origin top left.",
    )


class CitationUrlsSerializer(serializers.Serializer[Any]):
    document = serializers.CharField(help_text="The page, for people; empty where it is gone.")
    page_image = serializers.CharField(help_text="Empty where there is none.")
    crop = serializers.CharField(help_text="A figure's or table's image; empty for text.")


class CitationSerializer(serializers.Serializer[Any]):
    """One numbered piece of evidence, as it was when the answer was given."""

    number = serializers.IntegerField(help_text="The n of [n] in the answer.")
    cited = serializers.BooleanField(help_text="Whether the answer's text uses it.")
    document = serializers.UUIDField(
        source="citation.document.uuid", default=None, allow_null=True, read_only=True
    )
    document_title = serializers.CharField(source="title")
    page = serializers.IntegerField(source="citation.page_number")
    page_label = serializers.CharField(source="citation.page_label")
    page_width = serializers.FloatField(help_text="PDF points.")
    page_height = serializers.FloatField(help_text="PDF points.")
    kind = serializers.CharField(help_text="text, table or image")
    heading_path = serializers.ListField(
        source="citation.heading_path", child=serializers.CharField()
    )
    caption = serializers.CharField(source="citation.caption")
    text = serializers.CharField(source="citation.text")
    quotes = serializers.ListField(source="citation.quotes", child=serializers.CharField())
    boxes = serializers.SerializerMethodField()
    scores = serializers.JSONField(source="citation.scores")
    source_removed = serializers.BooleanField(source="citation.source_removed")
    hidden = serializers.BooleanField(
        source="citation.hidden", help_text="You may no longer read it: text and places are empty."
    )
    urls = serializers.SerializerMethodField()

    @extend_schema_field(PlaceSerializer(many=True))
    def get_boxes(self, source: Source) -> list[dict[str, Any]]:
        return [{"page": int(page), "box": box} for page, *box in source.citation.boxes]

    @extend_schema_field(CitationUrlsSerializer)
    def get_urls(self, source: Source) -> dict[str, str]:
        citation = source.citation
        return {
            "document": self._absolute(source.document_url),
            "page_image": self._image("citation-page-image", citation.pk, citation.page_image),
            "crop": self._image("citation-crop", citation.pk, citation.crop),
        }

    def _image(self, view: str, pk: int, name: str) -> str:
        return self._absolute(reverse(view, args=[pk])) if name else ""

    def _absolute(self, path: str) -> str:
        return str(self.context["request"].build_absolute_uri(path)) if path else ""


class CheckSerializer(serializers.Serializer[Any]):
    """One statement of the answer, held against the sources that it cites."""

    start = serializers.IntegerField(help_text="Its first character in the answer.")
    end = serializers.IntegerField(help_text="The one after its last.")
    text = serializers.CharField(help_text="What it says, without markup and markers.")
    sources = serializers.ListField(child=serializers.IntegerField())
    found = serializers.IntegerField(
        default=0, help_text="The source that says it, where the answer names none; else 0."
    )
    verdict = serializers.ChoiceField([str(verdict) for verdict in Verdict])
    reason = serializers.CharField(help_text="Empty where it is supported by what it cites.")
    explanation = serializers.SerializerMethodField()
    numbers = serializers.ListField(
        child=serializers.CharField(), help_text="Those that its sources do not have."
    )

    def get_explanation(self, check: dict[str, Any]) -> str:
        return checks.explain(check)


class AttachmentSerializer(serializers.Serializer[Any]):
    """A picture or a place that a question carries."""

    document_title = serializers.CharField(source="attachment.document_title")
    kind = serializers.CharField(source="attachment.kind", help_text="image or region")
    document = serializers.UUIDField(
        source="attachment.document.uuid", default=None, allow_null=True, read_only=True
    )
    page = serializers.IntegerField(source="attachment.page_number")
    box = serializers.SerializerMethodField()
    hidden = serializers.BooleanField(help_text="You may no longer read the document.")
    image = serializers.SerializerMethodField(help_text="Its address; empty where it is hidden.")

    @extend_schema_field(serializers.ListField(child=serializers.FloatField()))
    def get_box(self, one: Shown) -> list[float]:
        return [] if one.hidden else one.attachment.box

    @extend_schema_field(OpenApiTypes.URI)
    def get_image(self, one: Shown) -> str:
        if not one.image_url:
            return ""
        path = reverse("attachment-image", args=[one.attachment.uuid])
        return str(self.context["request"].build_absolute_uri(path))


class FeedbackSerializer(StrictSerializer, serializers.ModelSerializer[Feedback]):
    """What you think of an answer."""

    serializer_field_mapping = json_types.OF_MODELS

    class Meta:
        model = Feedback
        fields = ["verdict", "reason", "comment", "updated_at"]
        read_only_fields = ["updated_at"]


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A question or an answer."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    conversation: serializers.SlugRelatedField = serializers.SlugRelatedField(
        slug_field="uuid", read_only=True
    )
    question = serializers.UUIDField(
        source="question.uuid",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="The message that an answer answers.",
    )
    follows = serializers.UUIDField(
        source="follows.uuid",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="The answer that a question was asked after.",
    )
    attachments = serializers.SerializerMethodField(help_text="What a question carries.")
    site_notes = serializers.SerializerMethodField(
        help_text="What of the site was not at hand; empty but for administrators."
    )
    citations = serializers.SerializerMethodField()
    checks = CheckSerializer(many=True, read_only=True)

    class Meta:
        model = Message
        fields = [
            *("id", "conversation", "question", "follows", "attachments", "role", "state"),
            *("content", "error", "finish_reason", "notes", "site_notes"),
            *("reader", "grounded", "search_query", "index_versions", "timings", "usage"),
            *("created_at", "finished_at", "citations", "checks"),
        ]
        read_only_fields = fields

    @extend_schema_field(AttachmentSerializer(many=True))
    def get_attachments(self, message: Message) -> list[dict[str, Any]]:
        found = self._carried[message.pk] if message.role == Role.USER else []
        return list(AttachmentSerializer(found, many=True, context=self.context).data)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_site_notes(self, message: Message) -> list[str]:
        return message.site_notes if self.context["request"].user.is_staff else []

    @extend_schema_field(CitationSerializer(many=True))
    def get_citations(self, message: Message) -> list[dict[str, Any]]:
        found = self._sources[message.pk] if message.role == Role.ASSISTANT else ()
        return list(CitationSerializer(found, many=True, context=self.context).data)

    # Of a list of messages, both are asked for once.
    @cached_property
    def _carried(self) -> dict[int, list[Shown]]:
        return turns.carried_by(self._messages(Role.USER), self.context["request"].user)

    @cached_property
    def _sources(self) -> dict[int, tuple[Source, ...]]:
        return turns.sources_of(self._messages(Role.ASSISTANT), self.context["request"].user)

    def _messages(self, role: Role) -> list[Message]:
        given: Any = self.instance
        messages = [given] if isinstance(given, Message) else given
        return [message for message in messages if message.role == role]


class AnswerSerializer(MessageSerializer):
    """An answer with its citations, those that it uses first."""

    answer = serializers.CharField(
        source="content", help_text="Markdown; [n] marks citation n.", read_only=True
    )

    class Meta(MessageSerializer.Meta):
        fields = [
            *("id", "conversation", "question", "state", "answer", "error", "finish_reason"),
            *("notes", "site_notes", "reader", "grounded", "search_query", "index_versions"),
            *("timings", "usage", "created_at", "finished_at", "citations", "checks"),
        ]
        read_only_fields = fields
