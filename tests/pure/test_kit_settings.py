"""Settings: parsed once, refuse nonsense, and say what to write instead."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.kit.errors import SettingsError
from handbill.kit.mail_settings import Relay
from handbill.kit.setting_values import parse_host_port
from handbill.kit.settings import find_home, load_settings, parse_settings, setting_names

HOME = Path("/newsroom")


def parse(environ=None, **values):
    return parse_settings(HOME, values, environ or {})


def test_an_empty_file_works_on_one_machine():
    settings = parse()
    assert settings.embedded
    assert settings.relays[0].port == 25
    folders = (settings.site_folder, settings.media_folder, settings.static_folder, settings.search_folder)
    assert {folder.parent for folder in (*folders, settings.keys_folder, settings.run_folder)} == {HOME}
    assert str(settings.zone) == "UTC"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "n" * 121),
        ("language", "English"),
        ("time_zone", "Berlin"),
        ("time_zone", "../etc/passwd"),
        ("digest_hour", 24),
        ("digest_hour", True),
        ("digest_hour", "7"),
        ("public_address", "paper.example"),
        ("public_address", "https://paper.example/path"),
        ("public_address", "https://me:secret@paper.example"),
        ("public_address", "https://paper.example:99999"),
        ("public_address", "https://paper.example#top"),
        ("public_address", "https://paper.example; img-src *"),
        ("public_address", "https://-paper.example"),
        ("desk_address", "http://["),
        ("public_bind", "8100"),
        ("from_address", "nobody"),
        ("newsletter_listen", "8124"),
        ("newsletter_listen", "127.0.0.1:0"),
        ("newsletter_listen", "/" + "x" * 107),
        ("newsletter_listen", "/run/a\nb"),
        ("newsletter_listen", 8124),
        ("newsletter_domain", "letters paper"),
        ("bounce_address", "localhost"),
        ("bounce_address", "a b@paper.example"),
        ("bounce_address", "b" * 38 + "@paper.example"),
        ("bounce_maildir", "Maildir"),
        ("retention_days", 0),
        ("newsletter_domain", "a b+@paper.example"),
        ("newsletter_domain", "a." * 120 + "example"),
        ("newsletter_maildir", "Maildir"),
        ("newsletter_maildir", "/" + "x" * 1000),
        ("from_address", "a@b.example\nBcc: c@d.example"),
        ("from_address", "jörg@paper.example"),
        ("from_address", "news@paper..example"),
        ("from_address", "news@paper.example, ada@paper.example"),
        ("from_address", f"{'n' * 290} <news@paper.example>"),
        ("relays", []),
        ("relays", [{"name": "x", "address": "smtp://["}]),
        ("relays", [{"name": "x"}]),
        ("relays", [{"name": "Bad Name", "address": "smtp://h"}]),
        ("relays", [{"name": "x", "address": "http://h"}]),
        ("relays", [{"name": "x", "address": 25}]),
        ("relays", [{"name": "x", "address": "smtp://h", "share": 51}]),
        ("relays", [{"name": "x", "address": "smtp://h", "connections": 0}]),
        ("relays", [{"name": "x", "address": "smtp://h", "warm_up": "2026-11-02"}]),
        ("relays", [{"name": "x", "address": "smtp://h", "speed": 9}]),
        ("provider_rates", {"gmail": 0}),
        ("provider_rates", {"nobody": 5}),
        ("relays", [{"name": "x", "address": "smtp://h:99999"}]),
        ("relays", [{"name": "x", "address": "smtp://h"}, {"name": "x", "address": "smtp://i"}]),
        ("database", "mysql://h/n"),
        ("database", "postgresql://["),
        ("broker", "redis://h"),
        ("broker", "amqp://["),
        ("workers", 0),
        ("auto", "yes"),
    ],
)
def test_nonsense_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}\b.*(write|use|give)"):
        parse(**{name: value})


def test_an_unknown_setting_names_the_known_ones():
    with pytest.raises(SettingsError, match=r"digest_huor = 7: there is no such setting.*digest_hour"):
        parse(digest_huor=7)


def test_a_password_in_a_relay_is_refused_and_not_repeated():
    with pytest.raises(SettingsError, match="keys/relay-main") as caught:
        parse(relays=[{"name": "main", "address": "smtps://me:secret@mail.example"}])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "relay",
    [
        {"name": "main", "address": "smtpx://me:secret@mail.example"},
        {"name": "main", "address": "smtps://me:secret@mail.example:x"},
        {"name": "main", "address": "smtps://mail.example", "password": "secret"},
        "smtps://me:secret@mail.example",
    ],
)
def test_no_password_of_a_relay_is_repeated(relay):
    with pytest.raises(SettingsError) as caught:
        parse(relays=[relay])
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        parse({"HANDBILL_RELAYS": f"{relay} ="})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["relay_password", "smtp_secret", "api_key", "relay_token"])
def test_an_unknown_secret_is_not_repeated(name):
    with pytest.raises(SettingsError, match=name) as caught:
        parse(**{name: "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("newsletter_listen", ""),
        ("newsletter_listen", "[::1]:8124"),
        ("newsletter_listen", "/srv/newsroom/run/lmtp.sock"),
        ("newsletter_domain", "letters.paper.example"),
        ("bounce_address", "bounces.paper.example"),
        ("bounce_address", "b" * 37 + "@paper.example"),
        ("newsletter_domain", "news+@paper.example"),
        ("newsletter_maildir", "/var/mail/news/Maildir"),
    ],
)
def test_newsletters_come_by_a_port_a_socket_or_a_maildir(name, value):
    assert getattr(parse(**{name: value}), name) == value
    assert getattr(parse({f"HANDBILL_{name.upper()}": value}), name) == value


def test_a_relays_user_may_be_an_address():
    for written in ("news%40paper.example", "news@paper.example"):
        (relay,) = parse(relays=[{"name": "a", "address": f"smtps://{written}@mail.example"}]).relays
        assert (relay.user, relay.host) == ("news@paper.example", "mail.example")


@pytest.mark.parametrize("address", ["https://paper.example", "http://127.0.0.1:8100", "http://[::1]:81", "http://a_b"])
def test_an_address_is_a_host_and_perhaps_a_port(address):
    assert parse(public_address=f"{address}/").public_address == address


def test_an_address_beyond_ascii_is_kept_as_the_wire_has_it():
    assert parse(public_address="https://Zeitung-München.example").public_address == (
        "https://xn--zeitung-mnchen-osb.example"
    )


@pytest.mark.parametrize(
    "sender", ["news@localhost", "n.o'w+x@paper.example", '"Paper, The" <a@b.example>', "Zeitung <a@münchen.example>"]
)
def test_a_sender_is_one_mailbox(sender):
    assert parse(from_address=sender).from_address == sender


def test_a_wrong_database_address_is_not_repeated():
    with pytest.raises(SettingsError) as caught:
        parse(database="mysql://me:secret@host/name")
    assert "secret" not in str(caught.value)


def test_a_server_elsewhere_is_taken_as_written():
    settings = parse(database="postgresql://me@db.example/paper", broker="amqp://me@mq.example/paper")
    assert not settings.embedded
    assert settings.broker == "amqp://me@mq.example/paper"


def test_a_relay_has_limits_of_its_own():
    written = {"priority": 2, "share": 5, "connections": 10, "messages": 100, "rate": 14, "daily": 50_000}
    written["warm_up"] = date(2026, 11, 2)
    (relay,) = parse(relays=[{"name": "a", "address": "smtp://h", **written}]).relays
    assert {name: getattr(relay, name) for name in written} == written
    assert parse(provider_rates={"gmail": 20}).provider_rates == (("gmail", 20),)


def test_relays_get_the_port_of_their_security():
    relays = parse(relays=[{"name": "a", "address": "smtps://me@mail.example"}]).relays
    assert relays == (Relay("a", "mail.example", 465, "smtps", "me"),)


def test_the_environment_overrides_the_file():
    environ = {
        "HANDBILL_DIGEST_HOUR": "6",
        "HANDBILL_NAME": "Night Paper",
        "HANDBILL_AUTO": "true",
        "HANDBILL_RELAYS": '[{name = "b", address = "smtp://127.0.0.1:2525"}]',
    }
    settings = parse(environ, digest_hour=7, name="Day Paper")
    assert (settings.digest_hour, settings.name, settings.auto) == (6, "Night Paper", True)
    assert settings.relays[0].port == 2525


def test_a_broken_override_is_named():
    with pytest.raises(SettingsError, match="HANDBILL_DIGEST_HOUR"):
        parse({"HANDBILL_DIGEST_HOUR": "six"})


def test_loopback_is_allowed_only_by_the_environment():
    assert parse().allow_loopback == frozenset()
    settings = parse({"HANDBILL_ALLOW_LOOPBACK": "127.0.0.1:81, [::1]:82"})
    assert settings.allow_loopback == {("127.0.0.1", 81), ("::1", 82)}
    with pytest.raises(SettingsError, match="HANDBILL_ALLOW_LOOPBACK = 'nonsense': write HOST:PORT"):
        parse({"HANDBILL_ALLOW_LOOPBACK": "nonsense"})
    with pytest.raises(SettingsError, match="no such setting"):
        parse(allow_loopback="127.0.0.1:81")


def test_a_folder_without_a_newsroom_says_how_to_make_one(tmp_path):
    with pytest.raises(SettingsError, match="handbill init"):
        load_settings(tmp_path, {})


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "handbill.toml").write_text("name = Valley Paper")
    with pytest.raises(SettingsError, match=r"handbill\.toml is not valid TOML"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("content", [None, b"name = \xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "handbill.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"handbill\.toml can't be read"):
        load_settings(tmp_path, {})


def test_home_is_the_option_then_the_environment_then_here(tmp_path):
    assert find_home(str(tmp_path), {"HANDBILL_HOME": "/elsewhere"}) == tmp_path
    assert find_home(None, {"HANDBILL_HOME": str(tmp_path)}) == tmp_path
    assert find_home(None, {}) == Path.cwd()


def test_the_sample_file_holds_the_defaults():
    sample = Path(__file__).parent.parent.parent / "handbill" / "ops" / "handbill.toml"
    import tomllib

    assert parse_settings(HOME, tomllib.loads(sample.read_text()), {}) == parse()


ANYTHING = st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text()), st.floats())


@given(st.sampled_from(setting_names()), ANYTHING)
def test_any_value_is_taken_or_refused_in_words(name, value):
    try:
        parse(**{name: value})
    except SettingsError as error:
        assert str(error).startswith(name)


@pytest.mark.parametrize("text", ["", ":80", "host", "host:", "host:0", "host:70000", "host:８０"])
def test_a_broken_host_and_port_is_refused(text):
    with pytest.raises(ValueError):
        parse_host_port(text)
