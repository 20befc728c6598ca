from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sources", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="feed",
            name="failing_since",
            field=models.DateTimeField(blank=True, help_text="The first of the failed tries in a row.", null=True),
        ),
        migrations.AlterField(
            model_name="source",
            name="slug",
            field=models.SlugField(allow_unicode=True, max_length=80, unique=True),
        ),
    ]
