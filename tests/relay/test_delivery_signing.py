"""Mail that went out over a real connection holds before an independent verifier, with a key made by the command."""

import dataclasses
import json
import stat
from datetime import UTC, datetime
from email import message_from_bytes

import dkim
import pytest
from click.testing import CliRunner

from handbill.delivery import actions, standing
from handbill.delivery.errors import NoRelay
from handbill.delivery.models import Delivery
from handbill.delivery.records import READER_SLOT, LetterBody, Recipient
from handbill.delivery.signing import key_path, read_signer, zone_line
from handbill.kit.errors import SettingsError
from handbill.kit.mail_settings import Dkim, Relay, parse_dkim
from handbill.ops.cli import cli
from handbill.ops.commands import newsroom as commands  # noqa: F401 - makes them known
from handbill.ops.doctor_mail import examine_mail
from handbill.ops.names import Names
from handbill.testing.names import NameServer
from handbill.testing.relay import OFFERS, LoopbackRelay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterBody(
    "main",
    "The Test Paper <news@paper.example>",
    "Tóday",
    f"<p>Hi</p><a href='https://paper.example/{READER_SLOT}/'>x</a>",
    f"Hi\n.\n {READER_SLOT}\n",
    "en",
    f"https://paper.example/unsubscribe/{READER_SLOT}/",
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings, tmp_path, monkeypatch):
    """A newsroom that signs with both kinds; the records by name, as its command printed them."""
    home = dataclasses.replace(settings.HANDBILL, home=tmp_path)
    settings.HANDBILL = home
    monkeypatch.setattr("handbill.ops.cli.open_newsroom", lambda home: None)
    records = {}
    for selector, kind in (("r1", "rsa"), ("e1", "ed25519")):
        told = json.loads(CliRunner().invoke(cli, ["dkim", selector, "--kind", kind, "--json"]).output)
        records[f"{told['name']}.".encode()] = told["txt"].encode()
    settings.HANDBILL = dataclasses.replace(home, dkim=(Dkim("r1"), Dkim("e1")))
    return records


@pytest.mark.parametrize("offers", [[], ["CHUNKING"]], ids=["data", "bdat"])
def test_mail_that_was_sent_verifies_with_both_keys_and_covers_the_one_click_headers(settings, keys, offers):
    with LoopbackRelay(offers=[*OFFERS, *offers]) as relay:
        settings.HANDBILL = dataclasses.replace(
            settings.HANDBILL, relays=(Relay("main", relay.host, relay.port, "smtp"),)
        )
        actions.hand_over(
            "issue-1", "issue", [LETTER], [Recipient(f"{n}", f"r{n}@mail.example", "main") for n in range(8)], NOON
        )
        assert actions.send_batch(NOON).accepted == 8
        for taken in relay.messages:
            message = message_from_bytes(taken.data)
            assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            for place, header in enumerate(message.get_all("DKIM-Signature")):
                assert dkim.DKIM(taken.data).verify(place, dnsfunc=lambda name, timeout=5: keys[name])
                covered = "".join(header.partition("h=")[2].partition(";")[0].split()).split(":")
                assert covered.count("list-unsubscribe") == covered.count("list-unsubscribe-post") == 2
            spoilt = taken.data.replace(b"List-Unsubscribe: <https://paper", b"List-Unsubscribe: <https://other", 1)
            assert spoilt != taken.data and not dkim.DKIM(spoilt).verify(0, dnsfunc=lambda name, timeout=5: keys[name])


def test_a_key_is_its_owners_alone_and_stays_when_it_is_asked_for_again(settings, keys):
    path = key_path(settings.HANDBILL, "r1")
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = CliRunner().invoke(cli, ["dkim", "r1", "--kind", "ed25519"])
    assert again.exit_code == 0 and "There is" in again.output and "rsa-sha256" in again.output
    assert path.read_bytes() == before and before.decode() not in again.output
    assert '" "' in zone_line(read_signer(settings.HANDBILL, Dkim("r1"))), "one string is too short for an RSA key"


def test_no_mail_leaves_unsigned_and_the_editor_is_told(settings, keys):
    key_path(settings.HANDBILL, "e1").unlink()
    actions.hand_over("issue-1", "issue", [LETTER], [Recipient("1", "bob@mail.example", "main")], NOON)
    with pytest.raises(NoRelay, match="handbill dkim e1"):
        actions.send_batch(NOON)
    assert Delivery.objects.get().tries == 0
    assert [(call.about, call.reason) for call in standing.calls()] == [("signing", "setup")]


def test_doctor_compares_what_is_published_with_the_keys(settings, keys):
    newsroom = dataclasses.replace(settings.HANDBILL, from_address="news@paper.example")
    lines = [zone_line(read_signer(newsroom, one)) for one in newsroom.dkim]
    told = lambda *records: {  # noqa: E731
        one.what: one for one in _examined(newsroom, records) if "sign" in one.what
    }
    assert [one.level for one in told(*lines).values()] == ["ok", "ok"]
    found = list(told(lines[0].replace("p=MII", "p=MIJ"), "x.example. A 192.0.2.1").values())
    assert [one.level for one in found] == ["wrong", "wrong"]
    assert "another DKIM key" in found[0].what and found[1].fix == f"Publish: {lines[1]}"


def _examined(newsroom, records):
    with NameServer(*records) as server:
        return examine_mail(newsroom, Names(server.resolver()), None)


NONSENSE = (
    "hb1",
    [{}],
    [{"selector": "../x"}],
    [{"selector": "a", "key": "x"}],
    [{"selector": "a", "domain": "a b"}],
    [{"selector": "a"}, {"selector": "a"}],
)


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_in_the_settings_is_refused(value):
    with pytest.raises(SettingsError, match="dkim"):
        parse_dkim(value)
