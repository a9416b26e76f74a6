"""Administration of collections, documents, pages and chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from ingestion import documents
from ingestion.errors import PermanentError
from ingestion.models import Chunk, Collection, Document, Page


class ReadOnly(admin.ModelAdmin):
    """Rows that the pipeline writes: look, don't touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "is_public", "created_at"]
    list_filter = ["is_public"]
    search_fields = ["name", "owner__username"]
    filter_horizontal = ["editors", "viewers", "editor_groups", "viewer_groups"]


@admin.register(Document)
class DocumentAdmin(ReadOnly):
    list_display = ["title", "collection", "state", "pages_done", "page_count", "created_at"]
    list_filter = ["state", "collection"]
    search_fields = ["title", "filename", "sha256"]
    list_select_related = ["collection"]
    actions = ["parse_again", "index_again", "retry", "cancel", "delete_documents"]

    @admin.action(description="Parse the selected documents again")
    def parse_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, documents.reparse, "sent to be parsed again")

    @admin.action(description="Re-index the selected documents (chunks and vectors)")
    def index_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, documents.reindex, "sent to be indexed again")

    @admin.action(description="Retry the selected documents")
    def retry(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, documents.retry, "sent off again")

    @admin.action(description="Cancel work on the selected documents")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset.active(), documents.cancel, "cancelled")  # type: ignore[attr-defined]

    @admin.action(description="Delete the selected documents, with their files and vectors")
    def delete_documents(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        self._each(request, queryset, documents.delete, "deleted")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[Document],
        verb: Callable[[Document], object],
        done: str,
    ) -> None:
        number = 0
        for document in queryset:
            try:
                verb(document)
                number += 1
            except PermanentError as refused:
                self.message_user(request, f"“{document}”: {refused}", messages.WARNING)
        noun = ngettext("document was", "documents were", number)
        self.message_user(request, f"{number} {noun} {done}.", messages.SUCCESS)


@admin.register(Page)
class PageAdmin(ReadOnly):
    list_display = ["document", "number", "label", "state", "text_source", "ocr_confidence"]
    list_filter = ["state", "text_source"]
    search_fields = ["document__title"]
    list_select_related = ["document"]
    exclude = ["layout"]


@admin.register(Chunk)
class ChunkAdmin(ReadOnly):
    list_display = ["document", "page_number", "order", "kind", "token_count", "beginning"]
    list_filter = ["kind"]
    search_fields = ["text", "caption", "document__title"]
    list_select_related = ["document"]

    @admin.display(description="text")
    def beginning(self, chunk: Chunk) -> str:
        return chunk.text[:80]
