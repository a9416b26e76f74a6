"""Questions asked before there were branches follow the latest answer to the one before."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.db import migrations


def follow_on(apps: Any, schema_editor: Any) -> None:
    Message = apps.get_model("answers", "Message")
    rows = Message.objects.order_by("conversation_id", "pk")
    for _, messages in groupby(rows.iterator(), lambda message: message.conversation_id):
        last = None
        for message in messages:
            if message.role == "assistant":
                last = message.pk
            elif last is not None and message.follows_id is None:
                Message.objects.filter(pk=message.pk).update(follows=last)


class Migration(migrations.Migration):
    dependencies = [("answers", "0004_branches")]

    operations = [migrations.RunPython(follow_on, migrations.RunPython.noop)]
