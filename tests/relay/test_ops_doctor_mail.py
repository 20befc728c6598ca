"""What lets mail arrive, asked of a real name server and real relays on loopback: each fault has its cure."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from handbill.kit.mail_settings import Relay
from handbill.kit.settings import Settings
from handbill.ops import doctor_mail, names
from handbill.ops.doctor_mail import examine_mail, wanted_spf
from handbill.ops.names import Names
from handbill.ops.net import free_port
from handbill.testing.names import NameServer

LETTER = (
    b"From: The Paper <news@paper.example>\r\nList-Unsubscribe: <https://paper.example/unsubscribe/x/>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHi"
)
GOOD = (
    'paper.example. TXT "v=spf1 ip4:192.0.2.1 include:_spf.provider.example ~all"',
    'paper.example. TXT "unrelated"',
    '_spf.provider.example. TXT "v=spf1 ip4:198.51.100.0/24 ~all"',
    'mail._domainkey.paper.example. TXT "v=DKIM1; k=rsa; " "p=MIIBIjAN"',
    '_dmarc.paper.example. TXT "v=DMARC1; p=quarantine"',
    "paper.example. MX 10 mx.paper.example.",
    "mx.paper.example. A 192.0.2.1",
    "1.2.0.192.in-addr.arpa. PTR mx.paper.example.",
)


def paper(relay: Relay | None = None, **changes: str) -> Settings:
    values = {"from_address": "The Paper <news@paper.example>", "public_address": "https://paper.example", **changes}
    return Settings(home=Path("/nowhere"), relays=(relay or Relay("main", "192.0.2.1", 1, "smtp"),), **values)


def told(*records: str, newsroom: Settings | None = None, sample: bytes | None = LETTER) -> dict[str, tuple[str, str]]:
    """Findings by what they say: level and fix."""
    with NameServer(*records) as server:
        found = examine_mail(newsroom or paper(), Names(server.resolver()), sample)
    return {one.what: (one.level, one.fix) for one in found}


def one(found: dict[str, tuple[str, str]], words: str) -> tuple[str, str]:
    (finding,) = [finding for what, finding in found.items() if words in what]
    return finding


def test_a_newsroom_whose_records_are_right_has_nothing_to_mend() -> None:
    found = told(*GOOD)
    wrong = {what for what, (level, _) in found.items() if level != "ok"}
    assert wrong == {"relay main (192.0.2.1:1) is reached without TLS: everybody on the way can read the mail"}
    assert len(found) == 8


def test_a_bare_domain_is_told_each_record_word_for_word() -> None:
    found = told("example. MX 0 .")
    assert one(found, "no SPF") == ("wrong", 'Publish: paper.example. TXT "v=spf1 ip4:192.0.2.1 ~all"')
    publish = 'Publish: _dmarc.paper.example. TXT "v=DMARC1; p=none; rua=mailto:dmarc@paper.example"'
    assert one(found, "no DMARC") == ("wrong", publish)
    level, fix = one(found, "no DKIM key")
    assert level == "warning" and 'SELECTOR._domainkey.paper.example. TXT "v=DKIM1; k=rsa; p=…"' in fix
    assert one(found, "no MX") == ("wrong", "Publish: paper.example. MX 10 YOUR-MAIL-SERVER.")
    assert one(found, "no name that leads back")[0] == "wrong"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ('paper.example. TXT "v=spf1 +all"', "lets everybody"),
        ('paper.example. TXT "v=spf1 all"', "lets everybody"),
        ('paper.example. TXT "v=spf1 ' + " ".join(f"a:h{n}.example" for n in range(11)) + ' -all"', "11 lookups"),
        ('_dmarc.paper.example. TXT "v=DMARC1; rua=mailto:a@b.example"', "names no policy"),
        ("paper.example. MX 0 .", "takes no mail"),
        ("paper.example. MX 10 lost.example.", "lost.example of paper.example has no address"),
        ('dkim._domainkey.paper.example. TXT "v=DKIM1; p="', "is revoked"),
    ],
)
def test_a_record_that_is_wrong_is_named(record: str, words: str) -> None:
    assert one(told(record), words)[1]


def test_two_spf_records_count_as_broken() -> None:
    assert one(told(*GOOD, 'paper.example. TXT "v=spf1 mx -all"'), "2 SPF records")[0] == "wrong"


def test_spf_records_in_a_circle_end() -> None:
    found = told(
        'paper.example. TXT "v=spf1 include:b.example -all"', 'b.example. TXT "v=spf1 include:paper.example -all"'
    )
    assert one(found, "has an SPF record")[0] == "ok"


def test_a_policy_of_the_registered_domain_holds_below_it() -> None:
    found = told(*GOOD, newsroom=paper(from_address="news@letters.paper.example"))
    assert one(found, "policy quarantine")[0] == "ok"


def test_bounces_elsewhere_leave_dkim_alone_to_speak() -> None:
    far = told(*GOOD, newsroom=paper(bounce_address="bounces.other.example"))
    assert one(far, "only a DKIM signature counts")[0] == "warning"
    near = paper(bounce_address="bounces@b.paper.example")
    assert one(told(*GOOD, newsroom=near), "SPF counts for DMARC")[0] == "ok"
    strict = [*GOOD[:4], *GOOD[5:], '_dmarc.paper.example. TXT "v=DMARC1; p=none; aspf=s"']
    assert one(told(*strict, newsroom=near), "only a DKIM signature counts")[0] == "warning"


def test_a_name_that_leads_elsewhere_is_no_name() -> None:
    lying = [record.replace("mx.paper.example. A 192.0.2.1", "mx.paper.example. A 192.0.2.99") for record in GOOD]
    assert one(told(*lying), "no name that leads back")[0] == "wrong"


def test_offline_is_one_clear_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "SECONDS", 0.3)
    with NameServer() as server:
        server.mute = True
        found = examine_mail(paper(), Names(server.resolver()), LETTER)
    (offline,) = [finding for finding in found if "could not be checked" in finding.what]
    assert offline.level == "wrong" and "resolv.conf" in offline.fix


def test_the_default_sender_is_told_before_anybody_is_asked() -> None:
    assert one(told(newsroom=paper(from_address="newsroom@localhost")), "from_address is at localhost")[0] == "wrong"


def test_a_letter_without_one_click_and_a_paper_without_https() -> None:
    assert one(told(*GOOD, sample=b"From: news@paper.example\r\n\r\nHi"), "no one-click headers")[0] == "wrong"
    assert one(told(*GOOD, sample=None), "no issue yet")[0] == "warning"
    assert one(told(*GOOD, newsroom=paper(public_address="http://paper.example")), "is not https")[0] == "wrong"


def test_the_wanted_record_knows_providers_and_addresses() -> None:
    hosts = ("email-smtp.eu-west-1.amazonaws.com", "2001:db8::1", "mail.paper.example", "127.0.0.1")
    relays = tuple(Relay(f"r{n}", host, 25, "smtp") for n, host in enumerate(hosts))
    assert wanted_spf(relays) == "v=spf1 include:amazonses.com ip6:2001:db8::1 a:mail.paper.example a ~all"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(began).not_valid_after(began + datetime.timedelta(days=30))
    made = made.add_extension(x509.SubjectAlternativeName([address]), False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
    pem, path = serialization.Encoding.PEM, tmp_path_factory.mktemp("tls") / "relay.pem"
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + signed.public_bytes(pem))
    return path


@pytest.mark.parametrize(
    ("tls", "trusted", "words"),
    [(True, True, "speaks TLS"), (True, False, "can't be trusted"), (False, True, "no STARTTLS")],
)
def test_a_relays_certificate_is_verified(certificate: Path, tls: bool, trusted: bool, words: str) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    controller = Controller(object(), hostname="127.0.0.1", port=free_port(0), tls_context=server if tls else None)
    controller.start()
    try:
        context = ssl.create_default_context(cafile=str(certificate) if trusted else None)
        (finding,) = doctor_mail._tls(Relay("main", "127.0.0.1", controller.port, "smtp+starttls"), context)
    finally:
        controller.stop()
    assert words in finding.what


def test_a_relay_that_is_down_is_a_finding() -> None:
    (finding,) = doctor_mail._tls(Relay("main", "127.0.0.1", 1, "smtps"))
    assert finding.level == "wrong" and "could not be asked" in finding.what
