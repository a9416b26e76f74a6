"""Record what changed, and look it up, so that every index can catch up on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from retrieval.models import IndexChange, SpaceVersion


class ChangesPruned(Exception):
    """Changes after the revision are not known any more; start from the rows themselves."""


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


def since(version: SpaceVersion, revision: int) -> dict[int, int]:
    """Return the documents that changed after a revision, and at which, in that order.

    Raises ChangesPruned.
    """
    changes = IndexChange.objects.filter(space_version=version, revision__gt=revision)
    # Read together: no pruning can come in between unnoticed.
    fields = ("document_id", "revision", "space_version__pruned_to")
    rows = list(changes.order_by("revision").values_list(*fields))
    # The newest change has its record, unless that was pruned.
    pruned_to = rows[0][2] if rows else version.revision
    if pruned_to > revision:
        raise ChangesPruned(f"the record of the changes since {revision} is not complete")
    return {document_id: changed_at for document_id, changed_at, _ in rows}
