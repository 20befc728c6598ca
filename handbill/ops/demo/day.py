"""A sample newsroom's day, from the outlets' feeds to the mail in the outbox, on the real rooms and the real queue.

This process plays the outlets, the mail server, the editor and the readers; a Celery worker does the newsroom's work.
Each stage rings a task and then looks at the rows until they say that it is done, as the tick does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from handbill.kit.clock import now
from handbill.kit.errors import TryLater
from handbill.ops.demo import newsroom
from handbill.ops.demo.outlets import load_outlets, opml, routes
from handbill.ops.demo.readers import ReadersAtTheirDesk
from handbill.ops.net import free_port
from handbill.ops.output import FAILED, OK, Stage, Stages, emit
from handbill.testing.outbox import Outbox
from handbill.testing.relay import LoopbackRelay
from handbill.testing.wire import LoopbackWire

STAGES = (
    "Set up the newsroom",
    "Fetch the older news",
    "Fill the archives",
    "Readers sign up",
    "Fetch today's news",
    "Group the stories",
    "Choose and publish",
    "Build the site",
    "Send the digest",
    "A reader leaves",
)
ARCHIVE_STORIES = 60
PATIENCE_SECONDS = 60
RING_SECONDS = 1.0
PUBLIC, DESK, OUTBOX = 8100, 8101, 8102


@dataclass(slots=True)
class Day:
    """What a day came to; ``problems`` is empty when every stage held."""

    feeds_fetched: int = 0
    feeds_failed: int = 0
    entries: int = 0
    reports: int = 0
    stories: int = 0
    articles: int = 0
    pages: int = 0
    subscribers: int = 0
    letters: int = 0
    accepted: int = 0
    seconds: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not self.problems

    def counts(self) -> dict[str, int]:
        """The integers of ``--json``."""
        return {name: value for name, value in asdict(self).items() if name != "problems"}

    def text(self) -> str:
        return "\n".join([*(f"{name:>14} {value}" for name, value in self.counts().items()), *self.problems])

    def expect(self, held: bool, problem: str) -> None:
        """Note ``problem`` unless ``held``."""
        if not held:
            self.problems.append(problem)


def run_once(stages: Stages, home: Path | None) -> Day:
    """The day in ``home`` or a temporary folder, with one worker and no web servers' processes; then all is ended."""
    from handbill.ops.demo.servers import one_worker, public_site

    began = time.monotonic()
    with _folder(home) as folder, ExitStack() as stack:
        demo = Demo(folder, stack)
        with stages.stage(STAGES[0]) as stage:
            demo.set_up(stage)
            stack.enter_context(one_worker(demo.settings))
            stack.enter_context(public_site(demo.ports.public))
        demo.live(stages)
    demo.day.seconds = round(time.monotonic() - began)
    _complain(demo.day)
    return demo.day


def run_serving(stages: Stages, home: Path | None, as_json: bool) -> int:
    """The day on the full process tree; then prints the addresses and keeps serving until SIGTERM or Ctrl-C."""
    from handbill.ops.tree import Tree, only_one

    began = time.monotonic()
    with _folder(home) as folder, ExitStack() as stack, _interruptible():
        try:
            demo = Demo(folder, stack)
            with stages.stage(STAGES[0]) as stage:
                demo.set_up(stage)
                stack.enter_context(only_one(demo.settings))
                _collect_static()
                tree = Tree(demo.settings)
                tree.start()
                stack.callback(tree.stop)
                tree.wait_until_up()
            demo.live(stages)
            demo.day.seconds = round(time.monotonic() - began)
            _complain(demo.day)
            emit({**demo.day.counts(), **demo.addresses()}, demo.welcome(), as_json)
            if demo.day.held:
                sys.stdout.flush()
                tree.wait()
        except KeyboardInterrupt:
            click.echo("Stopping.", err=True)
            return OK
    return OK if demo.day.held else FAILED


class Demo:
    """The servers and the newsroom of one demo, and the stages of its day."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home, self.day, self.began = home, Day(), now()
        self.outlets = load_outlets()
        self.wire = stack.enter_context(LoopbackWire())
        self.relay = stack.enter_context(LoopbackRelay(folder=home / "outbox"))
        self.outbox = stack.enter_context(Outbox(self.relay, free_port(OUTBOX)))
        self.ports = newsroom.Ports(free_port(PUBLIC), free_port(DESK), self.relay.port)
        self.password = ""

    def set_up(self, stage: Stage) -> None:
        """The folder, the database, topics, sources, an editor."""
        os.environ["HANDBILL_ALLOW_LOOPBACK"] = f"127.0.0.1:{self.wire.port}"
        newsroom.make(self.home, self.ports)
        self.password = newsroom.furnish(opml(self.outlets, self.wire.address))
        from django.conf import settings

        self.settings = settings.HANDBILL
        stage.note(f"{len(self.outlets)} outlets, {len(newsroom.TOPICS)} topics")

    def live(self, stages: Stages) -> None:
        """Every stage after the first, in order; stops at one that doesn't end in time."""
        fetch, news = (self.fetch_older, self.fill, self.sign_up), (self.fetch_today, self.group, self.choose)
        work = (*fetch, *news, self.build, self.send, self.leave)
        try:
            for title, stage_work in zip(STAGES[1:], work, strict=True):
                with stages.stage(title) as stage:
                    stage_work(stage)
        except TryLater as error:
            self.day.problems.append(str(error))

    def fetch_older(self, stage: Stage) -> None:
        self._fetch(stage, newest_day=1)

    def fetch_today(self, stage: Stage) -> None:
        self._fetch(stage, newest_day=0)
        self.day.entries = sum(len(outlet.entries) for outlet in self.outlets)
        self.day.expect(
            self.day.reports == self.day.entries, f"{self.day.reports} of {self.day.entries} entries filed."
        )

    def _fetch(self, stage: Stage, newest_day: int) -> None:
        from handbill.sources.actions import make_all_due
        from handbill.sources.models import Feed
        from handbill.wire.models import Report
        from handbill.wire.tasks import fetch_batch

        started = now()
        self.wire.routes = routes(self.outlets, now=self.began, newest_day=newest_day)
        make_all_due(started)
        total = Feed.objects.count()
        self._until(stage, fetch_batch, total, lambda: Feed.objects.filter(fetched_at__gte=started).count())
        self.day.feeds_failed = Feed.objects.filter(failures__gt=0).count()
        self.day.feeds_fetched = total - self.day.feeds_failed
        self.day.reports = Report.objects.count()
        stage.note(f"{self.day.feeds_fetched} feeds, {self.day.feeds_failed} failed, {self.day.reports} reports")
        self.day.expect(self.day.feeds_failed == 2, f"{self.day.feeds_failed} feeds failed where 2 should.")

    def fill(self, stage: Stage) -> None:
        """The editor takes most of what the outlets had before: archives to look at, never mailed."""
        from handbill.articles.actions import take_top_backlog

        self.group(stage)
        stage.note(f"{take_top_backlog(ARCHIVE_STORIES, now())} older articles")

    def sign_up(self, stage: Stage) -> None:
        from handbill.delivery.tasks import send_waiting
        from handbill.subscribers.models import Subscriber
        from handbill.subscribers.tasks import answer_sign_ups

        readers = ReadersAtTheirDesk(self.settings.public_address, self.relay)
        for reader in newsroom.READERS:
            readers.ask(reader.address)
        total = len(newsroom.READERS)
        self._until(stage, answer_sign_ups, total, Subscriber.objects.count)
        self._until(stage, send_waiting, total, lambda: len(self.relay.messages))
        for reader in newsroom.READERS:
            readers.confirm(reader.address, reader.topics)
        self.day.subscribers = Subscriber.objects.filter(confirmed_at__isnull=False).count()
        self.day.expect(self.day.subscribers == total, f"{self.day.subscribers} of {total} readers confirmed.")
        stage.note(f"{self.day.subscribers} readers confirmed")

    def group(self, stage: Stage) -> None:
        from handbill.stories.models import Member, Story
        from handbill.stories.tasks import group_stories

        self._until(stage, group_stories, self.day.reports, Member.objects.count)
        self.day.stories = Story.objects.count()
        stage.note(f"{self.day.reports} reports tell {self.day.stories} stories")
        self.day.expect(0 < self.day.stories < self.day.reports, "No two reports were grouped.")

    def choose(self, stage: Stage) -> None:
        from handbill.articles.models import Article
        from handbill.articles.tasks import take_top

        live = Article.objects.filter(live=True)
        self._until(stage, take_top, self.settings.auto_stories, live.filter(in_digest=True).count)
        self.day.articles = live.count()
        stage.note(f"{self.settings.auto_stories} of today's stories, {self.day.articles} articles in all")

    def build(self, stage: Stage) -> None:
        from handbill.site.models import Page, TakenUp
        from handbill.site.tasks import build_site

        def done() -> int:
            taken_up = TakenUp.objects.count()  # asked first: the pages are marked stale in the same transaction
            return 0 if Page.objects.filter(stale=True).exists() else taken_up

        self._until(stage, build_site, self.day.articles, done)
        self.day.pages = len(list(self.settings.site_folder.rglob("index.html")))
        stage.note(f"{self.day.pages} pages")
        self.day.expect((self.settings.site_folder / "index.html").is_file(), "There is no front page.")

    def send(self, stage: Stage) -> None:
        from handbill.delivery.queries import progress
        from handbill.delivery.tasks import send_waiting
        from handbill.digest.actions import send_now

        sent = send_now(now())
        self.day.letters = sent.letters
        self.day.expect(sent.letters > 0, "There was nothing to send.")
        if sent.letters:
            readers = progress(sent.reference).total
            self._until(stage, send_waiting, readers, lambda: progress(sent.reference).accepted)
            self.day.accepted = progress(sent.reference).accepted
        stage.note(f"{self.day.letters} letters, {self.day.accepted} mails accepted")

    def leave(self, stage: Stage) -> None:
        from handbill.subscribers.queries import audiences

        readers = ReadersAtTheirDesk(self.settings.public_address, self.relay)
        left = readers.leave(newsroom.LEAVES)
        staying = sum(audiences(now()).values())
        self.day.expect(left and staying == self.day.subscribers - 1, "One-click unsubscribe did not work.")
        stage.note(f"one click; {staying} readers stay")

    def _until(self, stage: Stage, task: Callable[..., object], total: int, done: Callable[[], int]) -> None:
        """Ring ``task`` now and then until ``done()`` reaches ``total``. Raises TryLater when it takes too long."""
        from handbill.ops.tick import ring

        end, next_ring = time.monotonic() + PATIENCE_SECONDS, 0.0
        while (count := done()) < total:
            if time.monotonic() > end:
                raise TryLater(
                    f"{stage.title}: {count} of {total} after {PATIENCE_SECONDS} s. See {self.home}/run/*.log."
                )
            if time.monotonic() > next_ring:
                ring(task)
                next_ring = time.monotonic() + RING_SECONDS
            stage.show(count / total)
            time.sleep(0.05)

    def addresses(self) -> dict[str, str]:
        """Where to look, for the serving demo."""
        return {
            "site": self.settings.public_address,
            "desk": self.settings.desk_address,
            "outbox": f"{self.outbox.address}/outbox/",
            "email": newsroom.EDITOR,
            "password": self.password,
        }

    def welcome(self) -> str:
        where = self.addresses()
        return (
            f"\nThe day took {self.day.seconds} s. Look around:\n"
            f"  Site    {where['site']}/\n"
            f"  Desk    {where['desk']}/   {where['email']}   {where['password']}\n"
            f"  Outbox  {where['outbox']}\n"
            "Ctrl-C stops everything and removes it."
        )


def _complain(day: Day) -> None:
    for problem in day.problems:
        click.echo(f"handbill: {problem}", err=True)


def _collect_static() -> None:
    from handbill.ops.prepare import collect_static

    collect_static()


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    """``home``, kept; or a temporary folder, removed at the end."""
    if home is not None:
        yield home.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="handbill-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        yield
    signal.signal(signal.SIGTERM, before)
