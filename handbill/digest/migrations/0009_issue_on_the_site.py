from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("digest", "0008_alerts")]

    operations = [
        migrations.AddField(
            model_name="issue",
            name="listed",
            field=models.JSONField(default=dict, help_text="What the site shows of it: a ReadingList's ids (ADR-0100)."),
        ),
        migrations.AddField(
            model_name="issue",
            name="public_at",
            field=models.DateTimeField(help_text="When it began to go, and so came onto the site.", null=True),
        ),
    ]
