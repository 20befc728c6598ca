"""The desk's screens of sources: looking, picking, adding, lists in and out, health and its one-click fixes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from django.conf import settings as newsroom
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.urls import reverse
from test_wire_look import articles, page, rss, wire  # noqa: F401 -- wire is a fixture

from handbill.desk import health as desk_health
from handbill.kit import clock
from handbill.ops import doctor
from handbill.ops.cli import cli
from handbill.ops.commands import imports  # noqa: F401 -- it registers its commands
from handbill.sources import queries
from handbill.sources.health import FIXES
from handbill.sources.models import Feed, Source
from handbill.testing.wire import Answer
from handbill.wire.models import PageVisit, Report
from handbill.wire.queries import page_remarks

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
POSTS = ["desk_look", "desk_pick", "desk_pick_preview", "desk_add", "desk_take_list"]


@pytest.fixture
def ada():
    user = get_user_model().objects.create_user("ada", "ada@paper.example", "correct horse battery")
    user.groups.add(Group.objects.get(name="Editors"))
    return user


@pytest.fixture
def desk(client, ada, monkeypatch):
    monkeypatch.setattr(desk_health, "now", lambda: NOW)
    client.force_login(ada)
    return client


def make_feed(name: str = "Valley Monitor", **fields) -> Feed:
    source, _ = Source.objects.get_or_create(name=name, defaults={"slug": name.lower().replace(" ", "-")})
    address = f"https://{source.slug}.example/feed"
    given = {"address": address, "next_at": NOW, "fetched_at": NOW, "newest_at": NOW, "gap_minutes": 180}
    return Feed.objects.create(source=source, **{**given, **fields})


def the_page(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_menu_has_a_submenu_of_sources(desk):
    home = the_page(desk.get("/"))
    assert all(reverse(name) in home for name in ("desk_look", "desk_health"))
    assert reverse("desk_look") in the_page(desk.get("/sources/"))


def denied(answer) -> None:
    """Wagtail leads who may not back to the desk's home."""
    assert answer.status_code == 403 or answer["Location"] == "/", answer.get("Location")


def test_who_may_not_add_sources_neither_looks_nor_mends(client):
    cy = get_user_model().objects.create_user("cy")
    cy.user_permissions.add(Permission.objects.get(codename="access_admin"))
    client.force_login(cy)
    feed = make_feed()
    for name in POSTS:
        denied(client.post(reverse(name), {"address": "https://x.example/", "kind": "feed"}))
    denied(client.post(reverse("desk_mend", args=[feed.pk]), {"fix": "off"}))
    denied(client.post(reverse("desk_unmend"), {"before": "x"}))
    denied(client.get(reverse("desk_give_list")))
    denied(client.get(reverse("desk_health")))
    feed.refresh_from_db()
    assert feed.next_at == NOW and Feed.objects.count() == 1


def test_looking_by_get_makes_no_traffic_and_changes_nothing(desk, wire):  # noqa: F811
    desk.get(reverse("desk_look"), {"address": wire.address})
    for name in POSTS[1:]:
        assert desk.get(reverse(name)).status_code in (302, 405)
    assert wire.requests == [] and not Feed.objects.exists()


def test_a_source_is_looked_at_previewed_and_added(desk, wire):  # noqa: F811
    wire.routes["/"] = page("<link rel=alternate type=application/rss+xml href=/feed>")
    wire.routes["/feed"] = rss(wire.address, "The <b>Valley</b>", "ar")
    shown = desk.post(reverse("desk_look"), {"address": f"127.0.0.1:{wire.port}"})
    text = the_page(shown)
    assert "RSS feed" in text and "3 entries" in text and "every hour" in text and "teasers only" in text
    assert "Ferry runs late again" in text and 'dir="rtl" lang="ar"' in text and "<script>alert" not in text
    form = {"address": f"{wire.address}/feed", "kind": "feed", "name": "The Valley", "language": "ar"}
    added = desk.post(reverse("desk_add"), form | {"full_text": "1", "site_address": wire.address}, follow=True)
    feed = Feed.objects.get()
    assert added.redirect_chain[0][0] == f"/sources/health/?feed={feed.pk}"
    assert (feed.source.name, feed.source.language, feed.source.full_text) == ("The Valley", "ar", True)
    assert feed.kind == "feed" and feed.next_at and "The Valley” is added" in the_page(added)
    assert "You have this one already" in the_page(desk.post(reverse("desk_look"), {"address": form["address"]}))
    again = desk.post(reverse("desk_add"), form, follow=True)
    assert "is a feed of “The Valley” already" in the_page(again) and Feed.objects.count() == 1


def test_what_goes_wrong_is_said_beside_the_field(desk, wire):  # noqa: F811
    assert "no web address" in the_page(desk.post(reverse("desk_look"), {"address": "two words"}))
    assert "(404)" in the_page(desk.post(reverse("desk_look"), {"address": wire.address}))
    assert "no host" in the_page(desk.post(reverse("desk_look")))
    for wrong in ({"address": "javascript:alert(1)"}, {"address": "https://x.example/", "language": "<b>"}, {}):
        desk.post(reverse("desk_add"), {"kind": "feed", **wrong})
    assert not Feed.objects.exists()


def test_links_are_picked_with_a_preview(desk, wire):  # noqa: F811
    wire.routes["/"] = page(body=articles())
    first = the_page(desk.post(reverse("desk_pick"), {"address": wire.address}))
    assert "It gives 5 entries" in first and "Suggested:" in first
    form = {"address": f"{wire.address}/", "selector": "h2 a"}
    wire.requests.clear()
    assert "The 0 bridges" in the_page(desk.post(reverse("desk_pick_preview"), form))
    wrong = the_page(desk.post(reverse("desk_pick_preview"), form | {"selector": "h2["}))
    assert "no CSS that can be read" in wrong and "<html" not in wrong
    assert wire.requests == [], "the page was kept"
    desk.post(reverse("desk_add"), form | {"selector": "h9 a", "kind": "page", "name": "Valley"})
    assert not Feed.objects.exists(), "a selector that picks nothing is not kept"
    desk.post(reverse("desk_add"), form | {"kind": "page", "name": "Valley"})
    feed = Feed.objects.get()
    assert (feed.kind, feed.selector, feed.address) == ("page", "h2 a", f"{wire.address}/")


def test_a_page_that_is_gone_is_said_while_picking(desk, wire):  # noqa: F811
    wire.routes["/"] = Answer(503)
    assert "(503)" in the_page(desk.post(reverse("desk_pick_preview"), {"address": wire.address, "selector": "a"}))


def test_lists_come_in_and_go_out(desk):
    make_feed("A & B", address="https://a.example/feed?x=1&y=2")
    make_feed("Letters", address="newsletter:key", kind=Feed.Kind.NEWSLETTER, next_at=None)
    answer = desk.get(reverse("desk_give_list"))
    assert answer["Content-Disposition"].startswith("attachment") and b"newsletter" not in answer.content
    Feed.objects.all().delete()
    upload = ContentFile(answer.content, name="sources.opml")
    done = the_page(desk.post(reverse("desk_take_list"), {"file": upload}, follow=True))
    assert "1 feed is added" in done and Feed.objects.get().address == "https://a.example/feed?x=1&y=2"
    assert "no OPML list" in the_page(
        desk.post(reverse("desk_take_list"), {"file": ContentFile(b"x", name="x")}, follow=True)
    )
    assert "Choose an OPML file" in the_page(desk.post(reverse("desk_take_list"), follow=True))


FAULTS = [
    ({"failures": 3, "failure": "It is gone (404).", "failing_since": NOW - timedelta(days=2)}, "trouble", "search"),
    ({"newest_at": NOW - timedelta(days=3)}, "trouble", "search"),
    ({"newest_at": None, "failures": 1, "failure": "No name.", "failing_since": NOW}, "trouble", "try"),
    ({"moved_to": "https://new.example/feed", "moved_since": NOW - timedelta(days=2)}, "notice", "move"),
    ({"trust": "address", "notice": "Its ids changed."}, "notice", "trust"),
    ({"trust": "title"}, "well", "trust"),
    ({"notice": "It asks for less."}, "notice", "dismiss"),
    ({"fetched_at": None, "newest_at": None}, "new", "try"),
    ({"newest_at": None}, "well", "off"),
    ({}, "well", "off"),
    ({"next_at": None}, "off", "on"),
    ({"kind": "newsletter", "next_at": None, "newest_at": None, "fetched_at": None}, "well", ""),
    ({"kind": "newsletter", "next_at": None, "newest_at": NOW - timedelta(days=9), "gap_minutes": 99}, "trouble", ""),
]


@pytest.mark.parametrize(("fields", "level", "fix"), FAULTS)
def test_every_state_has_its_level_its_sentence_and_its_fix(fields, level, fix):
    make_feed(**fields)
    (row,) = queries.health(NOW)
    assert row.level == level and (fix in row.fixes if fix else row.fixes == ())
    assert row.text.endswith(".") and set(row.fixes) <= set(FIXES)


def test_what_failed_once_says_how_long_ago():
    make_feed(failures=1, failure="It is gone (404).", failing_since=NOW - timedelta(hours=2))
    assert queries.health(NOW)[0].text.startswith("It is gone (404). It failed once, 2 hours ago. It last gave")


def test_what_fails_says_when_it_last_gave_something():
    feed = make_feed(failures=2, failure="It is gone (404).", newest_at=NOW - timedelta(hours=3), gap_minutes=60)
    assert queries.health(NOW)[0].text.endswith("It last gave something 3 hours ago; usually every hour.")
    Feed.objects.filter(pk=feed.pk).update(newest_at=None, fetched_at=None)
    assert queries.health(NOW)[0].text == "It is gone (404). It failed 2 times in a row. It has given nothing so far."


def test_what_has_failed_for_days_is_looked_for_anew_first():
    feed = make_feed(failures=9, failure="It is gone (404).", failing_since=NOW - timedelta(days=1))
    assert queries.health(NOW)[0].fixes[0] == "try"
    Feed.objects.filter(pk=feed.pk).update(failure="x.example has nothing here. Look for its new address.")
    assert queries.health(NOW)[0].fixes[0] == "search", "the sentence asks for it"
    Feed.objects.filter(pk=feed.pk).update(failure="It is gone (404).")
    Feed.objects.filter(pk=feed.pk).update(failing_since=NOW - timedelta(days=3))
    assert queries.health(NOW)[0].fixes[0] == "search"


def test_trouble_comes_first_and_the_longest_before_the_rest():
    for number, (fields, _, _) in enumerate(FAULTS):
        make_feed(f"Source {number}", **fields | {"address": f"https://x.example/{number}"})
    rows = queries.health(NOW)
    assert [row.level for row in rows] == sorted(
        (row.level for row in rows), key=["trouble", "notice", "new", "well", "off"].index
    )
    since = [row.since for row in rows if row.since]
    assert since == sorted(since) and rows[0].feed.source.name == "Source 12"


FIXED = [
    ("try", {"next_at": NOW + timedelta(days=1)}, {"next_at": NOW}),
    (
        "move",
        {"moved_to": "https://new.example/feed", "etag": "x"},
        {"address": "https://new.example/feed", "host": "new.example", "moved_to": "", "etag": "", "next_at": NOW},
    ),
    ("stay", {"moved_to": "https://new.example/", "moved_since": NOW}, {"moved_to": "", "moved_since": None}),
    ("trust", {"trust": "title", "notice": "Ids changed."}, {"trust": "id", "notice": ""}),
    ("dismiss", {"notice": "Less."}, {"notice": ""}),
    ("off", {"next_at": NOW, "lease_token": "held"}, {"next_at": None, "lease_token": ""}),
    ("on", {"next_at": None}, {"next_at": NOW}),
]


@pytest.mark.parametrize(("fix", "before", "after"), FIXED)
def test_each_fix_acts_by_post_and_can_be_undone(desk, fix, before, after):
    feed = make_feed(**before)
    address = reverse("desk_mend", args=[feed.pk])
    assert desk.get(address).status_code == 405
    done = desk.post(address, {"fix": fix}, follow=True)
    feed.refresh_from_db()
    assert {name: getattr(feed, name) for name in after} == after
    if fix == "try":
        return
    sealed = done.content.decode().partition('name="before" value="')[2].partition('"')[0]
    assert "Undone" in the_page(desk.post(reverse("desk_unmend"), {"before": sealed}, follow=True))
    feed.refresh_from_db()
    kept = {name: value for name, value in before.items() if not name.startswith(("lease", "etag"))}
    assert {name: getattr(feed, name) for name in kept} == kept and feed.host == "valley-monitor.example"


def test_fixes_that_cannot_be_done_are_said(desk):
    feed = make_feed(moved_to="https://new.example/feed")
    letter = make_feed("Letter", address="newsletter:key", kind="newsletter", next_at=None)
    make_feed("Other", address="https://new.example/feed")

    def said(feed_id: int, fix: str) -> str:
        return the_page(desk.post(reverse("desk_mend", args=[feed_id]), {"fix": fix}, follow=True))

    assert "Another feed has that address" in said(feed.pk, "move")
    assert "comes by mail" in said(letter.pk, "try") and "no new address" in said(letter.pk, "move")
    assert "deleted meanwhile" in said(4711, "off")
    assert desk.post(reverse("desk_mend", args=[feed.pk]), {"fix": "eat"}).status_code == 404
    forged = the_page(desk.post(reverse("desk_unmend"), {"before": "x:y:z"}, follow=True))
    assert "be undone any more" in forged


def test_a_new_address_is_looked_for_and_used(desk, wire):  # noqa: F811
    feed = make_feed(failures=2, failure="It is gone (404).", failing_since=NOW)
    assert 'name="fix" value="search"' in the_page(desk.get(reverse("desk_health")))
    wire.routes["/feed"] = rss(wire.address)
    shown = the_page(desk.post(reverse("desk_look"), {"address": f"{wire.address}/feed", "feed": feed.pk}))
    assert "Use this address" in shown and "Valley Monitor" in shown
    form = {"address": f"{wire.address}/feed", "kind": "feed", "feed": feed.pk}
    done = the_page(desk.post(reverse("desk_add"), form, follow=True))
    feed.refresh_from_db()
    assert feed.address == f"{wire.address}/feed" and Feed.objects.count() == 1 and "desk-undo" in done


def test_the_health_page_is_searched_filtered_and_turned(desk):
    for number in range(55):
        make_feed(f"Source {number:02}", address=f"https://s{number}.example/", failures=number % 2, failure="Gone.")
    first = desk.get(reverse("desk_health"))
    assert len(first.context["rows"]) == 50 and first.context["earlier"] == 2
    assert len(desk.get(reverse("desk_health"), {"page": "2"}).context["rows"]) == 5
    assert len(desk.get(reverse("desk_health"), {"level": "trouble"}).context["rows"]) == 27
    assert len(desk.get(reverse("desk_health"), {"q": "s12.ex"}).context["rows"]) == 1
    assert "No source has that" in the_page(desk.get(reverse("desk_health"), {"q": "<script>"}))
    for nonsense in ("x", "-1", "99", "٣"):
        assert desk.get(reverse("desk_health"), {"page": nonsense, "level": "x", "feed": "x"}).status_code == 200


def test_five_hundred_sources_cost_no_more_queries_than_one(desk, django_assert_max_num_queries):
    sources = Source.objects.bulk_create(Source(name=f"S{n}", slug=f"s{n}") for n in range(500))
    Feed.objects.bulk_create(Feed(source=source, address=f"https://{source.slug}.example/") for source in sources)
    with django_assert_max_num_queries(20):
        desk.get(reverse("desk_health"))


def test_feeds_that_nobody_fetches_are_told_of(desk):
    make_feed(next_at=NOW - timedelta(hours=1))
    assert "handbill run is at work" in the_page(desk.get(reverse("desk_health")))


def test_pages_that_robots_txt_closes_are_told_of():
    feed = make_feed()
    Source.objects.update(full_text=True)
    for number in range(2):
        report = Report.objects.create(
            source=feed.source, feed=feed, identity=str(number), title="x", published_at=NOW, filed_at=NOW
        )
        PageVisit.objects.create(report=report, failure="The outlet's robots.txt asks robots not to fetch this page.")
    remarks = page_remarks(NOW)
    (row,) = queries.health(NOW, remarks=remarks)
    assert row.level == "notice" and "Of 2 articles the page could not be had. The outlet's robots.txt" in row.text
    assert page_remarks(NOW + timedelta(days=8)) == {}


def test_home_leads_to_the_health_page(desk):
    make_feed(failures=1, failure="<b>Gone.</b>", failing_since=NOW)
    home = the_page(desk.get("/"))
    assert "&lt;b&gt;Gone.&lt;/b&gt; It failed once" in home and reverse("desk_health") in home


def test_doctor_tells_the_same_and_names_the_fix():
    make_feed("Gone", failures=1, failure="It is gone (404).", failing_since=clock.now(), next_at=clock.now())
    letter = {"address": "newsletter:key", "kind": "newsletter", "next_at": None}
    make_feed("Letter", **letter, newest_at=NOW - timedelta(days=90))
    make_feed("Late", next_at=NOW - timedelta(hours=1), newest_at=clock.now(), gap_minutes=None)
    lines = [finding.line() for finding in doctor._sources(newsroom.HANDBILL)]
    assert any("Gone: It is gone (404). It failed once." in line and "Try again now" in line for line in lines)
    assert any("Letter: It has given nothing new" in line and "Subscribe" in line for line in lines)
    assert any("due for half an hour: 1" in line for line in lines) and not any("Late:" in line for line in lines)


def test_sources_that_do_well_are_one_line_of_doctor():
    make_feed(next_at=clock.now(), newest_at=clock.now())
    assert [finding.line() for finding in doctor._sources(newsroom.HANDBILL)] == ["✓ all feeds do well (1)"]


def test_the_list_is_written_by_the_command_line(tmp_path):
    make_feed()
    file = tmp_path / "sources.opml"
    done = CliRunner().invoke(cli, ["export", "opml", str(file), "--json"])
    assert json.loads(done.stdout) == {"feeds": 1, "file": str(file)}
    assert CliRunner().invoke(cli, ["export", "opml"]).stdout.encode() == file.read_bytes()
    refused = CliRunner().invoke(cli, ["export", "opml", str(tmp_path)])
    assert refused.exit_code == 1 and "can't be written" in refused.stderr
