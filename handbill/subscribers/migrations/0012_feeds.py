from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("subscribers", "0011_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="feed_number",
            field=models.PositiveIntegerField(default=0, help_text="Of its address: how many they have had."),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="feed_since",
            field=models.DateTimeField(
                help_text="Since when they have a private feed; null: they have none.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="paused_until",
            field=models.DateTimeField(help_text="A break of mail; a private feed goes on.", null=True),
        ),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(("feed_since__isnull", False)),
                fields=["zone", "hour", "cadence", "weekday"],
                name="readers_by_feed",
            ),
        ),
    ]
