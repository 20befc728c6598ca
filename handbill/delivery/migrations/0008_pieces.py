"""Letters in pieces: one that was written whole is a single piece of its own."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import JSONArray


def list_pieces(apps, schema_editor):
    Body = apps.get_model("delivery", "Body")
    Body.objects.update(html_pieces=JSONArray("html"), text_pieces=JSONArray("text"))


class Migration(migrations.Migration):
    dependencies = [("delivery", "0007_mailboxes_and_surges")]

    operations = [
        migrations.CreateModel(
            name="Piece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="Digest of its content.", max_length=64)),
                ("content", models.TextField()),
                (
                    "mailing",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pieces",
                        to="delivery.mailing",
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("mailing", "key"), name="piece_once")]},
        ),
        migrations.AddField(
            "body",
            "html_pieces",
            models.JSONField(default=list, help_text="In order: the id of a Piece, or a piece of its own."),
        ),
        migrations.AddField("body", "text_pieces", models.JSONField(default=list, help_text="Likewise.")),
        migrations.RunPython(list_pieces, migrations.RunPython.noop),
        migrations.RemoveField("body", "html"),
        migrations.RemoveField("body", "text"),
    ]
