"""``handbill inspect``: one JSON object a line, in order, with no newsroom; what fails says so and stops nothing."""

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from handbill.ops.cli import cli
from handbill.ops.commands import inspect
from handbill.testing.wire import Answer, LoopbackWire

FEED = b"""<rss version="2.0"><channel><title>Alder</title><language>en</language><item><guid>a1</guid>
<link>https://alder.example/1</link><title>Bridge &lt;b&gt;shut&lt;/b&gt;</title><category>City</category>
<pubDate>Mon, 02 Nov 2026 10:00:00 +0100</pubDate>
<description>&lt;p onclick="x()"&gt;Nine weeks.&lt;script&gt;x()&lt;/script&gt;&lt;/p&gt;</description></item>
<item><guid>a2</guid></item></channel></rss>"""
PROSE = "<p>" + " ".join(f"The river rose for the {n}. day and the ferry did not sail." for n in range(40)) + "</p>"
PAGE = f"<html lang=en><title>The river</title><body><article><h1>The river</h1>{PROSE}</article>".encode()
PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(5).randbytes(40_000)
ENTRY_FIELDS = {"id", "url", "title", "published", "updated", "authors", "language", "categories", "summary_html"}
DRIVER = """
import sys
from handbill.ops.cli import main
try:
    main()
finally:
    print(*sorted({"django", "lxml", "celery"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture(autouse=True, scope="module")
def _end_children():
    yield
    inspect.sandbox.close()


def ask(*arguments: object, given: bytes | None = None) -> tuple[int, list[dict]]:
    result = CliRunner().invoke(cli, ["inspect", *map(str, arguments)], input=given, catch_exceptions=False)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_feeds_come_in_order_and_one_that_fails_stops_nothing(tmp_path):
    good = [write(tmp_path / f"{number}.xml", FEED.replace(b"a1", b"n%d" % number)) for number in range(40)]
    bad = write(tmp_path / "bad.xml", b"no feed at all")
    code, lines = ask("feed", *good[:20], bad, tmp_path / "missing.xml", *good[20:])
    assert code == 3
    assert [line["file"] for line in lines] == list(map(str, [*good[:20], bad, tmp_path / "missing.xml", *good[20:]]))
    assert "something else than a feed" in lines[20]["error"]
    assert "can't be read" in lines[21]["error"]
    assert [line["entries"][0]["id"] for line in lines if "entries" in line] == [f"n{n}" for n in range(40)]


def test_what_a_feed_says_is_told_as_it_says_it_and_is_safe():
    code, [line] = ask("feed", "-", given=gzip.compress(FEED))
    first, second = line["entries"]
    assert (code, line["title"], line["language"]) == (0, "Alder", "en")
    assert set(first) >= ENTRY_FIELDS
    assert (first["url"], first["title"]) == ("https://alder.example/1", "Bridge shut")
    assert (first["published"], first["updated"]) == ("2026-11-02T09:00:00Z", None)
    assert (first["summary_html"], first["content_html"]) == ("<p>Nine weeks.</p>", "")
    assert first["categories"] == ["City"]
    assert (second["id"], second["url"], second["title"]) == ("a2", None, "")


def test_a_feed_of_the_web_is_fetched_behind_the_guard(monkeypatch):
    with LoopbackWire({"/feed": Answer(body=FEED, content_type="text/xml")}) as wire:
        code, lines = ask("feed", wire.address + "/feed")
        assert (code, list(lines[0])) == (3, ["address", "error"])
        monkeypatch.setenv("HANDBILL_ALLOW_LOOPBACK", f"127.0.0.1:{wire.port}")
        code, lines = ask("feed", wire.address + "/feed", wire.address + "/gone")
    assert (code, lines[0]["title"]) == (3, "Alder")
    assert "404" in lines[1]["error"]


def test_pages_packed_or_not(tmp_path):
    page = write(tmp_path / "page.html", PAGE.replace(b"The river rose", b"<a href='/r'>The river</a> rose", 1))
    packed = write(tmp_path / "page.html.gz", gzip.compress(PAGE))
    bomb = write(tmp_path / "bomb.gz", gzip.compress(bytes(16 << 20)))
    torn = write(tmp_path / "torn.gz", gzip.compress(PAGE)[:-20])
    code, lines = ask("page", "--url", "https://alder.example/a/", page, packed, bomb, torn)
    assert code == 3
    assert set(lines[0]) == {"file", "title", "byline", "published", "language", "text", "html"}
    assert (lines[0]["title"], lines[0]["language"], lines[0]["published"]) == ("The river", "en", None)
    assert 'href="https://alder.example/r"' in lines[0]["html"]
    assert lines[1]["text"].startswith("The river rose")
    assert "larger than 15 MiB" in lines[2]["error"]
    assert "broken" in lines[3]["error"]


@pytest.mark.parametrize(
    ("text", "allowed", "why"),
    [
        ("8.8.8.8", True, "public"),
        ("2606:4700::1111", True, "public"),
        ("https://8.8.8.8/feed", True, "public"),
        ("8.8.8.8:8080", False, "Port 8080"),
        ("http://8.8.8.8:22/", False, "Port 22"),
        ("100.64.1.1", False, "100.64.0.0/10"),
        ("0x7f.1", False, "127.0.0.0/8"),
        ("2130706433", False, "127.0.0.0/8"),
        ("134744072", False, "8.8.8.8 in another spelling"),
        ("[::ffff:8.8.8.8]", False, "2000::/3"),
        ("2620:4f:8000::1", False, "2620:4f:8000::/48"),
        ("fe80::1%eth0", False, "2000::/3"),
        ("localhost", False, "127.0.0.0/8"),
        ("ftp://8.8.8.8/", False, "http://"),
    ],
)
def test_the_guard_s_verdict(text, allowed, why):
    code, [line] = ask("address", text)
    assert (code, line["address"], line["allowed"]) == (0, text, allowed)
    assert why in line["why"]


def test_a_name_that_has_no_address_is_not_allowed_and_an_error():
    code, lines = ask("address", "nothing.invalid", "8.8.8.8")
    assert (code, lines[0]["allowed"], lines[1]["allowed"]) == (3, False, True)
    assert "no address" in lines[0]["error"]


def test_the_difference_of_a_text_and_a_page(tmp_path):
    old = write(tmp_path / "old.txt", b"It rained. The ferry sailed.\r\n\r\nNobody was hurt.")
    new = write(tmp_path / "new.html", b"<p>It rained. The ferry sank.</p><p>Nobody was hurt.</p>")
    code, [line] = ask("diff", old, new)
    assert (code, line["file"], line["old"]) == (0, str(new), str(old))
    said = {kind: "".join(p["text"] for p in line["changes"] if p["kind"] != kind) for kind in ("added", "removed")}
    assert said["added"] == "It rained. The ferry sailed.\n\nNobody was hurt."
    assert said["removed"] == "It rained. The ferry sank.\n\nNobody was hurt."
    assert CliRunner().invoke(cli, ["inspect", "diff", str(old)]).exit_code == 2


def test_the_difference_from_or_to_nothing_is_told_and_a_picture_is_no_text(tmp_path):
    text, empty = write(tmp_path / "a.txt", b"It rained."), write(tmp_path / "empty.txt", b"\n")
    picture = write(tmp_path / "picture.png", PICTURE)
    code, lines = ask("diff", empty, text, text, empty, empty, empty, picture, text)
    assert [line.get("changes") for line in lines] == [
        [{"kind": "added", "text": "It rained."}],
        [{"kind": "removed", "text": "It rained."}],
        [],
        None,
    ]
    assert (code, "This is no text" in lines[3]["error"]) == (3, True)
    code, [line] = ask("page", picture)
    assert (code, "This is no page" in line["error"]) == (3, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_output_that_cannot_be_written_is_told_in_a_sentence():
    command = [sys.executable, "-c", "from handbill.ops.cli import main; main()", "inspect", "address", "8.8.8.8"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "The output can't be written: No space left on device." in ran.stderr


def report(name: str, text: str) -> bytes:
    return json.dumps(
        {"id": name, "title": text[:20], "text": text, "published": "2026-11-02", "outlet": name}
    ).encode()


def test_stories_of_a_file_packed_or_not_with_what_fails_in_its_place(tmp_path):
    prose = " ".join(f"The river rose for the {n}. day and the ferry did not sail." for n in range(9))
    lines = b"\n".join([report("a", prose), b"nothing", b'{"id": "\\ud800", "title": "Ferry"}', report("b", prose)])
    code, rows = ask("stories", write(tmp_path / "reports.jsonl", lines))
    assert (code, [row["id"] for row in rows]) == (3, ["a", None, "\ud800", "b"])
    assert ("Line 2 is no JSON object" in rows[1]["error"], rows[3]["story"], rows[3]["copy_of"]) == (True, "a", "a")
    assert ask("stories", write(tmp_path / "packed.gz", gzip.compress(lines))) == (3, rows)
    assert ask("stories", "-", given=report("a", prose)) == (0, [{"id": "a", "story": "a", "copy_of": None, "why": []}])
    code, [*_, last] = ask("stories", write(tmp_path / "torn.gz", gzip.compress(lines)[:-20]))
    assert (code, "it is broken" in last["error"]) == (3, True)
    code, [row] = ask("stories", tmp_path / "missing")
    assert (code, "can't be read: No such file" in row["error"]) == (3, True)


def test_reports_that_declare_no_language_are_of_the_one_they_are_written_in(tmp_path):
    prose = " ".join(f"The river rose for the {n}. day and the ferry did not sail." for n in range(9))
    rows = [json.loads(report(name, prose)) for name in ("none", "american", "wrong")]
    rows[1]["language"], rows[2]["language"] = "en-US", "de"
    code, told = ask("stories", write(tmp_path / "r.jsonl", b"\n".join(json.dumps(row).encode() for row in rows)))
    assert (code, [row["story"] for row in told]) == (0, ["none", "none", "none"])


def test_a_line_that_never_ends_is_not_kept(tmp_path, monkeypatch):
    endless = write(tmp_path / "endless.jsonl", b"x" * 1_000 + b"\n" + b"y" * 99 + b"\n" + b"z" * 1_000)
    assert [len(line) for line in inspect._lines(str(endless), 99)] == [100, 100, 100]


def test_excerpts_of_texts_and_pages(tmp_path):
    text = write(tmp_path / "a.txt", b"Subscribe now\n\nIt rained. Nobody was hurt.")
    piece = write(tmp_path / "b.html", b"<p>It rained.</p><p>Nobody was hurt.</p>")
    page = write(tmp_path / "c.html", PAGE.replace(b"<article>", b"<nav>Home. Sport. News.</nav><article>"))
    code, rows = ask("excerpt", text, piece, page, write(tmp_path / "empty", b""))
    assert (code, rows[0]) == (3, {"file": str(text), "excerpt": "It rained. Nobody was hurt.", "words": 5})
    assert rows[1]["excerpt"] == "It rained. Nobody was hurt."
    assert (rows[2]["excerpt"].startswith("The river rose for the 0. day"), rows[2]["words"]) == (True, 104)
    assert set(rows[3]) == {"file", "error"}


def test_series_of_headlines_line_by_line():
    code, rows = ask(
        "series", given="Harbour Works Day 12: The crane\r\n\nTo \u2028 the \xff moon".encode("latin-1", "replace")
    )
    assert (code, [row["headline"] for row in rows]) == (
        0,
        ["Harbour Works Day 12: The crane", "", "To ? the \ufffd moon"],
    )
    assert (rows[0]["series"], rows[0]["number"], rows[1]["series"]) == ("Harbour Works", 12, None)


def test_it_needs_no_newsroom_and_loads_neither_django_nor_a_parser(tmp_path):
    feed = write(tmp_path / "feed.xml", FEED)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HANDBILL", "DJANGO"))}
    command = [sys.executable, "-c", DRIVER, "inspect", "feed", str(feed)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr.strip()) == (0, "")
    assert json.loads(ran.stdout)["title"] == "Alder"


def test_bounces_message_by_message(tmp_path):
    report = b"\n\nFinal-Recipient: rfc822; dee@mail.example\nAction: failed\nStatus: 5.1.1\n"
    one = write(
        tmp_path / "one.eml", b"From: MAILER-DAEMON@mail.example\nContent-Type: message/delivery-status" + report
    )
    start = b"From x@y.example Mon Nov  2 10:00:00 2026\nReceived: by mail.example\n"
    two = write(
        tmp_path / "two.gz", gzip.compress(start + one.read_bytes() + b"\n" + start + b"Subject: hello\n\nhi\n")
    )
    code, rows = ask("bounce", one, tmp_path / "missing", two, "https://mail.example/1")
    assert code == 3
    assert [(Path(row.get("file", "")).name, row.get("kind")) for row in rows] == [
        ("one.eml", "bounce"),
        ("missing", None),
        ("two.gz", "bounce"),
        ("two.gz", "none"),
        ("", None),
    ]
    dee = {"address": "dee@mail.example", "status": "5.1.1", "reason": "gone", "reader_gone": True}
    assert rows[0]["recipients"] == rows[2]["recipients"] == [dee]
    assert rows[3] == {"file": str(two), "kind": "none", "recipients": []}
    assert "can't be read" in rows[1]["error"] and "Save the mail" in rows[4]["error"]


def test_replies_line_by_line():
    given = b"550 5.1.1 User unknown\n\nlogin 535 no\r\nwhatever\nDOT: 451 4.7.1 Greylisted\n"
    code, rows = ask("reply", given=given)
    assert code == 3
    assert [row.get("act") for row in rows] == ["give up on this reader", "switch relay", None, "retry later"]
    assert rows[0]["reader_gone"] and rows[3]["stage"] == "dot"
    assert "no reply" in rows[2]["error"]


LETTERS = Path(__file__).parents[1] / "pure" / "golden" / "letters"


def test_letters_that_are_well_and_one_that_is_not(tmp_path):
    bad = write(
        tmp_path / "bad.html", b'<html lang="en"><body><a href="http://a.example/?utm_source=b">x</a></body></html>'
    )
    code, lines = ask("letter", LETTERS / "dozen.eml", bad, tmp_path / "missing.eml", "--json")
    assert code == 3 and "can't be read" in lines[2]["error"]
    assert [line["problems"] for line in lines[:2]] == [0, len(lines[1]["findings"])] and "links" not in lines[0]
    assert {"insecure", "tracker", "contrast"} == {one["what"] for one in lines[1]["findings"]}
    assert ask("letter", bad, "--json")[0] == 1 and ask("letter", LETTERS / "dozen.eml", "--json")[0] == 0


def test_a_letter_in_words(tmp_path):
    bad = write(tmp_path / "bad.html", b'<html lang="en"><body><p style="display:grid">x</p></body></html>')
    result = CliRunner().invoke(cli, ["inspect", "letter", str(bad)], catch_exceptions=False)
    assert result.exit_code == 1
    assert "bad.html: 65 bytes of HTML, problems: 1 (caniemail " in result.stdout
    assert "problem, line 1, css-display-grid: display:grid is not shown by Outlook," in result.stdout


def test_links_of_a_letter_are_followed_when_asked_but_never_a_readers_own(tmp_path, monkeypatch):
    with LoopbackWire({"/well": Answer(body=b"<p>here</p>", content_type="text/html")}) as wire:
        links = "".join(f'<a href="{wire.address}{path}">x</a>' for path in ("/well", "/gone", "/unsubscribe/token/"))
        page = write(tmp_path / "letter.html", f'<html lang="en"><body>{links}</body></html>'.encode())
        monkeypatch.setenv("HANDBILL_ALLOW_LOOPBACK", f"127.0.0.1:{wire.port}")
        _, plain = ask("letter", page, "--json")
        assert wire.requests == []
        _, followed = ask("letter", page, "--json", "--follow")
        assert {request.path for request in wire.requests} == {"/well", "/gone"}
    told = [one["told"] for one in followed[0]["findings"] if one["what"] == "fails"]
    assert len(told) == 1 and "/gone" in told[0] and "404" in told[0]
    assert followed[0]["problems"] == plain[0]["problems"] + 1
