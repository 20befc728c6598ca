"""Write into each reader's row what their running subscriptions say."""

from django.db import migrations

CHUNK = 1000


def fill(apps, schema_editor):
    Subscriber = apps.get_model("subscribers", "Subscriber")
    Subscription = apps.get_model("subscribers", "Subscription")
    last = None
    while True:
        rows = Subscriber.objects.order_by("pk") if last is None else Subscriber.objects.order_by("pk").filter(pk__gt=last)
        page = list(rows[:CHUNK])
        if not page:
            return
        chosen = {}
        running = Subscription.objects.filter(subscriber__in=page, ended_at__isnull=True)
        for subscriber, topic in running.values_list("subscriber_id", "topic_id"):
            chosen.setdefault(subscriber, set()).add(topic)
        for row in page:
            topics = chosen.get(row.pk)
            row.audience = None if topics is None else "" if None in topics else ",".join(map(str, sorted(topics)))
            row.seen_at = row.confirmed_at
        Subscriber.objects.bulk_update(page, ["audience", "seen_at"])
        last = page[-1].pk


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0003_wishes")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
