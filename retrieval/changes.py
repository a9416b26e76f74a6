"""Record what changed, so that every index can catch up on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from retrieval.models import IndexChange, SpaceVersion


def record(document_id: int, *, versions: Iterable[SpaceVersion] | None = None) -> None:
    """Note that what is searched of the document changes in the current transaction.

    Every fed version gets the next revision, unless `versions` names some.
    """
    chosen = SpaceVersion.objects.fed()
    if versions is not None:
        chosen = SpaceVersion.objects.filter(pk__in=[version.pk for version in versions])
    with transaction.atomic():
        # The rows stay locked until commit, so revisions become visible in their order: who
        # sees revision r sees all the changes up to r.
        locked = list(chosen.order_by("pk").select_for_update(no_key=True))
        SpaceVersion.objects.filter(pk__in=[version.pk for version in locked]).update(
            revision=F("revision") + 1
        )
        IndexChange.objects.bulk_create(
            [
                IndexChange(
                    space_version=version, document_id=document_id, revision=version.revision + 1
                )
                for version in locked
            ],
            update_conflicts=True,
            unique_fields=["space_version", "document_id"],
            update_fields=["revision"],
        )
