"""Who may look after the sending: editors see it, hold it, let it go on and switch relays; admins stop it for good.

Permissions are made here where they are missing, as in 0003: Django makes them only after all migrations ran.
"""

from django.db import migrations

EDITED = {
    ("delivery", "mailing"): {"view_mailing": "Can view mailing", "change_mailing": "Can change mailing"},
    ("delivery", "breaker"): {"change_breaker": "Can change breaker"},
}
ADMINISTERED = {("delivery", "mailing"): {"stop_mailing": "Can stop a mailing for good"}}


def install(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    may_steer = list(_permissions(apps, EDITED))
    Group.objects.get(name="Editors").permissions.add(*may_steer)
    Group.objects.get(name="Admins").permissions.add(*may_steer, *_permissions(apps, ADMINISTERED))


def _permissions(apps, wanted):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    for (app, model), names in wanted.items():
        kind, _ = ContentType.objects.get_or_create(app_label=app, model=model)
        for codename, name in names.items():
            yield Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [("articles", "0005_report_seen")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
