from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("ingestion", "0001_initial"),
    ]

    operations = [
        migrations.RenameField("document", "metadata", "facts"),
        migrations.AlterField(
            "document",
            "facts",
            models.JSONField(
                blank=True,
                default=dict,
                help_text="What the file says of itself: author, language, …",
            ),
        ),
        migrations.AddField(
            "document",
            "metadata",
            models.JSONField(
                blank=True,
                default=dict,
                help_text="Given by people, to filter by; see ingestion.labels.",
            ),
        ),
        migrations.AlterField(
            "document",
            "tags",
            models.JSONField(blank=True, default=list, help_text="See ingestion.labels."),
        ),
    ]
