"""A page that was skipped when its document was read last has no part in what is searched.

Its layout is of an earlier reading: pages with a layout are those that are searched.
"""

from django.db import migrations


def forget_layouts(apps, schema_editor):
    pages = apps.get_model("ingestion", "Page").objects
    pages.filter(state="skipped", document__state="ready").update(layout=b"")


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0004_uploads")]

    operations = [migrations.RunPython(forget_layouts, migrations.RunPython.noop)]
