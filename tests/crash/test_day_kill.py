"""The whole tree under kill -9: whatever dies, a restart finishes the day with nothing lost and nothing doubled."""

import json
import random
import time
from collections import Counter
from email import message_from_bytes

import psutil
import pytest

from handbill.kit.clock import now
from handbill.ops.child import MARK
from handbill.ops.demo.outlets import load_outlets, opml, routes
from handbill.testing.relay import LoopbackRelay, Stall
from handbill.testing.wire import LoopbackWire
from tests.newsroom import Newsroom

READERS = 60
WINDOW = 20
SENDERS = 2  # the command and a worker, each with the one connection that the relay allows a sender
SIGN_UP = f"""
from uuid import UUID
from django.conf import settings
from handbill.delivery.address import address_hash
from handbill.kit.clock import now
from handbill.kit.crypto import seal
from handbill.subscribers.models import Subscriber, Subscription
for n in range({READERS}):
    key, address = UUID(int=n + 1), f"reader{{n}}@reader.example"
    sealed = seal(settings.KEYS.address, address, str(key))
    bob = Subscriber.objects.create(id=key, address_sealed=sealed, address_hash=address_hash(address),
                                    created_at=now(), confirmed_at=now(), audience="")
    Subscription.objects.create(subscriber=bob, started_at=now())
"""
STATE = """
from django.db.models import Count
from handbill.articles.models import Article
from handbill.site.models import Page, TakenUp
from handbill.stories.models import Member, Story
from handbill.wire.models import Report
import json
print(json.dumps({
    "reports": Report.objects.count(),
    "identities": Report.objects.values("source", "identity").distinct().count(),
    "members": Member.objects.count(),
    "stories": Story.objects.count(),
    "news": Article.objects.filter(live=True, in_digest=True).count(),
    "articles": Article.objects.filter(live=True).count(),
    "taken_up": TakenUp.objects.count(),
    "stale": Page.objects.filter(stale=True).count(),
}))
"""
WAITING = """
from handbill.delivery.models import Delivery
print(Delivery.objects.filter(next_at__isnull=False).count())
"""

KILLS = 3


def tree(newsroom: Newsroom) -> list[psutil.Process]:
    """Every process of the newsroom's tree."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").endswith(f"@{newsroom.home}"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=10)


def until(condition, seconds=150):
    end = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.3)
    return said


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_process_killed_and_restarted_finishes_the_day(tmp_path, seed):
    chance = random.Random(seed)
    outlets, began = load_outlets(), now()
    with LoopbackWire() as wire, LoopbackRelay() as relay:
        newsroom = Newsroom(tmp_path / "newsroom", relay=relay.port, wire=wire.port)
        newsroom.environment["HANDBILL_AUTO_STORIES"] = "12"
        with (newsroom.home / "handbill.toml").open("a") as toml:
            toml.write("connections = 1\n")  # in the table of the relay, which is the last
        (tmp_path / "sources.opml").write_bytes(opml(outlets, wire.address))
        newsroom.json("import", "opml", str(tmp_path / "sources.opml"))
        newsroom.python(SIGN_UP)
        wire.routes = routes(outlets, now=began, newest_day=1)
        newsroom.json("fetch", code=3)
        wire.routes = routes(outlets, now=began)
        newsroom.python(
            "from handbill.kit.clock import now\nfrom handbill.sources.actions import make_all_due\nmake_all_due(now())"
        )
        for _ in range(KILLS):
            running = newsroom.start("run", "--auto")
            until(lambda: len(tree(newsroom)) >= 5)
            time.sleep(chance.uniform(0, 6))
            kill([chance.choice(tree(newsroom))])
            time.sleep(chance.uniform(0, 2))
            running.kill()
            running.wait()
            kill(tree(newsroom))
        running = newsroom.start("run", "--auto")
        try:

            def done():
                state = json.loads(newsroom.python(STATE))
                return state["news"] == 12 and state["stale"] == 0 and state["taken_up"] == state["articles"] and state

            state = until(done)
            assert state["reports"] == state["identities"] == state["members"] == 120
            assert state["stories"] == 113
            assert state["articles"] == 24

            relay.script = lambda moment: Stall(0.02) if moment.stage == "dot" else None
            sending = newsroom.start("send")
            until(lambda: len(relay.messages) > 5)
            kill([psutil.Process(sending.pid), *(p for p in tree(newsroom) if "worker" in p.environ()[MARK])])
            running.kill()
            running.wait()
            kill(tree(newsroom))
            running = newsroom.start("run", "--auto")
            until(lambda: len({taken.recipients for taken in relay.messages}) == READERS)
            until(lambda: newsroom.python(WAITING).strip() == "0")
        finally:
            running.terminate()
            running.wait(timeout=200)
        copies = Counter(taken.recipients for taken in relay.messages)
        assert len(copies) == READERS
        assert sum(copies.values()) <= READERS + SENDERS * WINDOW
        ids = {(taken.recipients, message_from_bytes(taken.data)["Message-ID"]) for taken in relay.messages}
        assert len(ids) == READERS, "a repeat has the Message-ID of the first"
