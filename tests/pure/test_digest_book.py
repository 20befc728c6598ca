"""An issue bound as EPUB: the zip that OCF asks for, and the same bytes for the same documents."""

import io
import time
import zipfile

from lxml import etree

from handbill.digest.book import KIND, bind

DOCUMENTS = {"package.opf": "<package/>", "issue.xhtml": "<p>عدد اليوم</p>"}


def test_the_kind_of_file_can_be_read_at_its_beginning():
    made = bind(DOCUMENTS)
    assert made[30:].startswith(b"mimetype" + KIND.encode()), "first, not compressed, with no extra field (OCF 4.2)"
    entries = zipfile.ZipFile(io.BytesIO(made)).infolist()
    assert [entry.filename for entry in entries] == [
        "mimetype",
        "META-INF/container.xml",
        "EPUB/package.opf",
        "EPUB/issue.xhtml",
    ]
    assert entries[0].compress_type == zipfile.ZIP_STORED


def test_the_container_leads_to_the_package_and_the_text_is_whole():
    book = zipfile.ZipFile(io.BytesIO(bind(DOCUMENTS)))
    container = etree.fromstring(book.read("META-INF/container.xml"))
    assert container.xpath("//@full-path") == ["EPUB/package.opf"]
    assert book.read("EPUB/issue.xhtml").decode() == DOCUMENTS["issue.xhtml"]
    assert book.testzip() is None


def test_no_hour_and_no_machine_is_in_it(monkeypatch):
    made = bind(DOCUMENTS)
    monkeypatch.setattr(time, "localtime", lambda *_: time.struct_time((2031, 5, 6, 7, 8, 9, 1, 126, 0)))
    monkeypatch.setattr("sys.platform", "win32")
    assert bind(DOCUMENTS) == made
    assert {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(made)).infolist()} == {1980}
