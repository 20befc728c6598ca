"""Logos of letters, as they stand on the public site."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("digest", "0010_rights_of_lists")]

    operations = [
        migrations.CreateModel(
            name="PublishedLogo",
            fields=[
                (
                    "name",
                    models.CharField(help_text="logo-HASH.png", max_length=40, primary_key=True, serialize=False),
                ),
                ("content", models.BinaryField()),
            ],
        ),
    ]
