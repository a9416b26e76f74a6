"""Spaces in the admin: look at their versions, rebuild, switch, roll back. Search profiles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from retrieval import background, embedding, profiles, spaces
from retrieval.models import (
    Embedding,
    EvaluationRun,
    Question,
    QuestionSet,
    SearchProfile,
    SpaceVersion,
)


class ReadOnly(admin.ModelAdmin):
    """What is shown here follows from documents and settings; nothing is typed in."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(SpaceVersion)
class SpaceVersionAdmin(ReadOnly):
    list_display = (
        "space",
        "number",
        "state",
        "model",
        "dimension",
        "metric",
        "vectors",
        "progress",
        "last_built_at",
        "error",
    )
    list_filter = ("space", "state")
    actions = ("rebuild_index", "fill", "begin_version", "roll_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SpaceVersion]:
        return super().get_queryset(request).annotate(vector_count=Count("embeddings"))

    @admin.display(ordering="vector_count")
    def vectors(self, version: SpaceVersion) -> int:
        return version.vector_count  # type: ignore[attr-defined]

    @admin.display(description="built")
    def progress(self, version: SpaceVersion) -> str:
        return (
            f"{version.chunks_done:,} of {version.chunks_total:,}" if version.chunks_total else ""
        )

    @admin.action(description="Rebuild the index from the database")
    def rebuild_index(self, request: HttpRequest, chosen: QuerySet[SpaceVersion]) -> None:
        for version in chosen:
            background.request("rebuild_index", version.pk)
        self.message_user(request, "The workers rebuild it; searches go on meanwhile.")

    @admin.action(description="Make the vectors that are missing")
    def fill(self, request: HttpRequest, chosen: QuerySet[SpaceVersion]) -> None:
        chosen.update(error="")
        for version in chosen:
            embedding.request_fill(version)
        self.message_user(request, "The workers make them.")

    @admin.action(description="Begin a new version of the space, with the model of the settings")
    def begin_version(self, request: HttpRequest, chosen: QuerySet[SpaceVersion]) -> None:
        for space in set(chosen.values_list("space", flat=True)):
            try:
                self.message_user(request, f"{spaces.begin_version(space)} is being built.")
            except ValueError as exc:
                self.message_user(request, str(exc), messages.ERROR)

    @admin.action(description="Go back to the version of the space before the live one")
    def roll_back(self, request: HttpRequest, chosen: QuerySet[SpaceVersion]) -> None:
        for space in set(chosen.values_list("space", flat=True)):
            try:
                self.message_user(request, f"{spaces.roll_back(space)} is live again.")
            except LookupError as exc:
                self.message_user(request, str(exc), messages.ERROR)


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnly):
    list_display = ("pk", "space_version", "chunk_id", "content_hash")
    list_filter = ("space_version",)
    list_select_related = ("space_version",)
    show_full_result_count = False
    exclude = ("vector",)
    raw_id_fields = ("chunk",)


class ProfileForm(forms.ModelForm):
    class Meta:
        model = SearchProfile
        fields = ("name", "description", "request")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "request" in cleaned:
            profiles.validate(cleaned["request"] or {})
        return cleaned


@admin.register(SearchProfile)
class SearchProfileAdmin(admin.ModelAdmin):
    form = ProfileForm
    list_display = ("name", "is_live", "description", "updated_at")
    actions = ("make_live", "back_to_settings")

    @admin.action(description="Make it live: searches and the chat run it")
    def make_live(self, request: HttpRequest, chosen: QuerySet[SearchProfile]) -> None:
        profile = chosen.first()
        if profile is None or chosen.count() > 1:
            self.message_user(request, "Choose one profile.", messages.ERROR)
            return
        try:
            profiles.make_live(profile)
        except forms.ValidationError as exc:
            self.message_user(request, " ".join(exc.messages), messages.ERROR)
        else:
            self.message_user(request, f"{profile} is live.")

    @admin.action(description="Run no profile: searches run as the settings say")
    def back_to_settings(self, request: HttpRequest, chosen: QuerySet[SearchProfile]) -> None:
        profiles.make_live(None)
        self.message_user(request, "Searches run as the settings say.")


class QuestionInline(admin.TabularInline):
    model = Question
    raw_id_fields = ("document",)
    extra = 0
    show_change_link = True


@admin.register(QuestionSet)
class QuestionSetAdmin(admin.ModelAdmin):
    list_display = ("name", "description", "created_at")
    inlines = (QuestionInline,)


@admin.register(EvaluationRun)
class EvaluationRunAdmin(ReadOnly):
    list_display = ("__str__", "state", "scope", "done", "total", "created_at")
    exclude = ("rows",)
