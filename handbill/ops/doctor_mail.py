"""Examine what lets mail arrive: the records in the name system, the relays' TLS, a letter's own head.

Each finding says in plain words what to publish. Sources: RFC 7208 (SPF), 6376 (DKIM), 7489 (DMARC), 8058 (one-click).
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.utils import parseaddr
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from handbill.delivery.engine.dkim import KeyTrouble
from handbill.delivery.signing import public_key, read_signer, record_name, zone_line
from handbill.kit.mail_settings import Relay
from handbill.kit.settings import Settings
from handbill.ops.doctor import OK, WARN, WRONG, Finding
from handbill.ops.names import Names, NoNames

MOST_LOOKUPS = 10  # RFC 7208 4.6.4
TLS_SECONDS = 10.0
INCLUDES = {  # what providers ask to be put into the SPF record, by the end of their servers' names
    "amazonaws.com": "include:amazonses.com",
    "sendgrid.net": "include:sendgrid.net",
    "sendgrid.com": "include:sendgrid.net",
    "mailgun.org": "include:mailgun.org",
    "mailgun.net": "include:mailgun.org",
    "resend.com": "include:amazonses.com",
    "mtasv.net": "include:spf.mtasv.net",
    "postmarkapp.com": "include:spf.mtasv.net",
    "brevo.com": "include:spf.brevo.com",
    "sendinblue.com": "include:spf.sendinblue.com",
    "mailjet.com": "include:spf.mailjet.com",
    "gmail.com": "include:_spf.google.com",
    "google.com": "include:_spf.google.com",
    "office365.com": "include:spf.protection.outlook.com",
    "outlook.com": "include:spf.protection.outlook.com",
}
SELECTORS = (  # that mail systems and providers use unless told otherwise
    *("handbill", "default", "mail", "dkim", "email", "s1", "s2", "k1", "k2", "k3", "selector1", "selector2", "google"),
    *("pm", "mx", "smtp", "api", "mailjet", "brevo", "mandrill", "krs", "sig1", "key1", "key2", "dk", "rsa", "ed25519"),
)
_SUFFIXES = PublicSuffixList()


def examine_mail(newsroom: Settings, names: Names, sample: bytes | None) -> list[Finding]:
    """All findings. ``sample`` is a copy of an issue's letter as it is sent, or None while there is none.

    A machine that reaches no name server gets one finding about that in place of those that need it.
    """
    sender = domain_of(parseaddr(newsroom.from_address)[1])
    bounces = domain_of(newsroom.bounce_address) or sender
    found = [*_head(newsroom, sample)]
    for relay in newsroom.relays:
        found += _tls(relay)
    if "." not in sender:
        fix = 'Write your own domain, such as "The Paper <news@paper.example>": nobody takes mail from this one.'
        return [*found, Finding(WRONG, f"from_address is at {sender or 'no domain'}", fix)]
    checks = (
        _spf(bounces, newsroom.relays, names),
        _own_dkim(newsroom, names) if newsroom.dkim else _dkim(sender, names),
        _dmarc(sender, names),
        _aligned(sender, bounces, names),
        _mx(bounces, names),
        *(_ptr(relay, names) for relay in newsroom.relays),
    )
    try:
        return [*found, *(finding for check in checks for finding in check)]
    except NoNames as error:
        fix = "Connect this machine, or mend its name servers (/etc/resolv.conf), then run this again."
        return [*found, Finding(WRONG, f"SPF, DKIM, DMARC, MX and PTR could not be checked: {error}", fix)]


def domain_of(address: str) -> str:
    """The domain of an address, or of a domain alone, in lower-case."""
    return address.rpartition("@")[2].lower()


def organisation_of(domain: str) -> str:
    """The domain that somebody registered: DMARC looks there, and alignment compares it."""
    return str(_SUFFIXES.privatesuffix(domain) or domain)


def wanted_spf(relays: tuple[Relay, ...]) -> str:
    """An SPF record that lets these relays send."""
    return f"v=spf1 {' '.join(dict.fromkeys(_mechanism(relay) for relay in relays))} ~all"


def _mechanism(relay: Relay) -> str:
    for end, include in INCLUDES.items():
        if relay.host == end or relay.host.endswith(f".{end}"):
            return include
    try:
        address = ipaddress.ip_address(relay.host)
    except ValueError:
        return "a" if relay.host == "localhost" else f"a:{relay.host}"
    return "a" if address.is_loopback else f"ip{address.version}:{address}"


def _record(name: str, kind: str, value: str) -> str:
    return f'Publish: {name}. {kind} "{value}"'


def _spf(domain: str, relays: tuple[Relay, ...], names: Names) -> Iterator[Finding]:
    records = _spf_records(domain, names)
    wanted = _record(domain, "TXT", wanted_spf(relays))
    if not records:
        yield Finding(WRONG, f"{domain} has no SPF record: nobody can tell that your relays may send for it", wanted)
    elif len(records) > 1:
        fix = f"Make one of them and delete the others. {wanted}"
        yield Finding(WRONG, f"{domain} has {len(records)} SPF records, which counts as broken", fix)
    elif "+all" in (terms := records[0].lower().split()) or "all" in terms:
        yield Finding(WRONG, f"the SPF record of {domain} lets everybody send for it", f"End it with ~all. {wanted}")
    elif (count := _lookups(records[0], names, frozenset([domain]))) > MOST_LOOKUPS:
        what = f"the SPF record of {domain} needs {count} lookups; more than {MOST_LOOKUPS} count as broken"
        yield Finding(WRONG, what, "Take out what you no longer send through.")
    else:
        yield Finding(OK, f"{domain} has an SPF record: {records[0]}")


def _spf_records(domain: str, names: Names) -> list[str]:
    return [text for text in names.texts(domain) if text.lower().split(" ")[0] == "v=spf1"]


def _lookups(record: str, names: Names, seen: frozenset[str]) -> int:
    """How many questions a record costs; those that it includes count, and no circle is followed."""
    count = 0
    for term in record.lower().split()[1:]:
        term = term.lstrip("+-~?")
        name, _, value = term.partition("=" if term.startswith("redirect=") else ":")
        if name.partition("/")[0] in ("include", "redirect", "a", "mx", "ptr", "exists"):
            count += 1
        if name in ("include", "redirect") and value and value not in seen and len(seen) <= MOST_LOOKUPS:
            for further in _spf_records(value, names)[:1]:
                count += _lookups(further, names, seen | {value})
    return count


def _dkim(domain: str, names: Names) -> Iterator[Finding]:
    for selector in SELECTORS:
        for text in names.texts(f"{selector}._domainkey.{domain}"):
            tags = _tags(text)
            if tags.get("p"):
                yield Finding(OK, f"{domain} has a DKIM key under the selector {selector}")
                return
            if "p" in tags:
                yield Finding(WARN, f"the DKIM key {selector} of {domain} is revoked", "Sign with another one.")
    fix = (
        "Let your relay or provider sign, with d= as this domain, and publish the key it gives you:"
        f' SELECTOR._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p=…". If it is published under a selector of your'
        " own, all is well."
    )
    yield Finding(WARN, f"no DKIM key of {domain} is found under the usual selectors", fix)


def _own_dkim(newsroom: Settings, names: Names) -> Iterator[Finding]:
    """Whether each key that letters are signed with is published as it is, for a domain that readers see."""
    for one in newsroom.dkim:
        try:
            signer = read_signer(newsroom, one)
        except KeyTrouble as trouble:
            yield Finding(WRONG, f"no mail leaves: it can't be signed with {one.selector}", str(trouble))
            continue
        where, publish = record_name(signer), f"Publish: {zone_line(signer)}"
        tags = [_tags(text) for text in names.texts(where)]
        keys = {"".join(each["p"].split()) for each in tags if "p" in each}
        if not keys:
            yield Finding(WRONG, f"the DKIM key {where} isn't published: every letter's signature fails", publish)
        elif keys != {public_key(signer)}:
            yield Finding(WRONG, f"another DKIM key is published at {where}: every letter's signature fails", publish)
        else:
            yield Finding(OK, f"letters are signed with {signer.algorithm}, and the key at {where} is theirs")
        if organisation_of(signer.domain) != organisation_of(newsroom.sender_domain):
            what = (
                f"letters are signed for {signer.domain} and come from {newsroom.sender_domain}: DMARC counts neither"
            )
            yield Finding(WRONG, what, "Take `domain` out of dkim, or write the domain of from_address.")


def _dmarc(domain: str, names: Names) -> Iterator[Finding]:
    policy = _dmarc_of(domain, names)
    publish = _record(f"_dmarc.{organisation_of(domain)}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}")
    if policy is None:
        yield Finding(WRONG, f"{domain} has no DMARC record: large providers refuse mail to many without one", publish)
    elif policy.get("p") not in ("none", "quarantine", "reject"):
        yield Finding(WRONG, f"the DMARC record of {domain} names no policy (p=)", publish)
    else:
        yield Finding(OK, f"{domain} has a DMARC record, policy {policy['p']}")


def _dmarc_of(domain: str, names: Names) -> dict[str, str] | None:
    for name in dict.fromkeys((domain, organisation_of(domain))):
        for text in names.texts(f"_dmarc.{name}"):
            if text.lower().replace(" ", "").startswith("v=dmarc1"):
                return _tags(text)
    return None


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _aligned(sender: str, bounces: str, names: Names) -> Iterator[Finding]:
    """Whether SPF speaks for the domain that readers see (RFC 7489 3.1.2)."""
    strict = (_dmarc_of(sender, names) or {}).get("aspf") == "s"
    if sender == bounces or (not strict and organisation_of(sender) == organisation_of(bounces)):
        yield Finding(OK, "bounces go to the domain that readers see: SPF counts for DMARC")
        return
    fix = f"Let bounce_address be at {sender}" + ("." if strict else f" or below {organisation_of(sender)}.")
    why = f"bounces go to {bounces}, letters come from {sender}: only a DKIM signature counts for DMARC"
    yield Finding(WARN, why, f"{fix} Or see that each letter is signed with d={sender}.")


def _mx(domain: str, names: Names) -> Iterator[Finding]:
    servers = names.exchangers(domain)
    publish = f"Publish: {domain}. MX 10 YOUR-MAIL-SERVER."
    if servers == ["."]:
        yield Finding(WRONG, f"{domain} says that it takes no mail, so no bounce comes back", publish)
    elif not servers:
        yield Finding(WRONG, f"{domain} has no MX record: bounces may not come back, and some refuse its mail", publish)
    elif lost := [server for server in servers if not names.addresses(server)]:
        yield Finding(WRONG, f"the mail server {lost[0]} of {domain} has no address", f"Publish: {lost[0]}. A YOUR-IP")
    else:
        yield Finding(OK, f"{domain} takes mail at {servers[0]}")


def _ptr(relay: Relay, names: Names) -> Iterator[Finding]:
    """Only of a relay that may be ours: a provider sees to its own."""
    if _is_here(relay.host):
        what = f"relay {relay.name} is on this machine: its public address is not known here, so its PTR is unchecked"
        fix = "See that the address it sends from has a name, and the name that address: `dig -x IP`, then `dig NAME`."
        yield Finding(WARN, what, fix)
        return
    if any(relay.host.endswith(end) for end in INCLUDES):
        return
    for address in _literal(relay.host) or names.addresses(relay.host):
        hosts = names.hosts(address)
        if any(address in names.addresses(host) for host in hosts):
            yield Finding(OK, f"{address} (relay {relay.name}) is named {hosts[0]}, and that name leads back")
        else:
            what = f"{address} (relay {relay.name}) has no name that leads back to it: many refuse its mail"
            fix = (
                f"Ask who gave you the address for a PTR record to {relay.host}, and publish: {relay.host}. A {address}"
            )
            yield Finding(WRONG, what, fix)


def _literal(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return []


def _is_here(host: str) -> bool:
    return host == "localhost" or any(ipaddress.ip_address(each).is_loopback for each in _literal(host))


def _tls(relay: Relay, context: ssl.SSLContext | None = None) -> Iterator[Finding]:
    where = f"relay {relay.name} ({relay.host}:{relay.port})"
    if relay.security == "smtp":
        if not _is_here(relay.host):
            fix = f'Write address = "smtp+starttls://{relay.host}" or "smtps://{relay.host}".'
            yield Finding(WRONG, f"{where} is reached without TLS: everybody on the way can read the mail", fix)
        return
    try:
        _handshake(relay, context or ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        fix = "Mend the certificate, or write the name that stands in it."
        yield Finding(WRONG, f"the certificate of {where} can't be trusted: {error.verify_message}", fix)
    except smtplib.SMTPNotSupportedError:
        yield Finding(WRONG, f"{where} offers no STARTTLS", f'Switch it on there, or try "smtps://{relay.host}".')
    except (OSError, smtplib.SMTPException) as error:
        what = f"{where} could not be asked for TLS: {type(error).__name__}"
        yield Finding(WRONG, what, "Check host and port, and that this machine may connect.")
    else:
        yield Finding(OK, f"{where} speaks TLS with a certificate that is trusted")


def _handshake(relay: Relay, context: ssl.SSLContext) -> None:
    if relay.security == "api":
        with socket.create_connection((relay.host, relay.port), TLS_SECONDS) as line:
            context.wrap_socket(line, server_hostname=relay.host).close()
        return
    if relay.security == "smtps":
        with smtplib.SMTP_SSL(relay.host, relay.port, timeout=TLS_SECONDS, context=context):
            return
    with smtplib.SMTP(relay.host, relay.port, timeout=TLS_SECONDS) as line:
        line.starttls(context=context)


def _head(newsroom: Settings, sample: bytes | None) -> Iterator[Finding]:
    """Large providers want a link that ends the subscription at one click, over https."""
    if urlsplit(newsroom.public_address).scheme != "https":
        what = "public_address is not https, so no mail program offers one-click unsubscribing (RFC 8058)"
        yield Finding(WRONG, what, "Put a web server with TLS in front and write its https address.")
    if sample is None:
        yield Finding(WARN, "there is no issue yet whose letter could be looked at", "Run this again after the first.")
        return
    message = message_from_bytes(sample)
    links = str(message.get("List-Unsubscribe", ""))
    if message.get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" or "<http" not in links:
        what = "the last issue's letter has no one-click headers (List-Unsubscribe, List-Unsubscribe-Post)"
        yield Finding(WRONG, what, "Report it: every issue is made with them.")
    else:
        yield Finding(OK, "an issue's letter has its one-click headers")
    if domain_of(parseaddr(message["From"])[1]) != domain_of(parseaddr(newsroom.from_address)[1]):
        what = "the last issue came from another domain than from_address names now"
        yield Finding(
            WARN, what, "The next issue comes from the new one; the records of both have to be right until then."
        )
