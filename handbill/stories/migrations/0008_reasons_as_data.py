"""Reasons are data, no longer sentences. Those that grouping wrote are read back, any other is kept as it is said."""

import json
import re

from django.db import migrations, models

AT_ONCE = 1_000
LISTS = {
    "Same words in the title: ": "title",
    "Same people and places: ": "named",
    "Same words in the text: ": "text",
}
COPY = re.compile(r"The same text as (.*)'s\.", re.DOTALL)
APART = re.compile(r"Published (\d+) (day|hour|minute)s? apart\.")
MINUTES = {"day": 24 * 60, "hour": 60, "minute": 1}


def read(said):
    """A stored sentence as kind and values; what is data already stays so."""
    if not isinstance(said, str):
        return said
    if found := COPY.fullmatch(said):
        return ["copy", [found[1]]]
    if found := APART.fullmatch(said):
        return ["apart", [int(found[1]) * MINUTES[found[2]]]]
    if said == "Published at the same time.":
        return ["apart", [0]]
    for beginning, kind in LISTS.items():
        if said.startswith(beginning):
            return [kind, said.removeprefix(beginning).removesuffix(".").split(", ")]
    return ["said", [said]]


def tell_reasons(apps, schema_editor):
    """A thousand at a time, by number."""
    Member = apps.get_model("stories", "Member")
    last = 0
    while rows := list(Member.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "why")[:AT_ONCE]):
        last = rows[-1][0]
        new = [(json.dumps([read(said) for said in why], ensure_ascii=False), pk) for pk, why in rows if why]
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany("UPDATE stories_member SET why = %s WHERE id = %s", new)


class Migration(migrations.Migration):
    dependencies = [("stories", "0007_dated_and_unnamed_series")]

    operations = [
        migrations.AlterField(
            "member",
            "why",
            models.JSONField(default=list, help_text="[kind, values] of each reason (``reasons``), strongest first."),
        ),
        migrations.RunPython(tell_reasons, migrations.RunPython.noop),
    ]
