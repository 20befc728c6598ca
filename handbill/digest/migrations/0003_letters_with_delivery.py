"""What a letter says stands with delivery. An issue cut off between the two composes its letters again."""

from django.db import migrations


def compose_again(apps, schema_editor):
    Issue = apps.get_model("digest", "Issue")
    Issue.objects.filter(state="composed").update(state="planned")


class Migration(migrations.Migration):
    dependencies = [("digest", "0002_issue_article_topics")]

    operations = [
        migrations.RunPython(compose_again, migrations.RunPython.noop),
        migrations.RemoveField("letter", "html"),
        migrations.RemoveField("letter", "text"),
    ]
