"""Keys change while readers sign up, leave and are mailed; cut off anywhere, it is gone on with; nobody is lost."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as configured
from test_subscribers_room import BOB, CY, NOW, begin

from handbill.delivery import actions as delivery
from handbill.delivery import renew
from handbill.delivery.address import address_hash
from handbill.delivery.journal import Journal
from handbill.delivery.models import Body, Delivery, Mailing, Proof, Suppression
from handbill.delivery.paths import Marks
from handbill.delivery.queries import suppressed_among
from handbill.delivery.records import LetterBody, Recipient
from handbill.delivery.sealed import open_address
from handbill.kit.errors import TryLater
from handbill.kit.keys import LiveKeys
from handbill.kit.lookup import ending
from handbill.ops import rotate as rotating
from handbill.subscribers import actions, lists_out, own_data, queries
from handbill.subscribers.lists_in.actions import bring_in
from handbill.subscribers.lists_in.records import Wanted
from handbill.subscribers.models import Asking, Export, Former, Move, Subscriber
from handbill.subscribers.renew import TABLES

pytestmark = pytest.mark.django_db
DEE, EVE, FAY, GUS = (f"{name}@readers.example" for name in ("dee", "eve", "fay", "gus"))
LATER = NOW + timedelta(hours=1)
ISSUE = LetterBody("main", "The Paper <news@paper.example>", "Today", "<p>Hi</p>", "Hi")


@pytest.fixture
def keys(settings, tmp_path: Path, newsroom_home: Path) -> Path:
    """A copy of the newsroom's keys, which the test may change."""
    folder = tmp_path / "keys"
    shutil.copytree(newsroom_home / "keys", folder)
    settings.HANDBILL = replace(configured.HANDBILL, home=tmp_path)
    settings.KEYS = LiveKeys(folder)
    return folder


@pytest.fixture
def token() -> str:
    """A newsroom in the middle of its life; Bob's token."""
    bob = begin(BOB)
    actions.leave(begin(CY), NOW)
    own_data.erase(begin(DEE), NOW)
    delivery.suppress(EVE, "gone", NOW)
    actions.ask(FAY, NOW)
    own_data.ask_move(bob, GUS, NOW)
    lists_out.take_out(io.StringIO(), "csv", "Ada", NOW)
    people = [Recipient(one, f"{one}@readers.example", "main") for one in ("x", "y")]
    mailing = delivery.hand_over("issue-1", "issue", [ISSUE], people, NOW)
    Proof.objects.create(address_hash=address_hash("y@readers.example"), mailing=mailing, at=NOW)
    return bob


def rotate(wait: Callable[[float], None] = lambda seconds: None) -> rotating.Rotated:
    return rotating.rotate(NOW.date(), wait, lambda line: None)


def at_step(number: int, act: Callable[[], None]) -> Callable[[float], None]:
    """Wait by doing something else meanwhile, once."""
    steps = iter(range(100))
    return lambda seconds: act() if next(steps) == number else None


def bring(addresses: list[str]) -> dict[str, int]:
    rows = "".join(f"{one},2020-01-02\n" for one in addresses)
    return bring_in(io.BytesIO(f"email,confirmed\n{rows}".encode()), "l.csv", Wanted(), "Ada", NOW).fates


def check_all_is_new_and_well(bob: str, keys: Path) -> None:
    for table in TABLES:
        hashes = set(table.model.objects.exclude(**{table.hash: ""}).values_list(table.hash, flat=True))
        assert all(one.endswith(ending(2)) for one in hashes), table.model
        if table.sealed:
            sealed = set(table.model.objects.values_list(table.sealed, flat=True))
            assert {bytes(one)[0] for one in sealed if one} <= {2}, table.model
    assert (keys / "address.key").read_text().split()[0] == "2" and not (keys / "changing").exists()
    assert "kept" in (keys / "lookup.key").read_text() and len((keys / "address.key").read_text().splitlines()) == 1
    assert {one.address for one in queries.readers(NOW)} == {BOB}
    for copy in Delivery.objects.exclude(address_sealed=b"").select_related("mailing"):
        assert "@" in open_address(bytes(copy.address_sealed), copy.mailing.reference, copy.recipient)
    assert actions.ask(BOB, LATER).state == actions.ask(FAY, LATER).state == "nothing"  # known, and mailed an hour ago
    assert suppressed_among([address_hash(EVE)])
    assert bring([CY, DEE, EVE]) == {"kept out": 3}
    assert Export.objects.count() == 1
    own_data.confirm_move(re.findall(r"/moved/([^/\s]+)/", "".join(body.text for body in Body.objects.all()))[0], NOW)
    assert {one.address for one in queries.readers(NOW)} == {GUS} and queries.reader_id(bob)


def test_every_place_of_a_hash_or_a_sealed_address_is_renewed() -> None:
    found = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.fields
        if field.name in ("address_hash", "canary_hash", "address_sealed")
    }
    assert found == {(one.model, name) for one in TABLES for name in (one.hash, one.sealed) if name}


def test_all_rows_come_under_the_new_keys_and_everybody_is_still_known(token: str, keys: Path) -> None:
    assert rotate().rows == sum(
        table.model.objects.exclude(**{table.hash: ""}).count() for table in TABLES if not table.bars
    )
    check_all_is_new_and_well(token, keys)


@pytest.mark.parametrize("step", range(6))
def test_cut_off_anywhere_it_is_gone_on_with(token: str, keys: Path, step: int) -> None:
    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(at_step(step, cut)) if step < 4 else cut()
    assert rotate().continued == (step < 4)
    check_all_is_new_and_well(token, keys)


@pytest.mark.parametrize("write", range(6))
def test_cut_off_between_two_batches(token: str, keys: Path, monkeypatch, write: int) -> None:
    monkeypatch.setattr(renew, "CHUNK", 2)
    update, left = renew._update, iter(range(write))

    def cut(*given: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        update(*given)

    monkeypatch.setattr(renew, "_update", cut)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    monkeypatch.setattr(renew, "_update", update)
    assert rotate().continued
    check_all_is_new_and_well(token, keys)


@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.parametrize("step", range(4))
def test_meanwhile_everybody_is_found_and_nobody_is_revived(token: str, keys: Path, step: int, looked: bool) -> None:
    def meanwhile() -> None:
        if looked:
            configured.KEYS.look()
        assert actions.ask(BOB, NOW + timedelta(minutes=1)).state == "nothing"
        assert bring([BOB, CY, DEE, EVE, "new@readers.example"]) == {"known": 1, "kept out": 3, "begins": 1}
        assert bring(["new@readers.example"]) == {"known": 1}
        left = actions.leave(queries.reader_token(Subscriber.objects.get(brought_by__isnull=False).pk), NOW)
        assert left and Subscriber.objects.count() == 4  # Bob, Cy, Fay, the new one

    rotate(at_step(step, meanwhile))
    check_all_is_new_and_well(token, keys)
    assert bring(["new@readers.example"]) == {"kept out": 1}


@pytest.mark.parametrize("looked", [False, True])
@pytest.mark.parametrize("step", range(4))
def test_meanwhile_no_copy_reaches_who_is_barred(token: str, keys: Path, step: int, looked: bool) -> None:
    def meanwhile() -> None:
        if looked:
            configured.KEYS.look()
        delivery.suppress("x@readers.example", "complaint", NOW)
        delivery.suppress("y@readers.example", "complaint", NOW)
        delivery.allow("y@readers.example")
        claimed = Journal().claim(LATER, 60, 100)
        going = {row.recipient for row in claimed if row.state != Delivery.State.SUPPRESSED}
        assert "y" in going and "x" not in going

    rotate(at_step(step, meanwhile))
    assert not suppressed_among([address_hash("y@readers.example")])
    assert suppressed_among([address_hash("x@readers.example")])


def test_a_copy_keeps_its_message_id(token: str, keys: Path) -> None:
    before = Marks().message_name("issue-1", "x")
    rotate()
    rotate()
    assert Marks().message_name("issue-1", "x") == before


def test_two_rows_of_one_address_become_one(token: str, keys: Path) -> None:
    def meanwhile() -> None:
        """What two processes that are a second apart might write."""
        configured.KEYS.look()
        twin = Subscriber(address_sealed=b"", address_hash=address_hash(BOB), created_at=NOW)
        twin.save()
        Asking.objects.create(address_hash=address_hash(BOB), at=NOW)
        Proof.objects.create(
            address_hash=address_hash("y@readers.example"), mailing=Mailing.objects.get(reference="issue-1"), at=NOW
        )

    rotate(at_step(2, meanwhile))
    check_all_is_new_and_well(token, keys)
    assert Proof.objects.count() == 1


def test_one_change_at_a_time(token: str, keys: Path) -> None:
    def meanwhile() -> None:
        with pytest.raises(TryLater):
            rotate()

    rotate(at_step(1, meanwhile))
    check_all_is_new_and_well(token, keys)


def test_keys_are_changed_again_and_again(token: str, keys: Path) -> None:
    rotate()
    rotate()
    assert {one.address for one in queries.readers(NOW)} == {BOB}
    assert bring([CY, DEE, EVE]) == {"kept out": 3} and actions.ask(BOB, LATER).state == "nothing"
    assert Former.objects.count() == Suppression.objects.count() == Move.objects.count() == 1
