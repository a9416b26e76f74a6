"""Conversations that have something chosen are scoped."""

from django.db import migrations
from django.db.models import Q


def mark_scoped(apps, schema_editor):
    conversations = apps.get_model("answers", "Conversation").objects
    chosen = Q(collections__isnull=False) | Q(documents__isnull=False)
    pks = conversations.filter(chosen).values("pk")
    conversations.filter(pk__in=list(pks.values_list("pk", flat=True))).update(is_scoped=True)


class Migration(migrations.Migration):
    dependencies = [("answers", "0002_checks_scope_and_listing")]

    operations = [migrations.RunPython(mark_scoped, migrations.RunPython.noop)]
