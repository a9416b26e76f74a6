"""What was noted of the site itself is for administrators alone."""

from django.db import migrations

ENDS = {
    "length": "The answer was cut off because it reached the longest that is allowed.",
    "content_filter": "The model's provider filtered this answer.",
}
OF_THE_ANSWER = (
    "This answer is extractive",
    # Of pictures.
    "what you attached was",
    "of yours went unseen",
)


def part(apps, schema_editor):
    messages = apps.get_model("answers", "Message").objects
    for message in messages.exclude(notes=[]).only("notes", "finish_reason").iterator(500):
        end = ENDS.get(message.finish_reason)
        kept = [note for note in message.notes if any(words in note for words in OF_THE_ANSWER)]
        messages.filter(pk=message.pk).update(
            notes=[*kept, *filter(None, [end])],
            site_notes=[note for note in message.notes if note not in (*kept, end)],
        )


class Migration(migrations.Migration):
    dependencies = [("answers", "0009_site_notes")]

    operations = [migrations.RunPython(part, migrations.RunPython.noop)]
