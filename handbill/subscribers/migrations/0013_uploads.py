from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("subscribers", "0012_feeds"),
    ]

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("next_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_token", models.CharField(blank=True, max_length=32)),
                ("at", models.DateTimeField()),
                ("by", models.CharField(help_text="Who gave it in.", max_length=150)),
                ("name", models.CharField(help_text="The file's own.", max_length=150)),
                (
                    "file",
                    models.CharField(help_text="Its name in the newsroom's folder: random.", max_length=64, unique=True),
                ),
                (
                    "program",
                    models.CharField(blank=True, help_text="Whose export it is; empty: recognised.", max_length=20),
                ),
                (
                    "proof",
                    models.CharField(
                        blank=True, help_text="The editor's word that all of them consented.", max_length=500
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("trying", "to be tried, or being tried"),
                            ("tried", "what it would do is known"),
                            ("bringing", "to be brought in, or being brought in"),
                            ("brought", "Brought"),
                            ("failed", "Failed"),
                        ],
                        default="trying",
                        max_length=10,
                    ),
                ),
                ("begun", models.PositiveSmallIntegerField(default=0, help_text="How often this step was begun.")),
                (
                    "percent",
                    models.PositiveSmallIntegerField(default=0, help_text="Of the file that this step is through."),
                ),
                (
                    "kind",
                    models.CharField(blank=True, help_text="Whose export it turned out to be.", max_length=100),
                ),
                ("counts", models.JSONField(default=dict, help_text="Rows by what becomes of them.")),
                ("ended", models.PositiveIntegerField(default=0, help_text="Readers whose subscription it ended.")),
                (
                    "passed_over",
                    models.JSONField(default=list, help_text="Files of an archive that hold no addresses."),
                ),
                ("trouble", models.CharField(blank=True, help_text="Why it failed.", max_length=300)),
            ],
            options={
                "abstract": False,
            },
        ),
    ]
