"""The command line as an operator has it: exit codes, JSON, and what is said when something is wrong."""

import json

import pytest

from handbill.testing.relay import LoopbackRelay, Reply
from handbill.testing.wire import Answer, LoopbackWire
from tests.newsroom import Newsroom

ARCHIVE = """Skip to content
Operation Lantern Day 3: Crews reach the old mill
Crews reached the old mill on Tuesday. The water was lower than feared.
Council votes for a new tram line
The council voted by nine to four for a tram line to the harbour.
Subscribe to our newsletter
Email address
Subscribe
"""
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Valley Monitor</title><language>en</language>{items}
</channel></rss>"""
ITEM = """<item><title>{title}</title><link>https://monitor.example/{n}</link><guid>{n}</guid><category>City</category>
<description>{title}. {text}</description></item>"""
OPML = """<opml version="2.0"><body><outline text="Valley Monitor" xmlUrl="http://127.0.0.1:{port}/feed"/>
<outline text="Gone" xmlUrl="http://127.0.0.1:{port}/gone"/></body></opml>"""


TEXTS = {
    "Old bridge closes for the winter": "Ice has loosened four stones of the eastern arch. Masons come in March.",
    "Council buys the mill": "A vote of nine to four ends a dispute of ten years. The roof is to be mended first.",
}


def feed(*titles: str) -> Answer:
    items = "".join(ITEM.format(title=title, n=title.replace(" ", "-"), text=TEXTS[title]) for title in titles)
    return Answer(body=FEED.format(items=items).encode(), content_type="application/rss+xml")


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory) -> Newsroom:
    """One for all tests that don't mind each other."""
    return Newsroom(tmp_path_factory.mktemp("cli") / "newsroom")


def test_init_makes_a_newsroom_once(tmp_path, newsroom):
    folder = tmp_path / "mine"
    assert newsroom.json("init", str(folder)) == {"home": str(folder)}
    assert {"handbill.toml", "handbill.sqlite3", "keys"} <= {path.name for path in folder.iterdir()}
    assert (folder / "handbill.sqlite3").stat().st_mode & 0o077 == 0
    before = (folder / "keys" / "address.key").read_text()
    again = newsroom.handbill("init", str(folder))
    assert again.returncode == 1
    assert "holds a newsroom already" in again.stderr
    assert (folder / "keys" / "address.key").read_text() == before


def test_the_folder_may_be_named_before_or_after_the_command(tmp_path, newsroom):
    for arguments in (("--home", str(tmp_path), "fetch"), ("fetch", "--home", str(tmp_path))):
        done = newsroom.handbill(*arguments)
        assert done.returncode == 2
        assert "holds no newsroom" in done.stderr
        assert not done.stdout


def test_a_wrong_setting_stops_every_command(tmp_path):
    wrong = Newsroom(tmp_path / "newsroom")
    path = wrong.home / "handbill.toml"
    path.write_text('time_zone = "Berlin"\n')
    for command in ("run", "fetch", "doctor"):
        done = wrong.handbill(command)
        assert done.returncode == 2
        assert "time_zone = 'Berlin': write a zone" in done.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["import", "opml"], ["user", "add"], ["fetch", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(newsroom, arguments):
    assert newsroom.handbill(*arguments).returncode == 2


@pytest.mark.parametrize("kind", ["opml", "archive", "wordpress"])
def test_a_file_that_is_none_is_refused_in_words(newsroom, tmp_path, kind):
    missing = newsroom.handbill("import", kind, str(tmp_path / "missing"))
    assert (missing.returncode, "can't be read" in missing.stderr) == (1, True)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 50)
    refused = newsroom.handbill("import", kind, str(binary), "--json")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert json.loads(refused.stdout)["error"]


def test_people_are_added_once(newsroom):
    added = newsroom.json("user", "add", "ada@paper.example", "--role", "editor")
    assert len(added["password"]) >= 16
    again = newsroom.handbill("user", "add", "Ada@paper.example")
    assert again.returncode == 1
    assert "ada@" not in again.stderr.lower()
    assert newsroom.handbill("user", "add", "no address").returncode == 1


def test_doctor_names_what_is_wrong_and_the_fix(newsroom):
    findings = newsroom.json("doctor", code=1)["findings"]
    wrong = [f for f in findings if f["level"] == "wrong"]
    assert any("relay loopback" in f["what"] and f["fix"] for f in wrong)
    assert all(f["fix"] for f in findings if f["level"] != "ok")


def test_an_archive_is_published_in_its_order_and_never_mailed(tmp_path):
    paper = Newsroom(tmp_path / "newsroom")
    page = tmp_path / "page.txt"
    page.write_text(ARCHIVE)
    assert paper.json("import", "archive", str(page), "--topic", "City")["articles"] == 2
    assert paper.json("import", "archive", str(page), "--topic", "City")["articles"] == 0
    assert paper.json("publish")["pages"] > 0
    html = (paper.home / "site/topic/city/index.html").read_text()
    first, second = html.index("Operation Lantern Day 3"), html.index("Council votes for a new tram line")
    assert first < second
    assert "The water was lower than feared." in html
    assert "1970" not in html
    assert paper.json("digest", "--dry-run")["articles"] == 0


def test_the_day_by_hand(tmp_path):
    with LoopbackWire() as wire, LoopbackRelay() as relay:
        paper = Newsroom(tmp_path / "newsroom", relay=relay.port, wire=wire.port)
        opml = tmp_path / "sources.opml"
        opml.write_text(OPML.format(port=wire.port))
        assert paper.json("import", "opml", str(opml))["added"] == 2
        assert paper.json("import", "opml", str(opml))["known"] == 2

        wire.routes["/feed"] = feed("Old bridge closes for the winter")
        first = paper.json("fetch", code=3)
        assert (first["fetched"], first["failed"], first["filed"]) == (1, 1, 1)
        wire.routes["/feed"] = feed("Old bridge closes for the winter", "Council buys the mill")
        assert paper.json("fetch")["filed"] == 0, "nothing is due yet"
        assert paper.json("fetch", "--all", code=3)["filed"] == 1
        assert paper.json("fetch", "--all", code=3)["filed"] == 0, "nothing is filed twice"

        assert paper.json("publish", "--auto")["taken"] == 2
        assert "Council buys the mill" in (paper.home / "site/index.html").read_text()

        assert paper.json("send")["letters"] == 0, "nobody reads it yet"
        paper.python(
            "from handbill.kit.clock import now\nfrom handbill.subscribers import actions\n"
            "actions.ask('bob@reader.example', now())"
        )
        assert paper.json("send")["accepted"] == 1, "the mail that asks Bob to confirm"
        paper.python(
            "from handbill.kit.clock import now\nfrom handbill.subscribers.models import Subscriber, Subscription\n"
            "bob = Subscriber.objects.get()\nSubscriber.objects.update(confirmed_at=now(), audience='')\n"
            "Subscription.objects.create(subscriber=bob, started_at=now())"
        )
        plan = paper.json("digest", "--dry-run")
        assert (plan["articles"], plan["readers"]) == (1, 1), "the first fetch is never mailed"
        assert paper.json("send")["accepted"] == 1
        assert paper.json("send")["accepted"] == 0, "nothing is sent twice"
        assert paper.json("send", "--to", "ada@paper.example")["accepted"] == 1
        assert len(relay.sent_to("bob@reader.example")) == 2
        [test] = relay.sent_to("ada@paper.example")
        assert b"Test" in test.data


def test_a_relay_that_is_away_is_try_later_and_loses_nothing(tmp_path):
    with LoopbackRelay() as relay:
        paper = Newsroom(tmp_path / "newsroom", relay=relay.port)
        paper.python(
            "from handbill.kit.clock import now\nfrom handbill.subscribers import actions\n"
            "actions.ask('bob@reader.example', now())"
        )
        relay.script = lambda moment: Reply(421, "4.3.2 closing") if moment.stage == "connect" else None
        away = paper.handbill("send")
        assert away.returncode == 75, away.stderr
        assert "bob@" not in away.stderr
    assert not relay.messages


def test_doctor_warns_of_the_door_that_is_open_to_loopback(tmp_path):
    paper = Newsroom(tmp_path / "newsroom", wire=8123)
    findings = paper.json("doctor", code=1)["findings"]
    assert any(f["level"] == "warning" and "127.0.0.1:8123" in f["what"] and f["fix"] for f in findings)
