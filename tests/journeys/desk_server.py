"""A newsroom with a desk, some stories and an editor, in the folder given. Says its port on stdout.

Run as a program by ``test_desk_journey``: a real database file, the real login, the real addresses.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from handbill.kit.keys import make_keys

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

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable")
    call_command("collectstatic", verbosity=0, interactive=False)


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


def make_story(language: str, *titles: str) -> None:
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
        Member.objects.create(report=report, story=story, why=["It tells of the same bridge."])


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
    serve()
