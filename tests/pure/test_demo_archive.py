"""The sample archive is a page as an editor would save it: six entries between a skip link and a sign-up box."""

from handbill.articles.archive import parse_archive
from handbill.ops.demo.outlets import FOLDER


def test_the_sample_archive_has_six_entries() -> None:
    text = (FOLDER.parent / "archive.txt").read_text("utf-8")
    assert text.startswith("Skip to content\n")
    assert text.endswith("Subscribe to our newsletter\nEmail address\nSubscribe\n")
    archive = parse_archive(text)
    assert archive.refused == ()
    assert len(archive.entries) == 6
    assert archive.entries[0].headline == "A clock for the Rope Bridge, paid for in small coins"
    assert archive.entries[-1].excerpt.endswith("he meant it as a complaint.")
    assert all(50 <= len(entry.excerpt.split()) <= 120 for entry in archive.entries)
