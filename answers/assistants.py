"""What an assistant can do with the library: look around, search, read a page, ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from answers import answering, conversations
from answers.citations import VisibleCitation, visible_citations
from answers.models import MessageState
from ingestion.errors import PermanentError
from ingestion.models import Collection, Document
from retrieval import scope
from retrieval.search import Hit, search

MOST_HITS = 20
LONGEST_LIST = 200


class NotThere(PermanentError):
    """There is no such thing, or the user may not see it."""


def list_documents(user: AbstractUser, *, collection: int | None = None) -> list[dict[str, Any]]:
    """List the documents that can be searched, the newest first."""
    found = Document.objects.visible_to(user).searchable().select_related("collection")
    if collection is not None:
        found = found.filter(collection=_collection(user, collection))
    return [
        {
            "id": str(document.uuid),
            "title": document.title,
            "pages": document.page_count,
            "collection": document.collection_id,
            "collection_name": document.collection.name,
        }
        for document in found[:LONGEST_LIST]
    ]


def find(
    user: AbstractUser, query: str, *, collection: int | None = None, limit: int = 8
) -> list[dict[str, Any]]:
    """Search passages, tables and figures; each comes with its place."""
    chosen = [_collection(user, collection).pk] if collection is not None else []
    where = scope.allowed(user, collections=chosen)
    result = search(query, where=where, top_k=min(limit, MOST_HITS))
    return [_hit(hit) for hit in result.hits]


def read_page(user: AbstractUser, document: str, page: int) -> dict[str, Any]:
    """Return everything that stands on a page (from 1), in reading order."""
    readable = Document.objects.visible_to(user).searchable()
    found = readable.filter(uuid=document).first() if _is_uuid(document) else None
    if found is None:
        raise NotThere(f"There is no document {document} here: search, or list the documents.")
    if not 1 <= page <= (found.page_count or 0):
        raise NotThere(f"“{found.title}” has pages 1 to {found.page_count}.")
    chunks = found.chunks.filter(generation=found.live_generation, page_number=page)
    parts = [f"{chunk.caption}\n{chunk.text}".strip() for chunk in chunks.order_by("order")]
    return {
        "title": found.title,
        "page": page,
        "pages": found.page_count,
        "text": "\n\n".join(parts),
    }


def ask(user: Any, question: str, *, collection: int | None = None) -> dict[str, Any]:
    """Answer a question from the documents, with the places that the answer cites."""
    chosen = [_collection(user, collection)] if collection is not None else []
    conversation = conversations.create(
        user, title="Assistant", is_listed=False, collections=chosen
    )
    try:
        answer = answering.answer_now(conversation, question)
        if answer.state == MessageState.FAILED:
            raise PermanentError(answer.error)
        cited = [citation for citation in visible_citations(answer, user) if citation.cited]
        return {"answer": answer.content, "citations": [_citation(each) for each in cited]}
    finally:
        conversations.delete(conversation)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _collection(user: AbstractUser, pk: int) -> Collection:
    found = Collection.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotThere(f"There is no collection {pk} here.")
    return found


def _hit(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "document": str(chunk.document.uuid),
        "title": chunk.document.title,
        "page": chunk.page_number,
        "kind": chunk.kind,
        "headings": chunk.heading_path,
        "text": f"{chunk.caption}\n{chunk.text}".strip(),
        "score": hit.score,
    }


def _citation(citation: VisibleCitation) -> dict[str, Any]:
    return {
        "number": citation.number,
        "title": citation.document_title,
        "document": str(citation.document.uuid) if citation.document else None,
        "page": citation.page_number,
        "text": citation.text,
    }
