"""Series that count by dates, and those without a name; members from before get theirs from their titles."""

from django.db import migrations, models

from handbill.stories.parts import said_of

AT_ONCE = 1_000


def tell_series(apps, schema_editor):
    """Only titles are read; a member is written only where its title says something."""
    Member = apps.get_model("stories", "Member")
    rows = Member.objects.filter(series="", number=None).order_by("pk")
    found = []
    for pk, title, published_at in rows.values_list("pk", "report__title", "report__published_at").iterator(AT_ONCE):
        said = said_of(title, published_at.date())
        if said.number is not None:
            found.append(Member(pk=pk, **said._asdict()))
    Member.objects.bulk_update(found, ["series", "number", "counting"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [("stories", "0006_all_placed"), ("wire", "0008_newest")]

    operations = [
        migrations.AddField(
            "member",
            "counting",
            models.PositiveSmallIntegerField(
                choices=[(0, "by numbers"), (1, "by dates"), (2, "by numbers, without a name")], default=0
            ),
        ),
        migrations.RunPython(tell_series, migrations.RunPython.noop),
    ]
