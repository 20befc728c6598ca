"""Members from before the columns of series get them from their titles, a thousand at a time."""

from django.db import migrations

from handbill.stories.series import series_of

AT_ONCE = 1_000


def tell_series(apps, schema_editor):
    """Only titles are read; a member is written only where its title names a series."""
    Member = apps.get_model("stories", "Member")
    found = []
    rows = Member.objects.filter(series="", number=None).values_list("pk", "report__title").order_by("pk")
    for pk, title in rows.iterator(chunk_size=AT_ONCE):
        mark = series_of(title)
        if mark is not None and mark.name:
            found.append(Member(pk=pk, series=mark.name[:200], number=mark.number))
    Member.objects.bulk_update(found, ["series", "number"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [("stories", "0004_topic_examples"), ("wire", "0008_newest")]

    operations = [migrations.RunPython(tell_series, migrations.RunPython.noop)]
