"""Conversations, messages and citations in the admin: to look at; conversations can go."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from answers import conversations, feedback
from answers.models import Citation, Conversation, Feedback, Message
from retrieval.models import QuestionSet

FEEDBACK_SET = "From feedback"


class WrittenByAnswers(admin.ModelAdmin):
    """Rows that nobody edits by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(WrittenByAnswers):
    list_display = ["__str__", "owner", "reader", "created_at", "updated_at"]
    search_fields = ["title", "owner__username"]
    list_select_related = ["owner"]
    actions = ["delete_conversations"]

    def has_delete_conversations_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("answers.delete_conversation")

    @admin.action(
        description="Delete the selected conversations, with their messages",
        permissions=["delete_conversations"],
    )
    def delete_conversations(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            conversations.delete(conversation)


@admin.register(Message)
class MessageAdmin(WrittenByAnswers):
    list_display = ["beginning", "conversation", "role", "state", "reader", "created_at"]
    list_filter = ["role", "state", "reader"]
    search_fields = ["content"]
    list_select_related = ["conversation"]

    @admin.display(description="content")
    def beginning(self, message: Message) -> str:
        return message.content[:80]


@admin.register(Citation)
class CitationAdmin(WrittenByAnswers):
    list_display = ["document_title", "page_number", "kind", "number", "cited", "message"]
    list_filter = ["cited", "kind"]
    search_fields = ["document_title", "text"]
    list_select_related = ["message"]


@admin.register(Feedback)
class FeedbackAdmin(WrittenByAnswers):
    list_display = ["verdict", "reason", "question", "comment", "user", "updated_at"]
    list_filter = ["verdict", "reason"]
    search_fields = ["comment", "message__content", "message__question__content"]
    list_select_related = ["message__question", "user"]

    actions = ["add_to_question_set"]

    def has_question_set_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("retrieval.add_question")

    @admin.action(
        description=f"Add the good ones to the question set “{FEEDBACK_SET}”",
        permissions=["question_set"],
    )
    def add_to_question_set(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        question_set, _ = QuestionSet.objects.get_or_create(name=FEEDBACK_SET)
        count = feedback.add_to_set(queryset, question_set)
        self.message_user(request, f"{count} questions were added to “{question_set}”.")

    @admin.display(description="question")
    def question(self, given: Feedback) -> str:
        return given.message.question.content[:80] if given.message.question else ""
