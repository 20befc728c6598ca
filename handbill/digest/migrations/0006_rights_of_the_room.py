"""Who may decide about a day's issues: editors and admins. Permissions are made here, as in articles' 0006."""

from django.db import migrations

RIGHTS = {"issue": ("view_issue", "Can view issue"), "day": ("change_day", "Can change day")}


def install(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    rights = list(_permissions(apps))
    for name in ("Editors", "Admins"):
        Group.objects.get(name=name).permissions.add(*rights)


def _permissions(apps):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    for model, (codename, name) in RIGHTS.items():
        kind, _ = ContentType.objects.get_or_create(app_label="digest", model=model)
        yield Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [("digest", "0005_send_room"), ("articles", "0006_rights_of_sending")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
