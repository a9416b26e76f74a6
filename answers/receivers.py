"""What must happen when citations and attachments go, whoever deletes them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from answers import attachments, evidence_files
from answers.models import Attachment, Citation


@receiver(post_delete, sender=Citation, dispatch_uid="answers.discard_evidence")
def discard_evidence(instance: Citation, **_kwargs: Any) -> None:
    for name in {instance.crop.name or "", instance.page_image.name or ""} - {""}:
        transaction.on_commit(partial(evidence_files.discard_unused, name))


@receiver(post_delete, sender=Attachment, dispatch_uid="answers.discard_attachment")
def discard_attachment(instance: Attachment, **_kwargs: Any) -> None:
    transaction.on_commit(partial(attachments.discard_unused, instance.image))
