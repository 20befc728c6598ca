"""An archive is brought up to date in moments: no column copies the table, and what is filled in is one statement."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext
from test_wire_file import item, make_feed, visit

from handbill.sources.models import Feed
from handbill.wire.identity import name_key
from handbill.wire.models import Report
from handbill.work.columns import AddColumn

CHANGES = import_module("handbill.wire.migrations.0005_changes")
NEWEST = import_module("handbill.wire.migrations.0008_newest")


def test_no_column_of_reports_is_added_by_copying_them() -> None:
    loader = MigrationLoader(None)
    added = [
        operation
        for (room, _), migration in loader.disk_migrations.items()
        for operation in migration.operations
        if room == "wire" and isinstance(operation, AddField) and operation.model_name == "report"
    ]
    copying = [each.name for each in added if not each.field.null and not isinstance(each, AddColumn)]
    assert added and not copying


@pytest.mark.django_db
def test_reports_filed_before_get_the_names_they_are_looked_up_by_in_one_statement() -> None:
    visit(make_feed(), item(1), item(2, title="Brücke: 100 % über Jumna — खबर"), item(3, link="", title="Nowhere"))
    Report.objects.update(name_key="")
    with CaptureQueriesContext(connection) as queries:
        CHANGES.name_reports(apps, connection.schema_editor())
    assert len(queries) == 1
    for report in Report.objects.all():
        assert report.name_key == name_key(report.address, report.title)


@pytest.mark.django_db
def test_feeds_that_gave_something_before_know_when_it_was() -> None:
    feed, empty = make_feed(), make_feed("empty")
    visit(feed, item(1), item(5), item(3))
    Feed.objects.update(newest_at=None)
    NEWEST.tell_newest(apps, connection.schema_editor())
    feed.refresh_from_db()
    empty.refresh_from_db()
    assert feed.newest_at == max(Report.objects.values_list("published_at", flat=True))
    assert empty.newest_at is None
