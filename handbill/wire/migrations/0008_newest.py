from django.db import migrations
from django.db.models import Max


def tell_newest(apps, schema_editor):
    """A feed that has reports knows when it last gave something: its health is told by that."""
    feeds, reports = apps.get_model("sources", "Feed").objects, apps.get_model("wire", "Report").objects
    given = reports.filter(feed__newest_at=None).order_by().values_list("feed").annotate(newest=Max("published_at"))
    for feed, newest in list(given):
        feeds.filter(pk=feed).update(newest_at=newest)


class Migration(migrations.Migration):
    dependencies = [("sources", "0004_moved_visits"), ("wire", "0007_discarded_mail")]

    operations = [migrations.RunPython(tell_newest, migrations.RunPython.noop)]
