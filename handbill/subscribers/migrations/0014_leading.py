from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("subscribers", "0013_uploads"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="leading",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Topics to come first: ids in their order, joined by commas.",
            ),
        ),
    ]
