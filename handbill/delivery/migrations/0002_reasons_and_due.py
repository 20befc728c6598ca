from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("delivery", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="reason",
            field=models.CharField(blank=True, help_text="Why not, in a word of ``engine.judge``.", max_length=20),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["next_at", "id"], name="delivery_due"),
        ),
    ]
