"""A newsroom with a desk, some stories and an editor, in the folder given. Says its port on stdout.

Run as a program by the journeys at the desk: a real database file, the real login, the real addresses. It has a feed of
each fault, and articles whose reports were changed, as well.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from handbill.kit.keys import make_keys

if TYPE_CHECKING:
    from handbill.stories.models import Story

PASSWORD = "a lantern on the quay"
TEXT = (
    "The bridge over the Alder closes on Monday for nine weeks. Engineers found cracks in two of its piers."
    " Buses go by the mill road instead, and the ferry runs until midnight."
)


def set_up(home: Path) -> None:
    (home / "handbill.toml").write_text('name = "The Alder Paper"\n')
    make_keys(home / "keys")
    os.environ.update(HANDBILL_HOME=str(home), DJANGO_SETTINGS_MODULE="handbill.config.settings")
    import django
    from django.core.management import call_command

    move_clock(home / "clock")
    django.setup()
    from handbill.ops.schema import prepare_database

    prepare_database()
    call_command("collectstatic", verbosity=0, interactive=False)


def move_clock(file: Path) -> None:
    """A journey moves the clock that the code asks by writing so many seconds into a file."""
    from handbill.kit import clock

    real = clock.now
    clock.now = lambda: real() + timedelta(seconds=float(file.read_text() if file.exists() else 0))


def fill() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from handbill.topics.models import Topic

    ada = get_user_model().objects.create_user("ada", "ada@paper.example", PASSWORD, first_name="Ada")
    ada.groups.add(Group.objects.get(name="Editors"))
    for name in ("City", "Harbour"):
        Topic.objects.create(name=name, slug=name.lower())
    make_story("en", "Alder bridge closes for nine weeks", "Cracks shut the Alder bridge")
    make_story("en", "Harbour gets a second crane")
    make_story("ar", "افتتاح الجسر الجديد فوق النهر")
    fill_rulings()


def fill_rulings() -> None:
    """A story that holds a report too many and a copy, one that is the same event, one in Arabic, and a series."""
    from handbill.stories.actions import sum_up
    from handbill.stories.models import Member

    jam = make_story("en", "Lock gate jams at Weirmouth", "Weirmouth lock stuck", "School fair at Weirmouth")
    first, copy, _ = jam.members.order_by("pk")
    Member.objects.filter(pk=copy.pk).update(copy_of=first.report)
    stories = [
        jam,
        make_story("en", "Ferry waits behind the lock"),
        make_story("ar", "تعطل بوابة القفل", "بوابة القفل عالقة"),
    ]
    for number in (3, 5):
        story = make_story("en", f"Quay Works Day {number}: piles")
        at = datetime.now(UTC) - timedelta(days=6 - number)
        story.members.update(series="Quay Works", number=number)
        type(first.report).objects.filter(member__story=story).update(published_at=at)
        stories.append(story)
    sum_up([story.pk for story in stories])


def make_story(language: str, *titles: str) -> Story:
    from handbill.sources.models import Feed, Source
    from handbill.stories.models import Member, Story
    from handbill.wire.models import Report

    at = datetime.now(UTC) - timedelta(hours=1)
    story = Story.objects.create(title=titles[0], language=language, opened_at=at, latest_at=at, outlets=len(titles))
    for place, title in enumerate(titles):
        source, _ = Source.objects.get_or_create(slug=f"outlet-{place}", defaults={"name": f"Outlet {place + 1}"})
        feed, _ = Feed.objects.get_or_create(address=f"https://outlet-{place}.example/feed", source=source)
        report = Report.objects.create(
            source=source,
            feed=feed,
            identity=f"{story.pk}-{place}",
            title=title,
            text=TEXT,
            language=language,
            address=f"https://outlet-{place}.example/{story.pk}",
            categories=["City"],
            published_at=at,
            filed_at=at,
        )
        Member.objects.create(report=report, story=story, why=[["title", ["bridge"]], ["apart", [0]]])
    return story


FAULTS = {  # outlet: its feed's fields; the sentences are those of the fetching client and the parser
    "No Name": "The name no-name.example has no address at present. Check its spelling if this lasts.",
    "Too Slow": "too-slow.example was too slow to answer in time. It is tried again later.",
    "Gone": "gone.example has nothing at this address (404). Look for its new address.",
    "Closed Door": "closed-door.example doesn't let us in (403). Ask the outlet, or look for another address.",
    "Asks for Less": "asks-for-less.example asks to be visited less often (429). It is tried again later.",
    "Old Certificate": "old-certificate.example shows a certificate that doesn't hold: certificate has expired.",
    "A Page Instead": "This address gives a web page, not a feed. Look for the outlet's feed address on that page.",
    "Broken": "This feed is broken off or broken beyond repair: not one whole entry is left in it.",
}


def fill_faults() -> None:
    from handbill.sources.models import Feed

    now = datetime.now(UTC)
    later, hour = now + timedelta(days=1), timedelta(hours=1)
    well = {"next_at": later, "fetched_at": now - hour, "newest_at": now - hour, "gap_minutes": 180}
    for number, (name, sentence) in enumerate(FAULTS.items(), 1):
        make_feed(name, **well, failures=number, failure=sentence, failing_since=now - number * 24 * hour)
    make_feed("Moved", **well, moved_to="https://elsewhere.example/feed", moved_since=now - 50 * hour)
    make_feed("Changing Ids", **well, trust=Feed.Trust.ADDRESS, notice="Its ids changed at every visit.")
    make_feed("Silent", **well | {"newest_at": now - timedelta(days=12)})
    make_feed("Resting Paper", **well | {"next_at": None})
    make_feed("Never Fetched", next_at=later)
    make_feed("All Well", **well)


def make_feed(name: str, **fields: object) -> None:
    from handbill.sources.models import Feed, Source

    slug = name.lower().replace(" ", "-")
    source = Source.objects.create(name=name, slug=slug, address=f"https://{slug}.example/")
    Feed.objects.create(source=source, address=f"https://{slug}.example/feed.xml", **fields)


def rewrite_some() -> None:
    """Two articles whose outlet changed its mind: one report rewritten, one (in Arabic) rewritten and taken back."""
    from handbill.articles.actions import take_story
    from handbill.wire.rewrite import mark_withdrawn, rewrite

    now = datetime.now(UTC)
    for language, title, new in (
        ("en", "Mill road is dug up on Monday", ("Monday", "Tuesday")),
        ("ar", "افتتاح المدرسة الجديدة", ("الجديدة", "القديمة")),
    ):
        article = take_story(make_story(language, title).pk, now, publish=True)
        report = article.report
        text = report.text.replace(*new) + " Nobody was hurt."
        rewrite(report, now, title=report.title.replace(*new), text=text, body_html="")
    mark_withdrawn(report.pk, now)


def teach_topics() -> None:
    """Articles enough to learn two topics from, and a draft about one of them."""
    from handbill.articles.models import Article
    from handbill.articles.teaching import tell_choices
    from handbill.stories.actions import learn_topics
    from handbill.stories.suggest import LEAST
    from handbill.topics.models import Topic

    now = datetime.now(UTC)
    told = {
        "Orchards": "The apple orchard blossoms early and the growers fear a late frost in the valley.",
        "Lighthouses": "The old lighthouse keeper paints the tower while ships wait for the beam to return.",
    }
    topics = [Topic.objects.create(name=name, slug=name.lower(), position=9) for name in told]
    made = Article.objects.bulk_create(
        Article(
            headline=f"{name}, part {n}", slug=f"taught-{name.lower()}-{n}", excerpt=text, language="en", live=True,
            edition=1, in_digest=False, dated=False, published_at=datetime(1970, 1, 2, tzinfo=UTC),
        )
        for name, text in told.items()
        for n in range(LEAST // 2)
    )  # fmt: skip
    through = Article.topics.through
    through.objects.bulk_create(
        through(article=article, topic=topics[place * 2 // len(made)]) for place, article in enumerate(made)
    )
    tell_choices(now)
    learn_topics(now)
    draft = Article(headline="Lantern walk through the orchard", excerpt=told["Orchards"], language="en", live=False)
    draft.save()
    draft.save_revision()


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing: stderr is for faults."""


def serve() -> None:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.test.testcases import _MediaFilesHandler, _StaticFilesHandler

    settings.MEDIA_ROOT.mkdir(exist_ok=True)
    application = _StaticFilesHandler(_MediaFilesHandler(get_wsgi_application()))
    server = make_server("127.0.0.1", 0, application, server_class=Server, handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    set_up(Path(sys.argv[1]))
    fill()
    fill_faults()
    rewrite_some()
    teach_topics()
    serve()
