from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wire", "0005_changes")]

    operations = [
        migrations.AddField(
            model_name="hostrules",
            name="open_at",
            field=models.DateTimeField(
                blank=True, help_text="No page is fetched before, as the host asks.", null=True
            ),
        ),
    ]
