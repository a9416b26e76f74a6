"""Collections: what to do with them."""

from __future__ import annotations

from django.contrib.auth.models import User

from ingestion import documents
from ingestion.errors import PermanentError
from ingestion.models import Collection


class NameTaken(PermanentError):
    """The owner has another collection of that name."""

    code = "name_taken"


DEFAULT_NAME = "My documents"


def default_for(user: User) -> Collection:
    """Return the user's own first collection, made on first need."""
    own = Collection.objects.filter(owner=user).order_by("created_at").first()
    return own or Collection.objects.get_or_create(owner=user, name=DEFAULT_NAME)[0]


def delete(collection: Collection) -> int:
    """Delete a collection with all its documents and their files; return how many those were."""
    contained = list(collection.documents.all())
    for document in contained:
        documents.delete(document)
    collection.delete()
    return len(contained)
