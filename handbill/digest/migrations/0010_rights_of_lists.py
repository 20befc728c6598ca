"""Who may bring lists in, take them out and give tokens to other tools: admins. Made here, as in 0006."""

from django.db import migrations

RIGHTS = {
    "import": ("add_import", "Can add import"),
    "export": ("add_export", "Can add export"),
    "apitoken": ("add_apitoken", "Can add api token"),
}


def install(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Group.objects.get(name="Admins").permissions.add(*_permissions(apps))


def _permissions(apps):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    for model, (codename, name) in RIGHTS.items():
        kind, _ = ContentType.objects.get_or_create(app_label="subscribers", model=model)
        yield Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [("digest", "0009_issue_on_the_site"), ("subscribers", "0013_uploads"), ("articles", "0006_rights_of_sending")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
