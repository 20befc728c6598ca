"""Who may do what at the desk, and the workflow that every article can be sent through.

Content types and permissions are made here where they are missing: Django makes them only after all migrations ran.
"""

from django.db import migrations

EDITED = {
    ("articles", "article"): ["add", "change", "delete", "view", "publish", "lock", "unlock"],
    ("articles", "series"): ["add", "change", "delete", "view"],
    ("topics", "topic"): ["add", "change", "view"],
    ("sources", "source"): ["add", "change", "view"],
    ("sources", "feed"): ["add", "change", "delete", "view"],
    ("stories", "story"): ["change", "view"],
    ("wagtailadmin", "admin"): ["access"],
}
ADMINISTERED = {
    ("topics", "topic"): ["delete"],
    ("sources", "source"): ["delete"],
    ("auth", "user"): ["add", "change", "delete", "view"],
}
NAMES = {"access_admin": "Can access Wagtail admin"}
WORKFLOW = "Approval by an editor"


def install(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    editors, _ = Group.objects.get_or_create(name="Editors")
    admins, _ = Group.objects.get_or_create(name="Admins")
    may_edit = list(_permissions(apps, EDITED))
    editors.permissions.add(*may_edit)
    admins.permissions.add(*may_edit, *_permissions(apps, ADMINISTERED))
    apps.get_model("wagtailcore", "GroupPagePermission").objects.filter(group__in=[editors, admins]).delete()
    _allow_images(apps, [editors, admins])
    _install_workflow(apps, [editors, admins])


def _permissions(apps, wanted):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Permission = apps.get_model("auth", "Permission")
    for (app, model), verbs in wanted.items():
        kind, _ = ContentType.objects.get_or_create(app_label=app, model=model)
        for verb in verbs:
            codename = f"{verb}_{model}"
            name = NAMES.get(codename, f"Can {verb} {model}")
            yield Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0]


def _allow_images(apps, groups):
    root = apps.get_model("wagtailcore", "Collection").objects.order_by("path").first()
    verbs = {("wagtailimages", "image"): ["add", "change", "choose"]}
    for permission in _permissions(apps, verbs):
        for group in groups:
            apps.get_model("wagtailcore", "GroupCollectionPermission").objects.get_or_create(
                group=group, collection=root, permission=permission
            )


def _install_workflow(apps, groups):
    ContentType = apps.get_model("contenttypes", "ContentType")
    Workflow = apps.get_model("wagtailcore", "Workflow")
    Task = apps.get_model("wagtailcore", "GroupApprovalTask")
    # Wagtail's own default is for the page tree, which this program hasn't.
    Workflow.objects.filter(name="Moderators approval").update(active=False)
    Task.objects.filter(name="Moderators approval").update(active=False)
    task_kind, _ = ContentType.objects.get_or_create(app_label="wagtailcore", model="groupapprovaltask")
    task = Task.objects.create(name=WORKFLOW, content_type=task_kind, active=True)
    task.groups.set(groups)
    workflow = Workflow.objects.create(name=WORKFLOW, active=True)
    apps.get_model("wagtailcore", "WorkflowTask").objects.create(workflow=workflow, task=task, sort_order=0)
    article_kind, _ = ContentType.objects.get_or_create(app_label="articles", model="article")
    apps.get_model("wagtailcore", "WorkflowContentType").objects.update_or_create(
        content_type=article_kind, defaults={"workflow": workflow}
    )


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0002_one_article_per_story"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sources", "0001_initial"),
        ("topics", "0001_initial"),
        ("stories", "0001_initial"),
        ("wagtailadmin", "0001_create_admin_access_permissions"),
        ("wagtailcore", "0098_apitoken"),
        ("wagtailimages", "0027_image_description"),
    ]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
