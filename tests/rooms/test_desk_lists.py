"""Lists at the desk: who may, what is kept where and how long, tried first, brought in once, taken out and told."""

from __future__ import annotations

import csv
import io
import os
import stat
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from lxml import html
from test_subscribers_room import begin

from handbill.delivery.address import address_hash
from handbill.delivery.models import Delivery
from handbill.desk import list_words, lists
from handbill.kit import clock
from handbill.kit.errors import GiveUp
from handbill.subscribers import retention
from handbill.subscribers.api import tokens
from handbill.subscribers.lists_in import plan, read, uploads
from handbill.subscribers.lists_in.records import Fate, Verdict
from handbill.subscribers.models import ApiToken, Consent, Export, Subscriber, Upload

pytestmark = pytest.mark.django_db

TABLE = b"email,confirmed_at\nbob@readers.example,2020-01-02 03:04:05\ncy@readers.example,\nnone\n"
COUNTS = {"begins": 1, "held": 1, "refused": 1}


@pytest.fixture(autouse=True)
def folder():
    for path in uploads.folder().iterdir():
        path.unlink()
    return uploads.folder()


def person(name: str, *groups: str, **more) -> Client:
    user = get_user_model().objects.create_user(name, email=f"{name}@paper.example")
    user.groups.add(*Group.objects.filter(name__in=groups))
    client = Client(**more)
    client.force_login(user)
    return client


@pytest.fixture
def ann() -> Client:
    return person("ann", "Admins")


def give(client: Client, table: bytes = TABLE, name: str = "l.csv", **form: str):
    return client.post(reverse("desk_list_give"), {"file": SimpleUploadedFile(name, table), **form})


def given(client: Client, table: bytes = TABLE, **form: str) -> Upload:
    """A list that was tried."""
    give(client, table, **form)
    assert uploads.work(clock.now())
    return Upload.objects.order_by("-pk")[0]


def text_of(answer) -> str:
    return " ".join(html.fromstring(answer.content).text_content().split())


class TestGivingIn:
    def test_it_lies_in_a_private_file_and_changes_nothing_until_it_is_wanted(self, ann: Client, folder) -> None:
        answer = give(ann, program="csv", proof="  signed  up at the fair ")
        upload = Upload.objects.get()
        assert answer["Location"] == reverse("desk_list", args=[upload.pk])
        [path] = folder.iterdir()
        assert path.read_bytes() == TABLE and stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (upload.by, upload.program, upload.proof) == ("ann", "csv", "signed up at the fair")
        assert uploads.work(clock.now()) and not uploads.work(clock.now())
        upload.refresh_from_db()
        assert upload.state == "tried" and upload.counts == {"begins": 2, "refused": 1}
        assert Subscriber.objects.count() == 0

    def test_it_is_brought_in_by_a_button_once_and_its_file_is_gone(self, ann: Client, folder) -> None:
        upload = given(ann)
        assert upload.counts == COUNTS and "Nothing has changed yet" in text_of(
            ann.get(reverse("desk_list", args=[upload.pk]))
        )
        ann.post(reverse("desk_list_go", args=[upload.pk]))
        ann.post(reverse("desk_list_go", args=[upload.pk]))
        assert uploads.work(clock.now()) and not uploads.work(clock.now())
        upload.refresh_from_db()
        assert (upload.state, upload.counts) == ("brought", COUNTS)
        assert Subscriber.objects.count() == 2 and Consent.objects.filter(how="imported").count() == 1
        assert [path.suffix for path in folder.iterdir()] == [".fates"]
        ann.post(reverse("desk_list_go", args=[upload.pk]))
        assert Upload.objects.get().state == "brought" and not uploads.work(clock.now())

    def test_no_page_and_no_table_of_fates_holds_an_address(self, ann: Client) -> None:
        upload = given(ann, b"email\nbob@readers.example\n=1+1\n", proof="they asked")
        page = ann.get(reverse("desk_list", args=[upload.pk])).content.decode()
        table = b"".join(ann.get(reverse("desk_list_fates", args=[upload.pk])))
        assert "readers.example" not in page and b"readers.example" not in table and b"=1" not in table
        rows = list(csv.reader(io.StringIO(table.decode())))
        assert rows[0] == ["file", "row", "fate", "reason"] and [row[1:3] for row in rows[1:]] == [
            ["2", "begins"],
            ["3", "refused"],
        ]

    def test_a_files_name_is_no_formula_in_the_table(self, ann: Client) -> None:
        give(ann, TABLE, "=1+1.csv")
        assert uploads.work(clock.now())
        table = b"".join(ann.get(reverse("desk_list_fates", args=[Upload.objects.get().pk])))
        assert b"\n'=1+1.csv," in table

    def test_rows_are_shown_by_fate_and_page_by_page(self, ann: Client, monkeypatch) -> None:
        monkeypatch.setattr(lists, "SHOWN", 2)
        many = b"email,confirmed_at\n" + b"".join(b"r%d@readers.example,2020-01-01\n" % n for n in range(4)) + b"x,\n"
        upload = given(ann, many)

        def numbers(query: str) -> list[str]:
            page = html.fromstring(ann.get(reverse("desk_list", args=[upload.pk]) + query).content)
            return [cell.text for cell in page.xpath("//tbody/tr/td[2]")]

        assert numbers("") == ["2", "3"] and numbers("?page=2") == ["4", "5"] and numbers("?page=3") == ["6"]
        assert numbers("?fate=refused") == ["6"] and numbers("?fate=begins&page=2") == ["4", "5"]
        for strange in ("?page=0", "?page=-1", "?page=%D9%A2", "?page=99999999999", "?fate=%00", "?fate=x"):
            assert numbers(strange) == ["2", "3"], strange

    def test_what_is_no_list_is_told_and_not_kept(self, ann: Client, folder) -> None:
        upload = given(ann, b"<rss>no table</rss>")
        assert upload.state == "failed" and "no table of addresses" in upload.trouble
        assert upload.trouble in text_of(ann.get(reverse("desk_list", args=[upload.pk])))
        assert not (folder / upload.file).exists()

    def test_what_is_too_large_or_empty_leaves_nothing(self, ann: Client, folder, monkeypatch) -> None:
        monkeypatch.setattr(uploads, "MOST_BYTES", 100)
        give(ann, b"x" * 101)
        monkeypatch.setattr(lists, "FORM_BYTES", 0)
        give(ann, b"x" * 99)
        monkeypatch.setattr(lists, "FORM_BYTES", 64 * 1024)
        give(ann, b"")
        ann.post(reverse("desk_list_give"), {"other": SimpleUploadedFile("l.csv", b"x")})
        ann.post(reverse("desk_list_give"), {"file": "no file"})
        give(ann, b"x", program="nonsense")
        assert Upload.objects.count() == 0 and list(folder.iterdir()) == []

    def test_nobody_without_the_right_writes_a_byte(self, folder, monkeypatch) -> None:
        monkeypatch.setattr(lists, "PrivateFiles", None)  # who reads the file without the right fails
        for groups in ((), ("Editors",)):
            answer = give(person(f"x{len(groups)}", *groups))
            assert answer.status_code == 403 or answer["Location"] == "/login/?next=/lists/give/"
        monkeypatch.undo()
        assert give(person("bea", "Admins", enforce_csrf_checks=True)).status_code == 403
        assert Upload.objects.count() == 0 and list(folder.iterdir()) == []


class TestWork:
    def test_what_is_cut_off_is_begun_again_and_given_up_at_last(self, ann: Client, monkeypatch) -> None:
        give(ann)
        now = clock.now()
        with monkeypatch.context() as broken:
            broken.setattr(uploads, "bring_in", lambda *a, **b: (_ for _ in ()).throw(KeyboardInterrupt))
            for number in range(3):
                with pytest.raises(KeyboardInterrupt):
                    uploads.work(now + number * timedelta(seconds=uploads.LEASE_SECONDS))
                assert not uploads.work(now + number * timedelta(seconds=uploads.LEASE_SECONDS)), "it is held"
        assert uploads.work(now + 3 * timedelta(seconds=uploads.LEASE_SECONDS))
        assert Upload.objects.get().state == "failed" and "cut off" in Upload.objects.get().trouble

    def test_thrown_away_while_it_is_tried_it_stops(self, ann: Client, monkeypatch, folder) -> None:
        give(ann)
        monkeypatch.setattr(uploads, "TOLD_EVERY", 0)
        hold_on = uploads._hold_on

        def thrown(upload: Upload, percent: int) -> None:
            ann.post(reverse("desk_list_throw", args=[upload.pk]))
            hold_on(upload, percent)

        monkeypatch.setattr(uploads, "_hold_on", thrown)
        assert uploads.work(clock.now()) and Upload.objects.count() == 0
        assert all(path.suffix == ".fates" for path in folder.iterdir())

    def test_it_is_not_thrown_away_while_it_is_brought_in(self, ann: Client) -> None:
        upload = given(ann)
        ann.post(reverse("desk_list_go", args=[upload.pk]))
        ann.post(reverse("desk_list_throw", args=[upload.pk]))
        assert Upload.objects.get().state == "bringing"
        uploads.work(clock.now())
        ann.post(reverse("desk_list_throw", args=[upload.pk]))
        assert Upload.objects.count() == 0

    def test_after_a_day_nothing_is_left(self, ann: Client, folder) -> None:
        given(ann)
        (folder / "nobodys").write_text("x")
        os.utime(folder / "nobodys", (0, 0))
        retention.enforce(clock.now())
        assert len(list(folder.iterdir())) == 2 and Upload.objects.count() == 1
        retention.enforce(clock.now() + uploads.KEPT)
        assert list(folder.iterdir()) == [] and Upload.objects.count() == 0

    def test_every_verdict_has_words(self) -> None:
        found = [one for module in (plan,) for one in vars(module).values()]
        verdicts = [one for one in found if isinstance(one, Verdict)]
        verdicts += [one for table in (plan.GONE, plan.STAYS_OUT) for one in table.values()]
        said = {one.reason for one in verdicts if one.reason} | {read._HALF, read._LONG, read._WORD}
        assert len(said) > 20 and said <= {str(each) for each in list_words.REASONS}
        assert set(list_words.FATES) == set(Fate)


class TestTakingOut:
    def test_it_is_recorded_told_to_the_others_and_marked(self, ann: Client) -> None:
        begin("bob@readers.example")
        person("bea", "Admins")
        answer = ann.post(reverse("desk_list_take"), {"kind": "csv", "sure": "1"})
        rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
        export = Export.objects.get()
        [mark] = [row["address"] for row in rows if row["address"] != "bob@readers.example"]
        assert export.by == "ann@paper.example" and export.rows == 1 and export.canary_hash == address_hash(mark)
        assert answer["Cache-Control"].startswith("no-store")
        assert 'filename="readers.csv"' in answer["Content-Disposition"]
        told = Delivery.objects.filter(mailing__reference=f"export:{export.pk}")
        assert [one.address_hash for one in told] == [address_hash("bea@paper.example")]
        assert "ann@paper.example" in text_of(ann.get(reverse("desk_lists")))

    def test_it_wants_a_format_and_a_tick_and_nothing_is_left_of_it(self, ann: Client, folder) -> None:
        for form in ({}, {"kind": "csv"}, {"kind": "exe", "sure": "1"}):
            assert ann.post(reverse("desk_list_take"), form)["Location"] == reverse("desk_lists")
        assert Export.objects.count() == 0 and ann.get(reverse("desk_list_take")).status_code == 405
        ann.post(reverse("desk_list_take"), {"kind": "json", "sure": "1"}).close()
        assert list(folder.iterdir()) == []

    def test_where_an_address_does_not_open_nothing_leaves(self, ann: Client, monkeypatch, folder) -> None:
        def broken(*args):
            raise GiveUp("A sealed address doesn't open.")

        begin("bob@readers.example")
        monkeypatch.setattr("handbill.subscribers.lists_out.unseal", broken)
        answer = ann.post(reverse("desk_list_take"), {"kind": "csv", "sure": "1"}, follow=True)
        assert "A sealed address doesn't open." in text_of(answer) and Export.objects.count() == 1
        assert list(folder.iterdir()) == []


class TestTokens:
    def test_it_is_shown_once_and_opens_what_was_ticked(self, ann: Client) -> None:
        answer = ann.post(reverse("desk_api_tokens"), {"name": "shop", "scope": ["topics:read"]})
        [made] = html.fromstring(answer.content).xpath("//code/text()")
        assert tokens.token_of(made).scopes == ["topics:read"] and answer["Cache-Control"].startswith("no-store")
        assert made not in ann.get(reverse("desk_api_tokens")).content.decode()
        assert ApiToken.objects.get().made_by == "ann"
        ann.post(reverse("desk_api_token_withdraw"), {"name": "shop"})
        assert tokens.token_of(made) is None and ApiToken.objects.get().withdrawn_by == "ann"

    def test_what_is_wrong_is_said_and_nothing_is_made(self, ann: Client) -> None:
        for form in ({}, {"name": "shop"}, {"name": "a@b", "scope": "topics:read"}, {"name": "x", "scope": "all"}):
            assert 'role="alert"' in ann.post(reverse("desk_api_tokens"), form).content.decode()
        assert ApiToken.objects.count() == 0

    def test_editors_make_none(self) -> None:
        ada = person("ada", "Editors")
        ada.post(reverse("desk_api_tokens"), {"name": "shop", "scope": "topics:read"})
        assert ApiToken.objects.count() == 0 and ada.get(reverse("desk_api_tokens")).status_code in (302, 403)
