"""Nobody is given Wagtail's documents: a web page uploaded there would run as the desk's own."""

from django.db import migrations


def take_away(apps, schema_editor):
    documents = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="wagtaildocs")
    apps.get_model("wagtailcore", "GroupCollectionPermission").objects.filter(permission__in=documents).delete()
    for group in apps.get_model("auth", "Group").objects.all():
        group.permissions.remove(*documents)


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0003_people_and_workflow"),
        ("wagtaildocs", "0014_alter_document_file_size"),
    ]

    operations = [migrations.RunPython(take_away, migrations.RunPython.noop)]
