"""Read bounces that are no RFC 3464 report: what mail systems write for people, from qmail to docomo. Pure.

Recognised by weight, not by the name of the program: who it comes from, what its subject and its text say, whether a
letter is returned. Recipients are the addresses that open a line or follow words such as "RCPT TO"; what stands
between one and the next is told of the first.
"""

from __future__ import annotations

import re

from handbill.delivery.engine.auto_reply import is_answer
from handbill.delivery.engine.parts import Mail
from handbill.delivery.engine.report import MAX_RECIPIENTS
from handbill.delivery.engine.weigh import replies_in

ENOUGH = 4
MAX_LINES = 2_000

_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|mdaemon|postmaster|anti-?virus|smtp|mail[-_ ]service|mail[-_. ]delivery"
    r"|delivery (sub)?system|mail system|mail administrator|bounces?\b"
    r"|no-?reply@.*\b(mail|mx|smtp)|content-?filter|interscan|mailadm|\bmta\b|^<>$|^$|mail daemon"
    r"|systemadministrator|system administrator",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|failure notice|failed mail|mail failed|processing error|error (during|in) delivery|rejected mail"
    r"|fail(ed|ure) deliver|deliver\w* (\S+ )?(fail|problem|error|status|report"
    r"|notification|has failed|delay)"
    r"|returned mail|mail (system )?error|mail deliver|delivery|could not be delivered|not delivered"
    r"|(message|mail|email) (status|delayed|bounced)"
    r"|returned to sender|user unknown|non[- ]?(remis|delivery)|nondeliver|unzustellbar|nicht zugestellt|zustell"
    r"|nicht zustellbar|rückläufer"
    r"|échec|non distribu|non recapitabile|mancato recapito|no se (ha )?(pudo|podido) entregar|no entregado|devuel"
    r"|não (foi )?entregue|retorn|onbestelbaar"
    r"|oleverer|ej leverer|nie dostarczon|недоставлен|не доставлен"
    r"|не удалось доставить|teslim edil|配信(不能|エラー)|配送"
    r"|送信(できません|エラー)"
    r"|戻り|エラー|未送達|退信|投递失败|系统退信|loop alert|blocked"
    r"|considered unsolicited|virus found|warning: (could not|message)"
    r"|transcript for details"
    r"|postmaster notify|mail failure|problem|unable to deliver|undeliv",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r"could ?n[o']t be delivered|could not be sent|ha(s|ve) been returned|automatically rejected"
    r"|(unable|failed|wasn't able|was unable|not able"
    r"|impossible) to deliver|delivery (to|of|has|failed|failure|error)"
    r"|delevery to|(was|were|been|message) not (be )?(delivered|relayed|sent)|has not been delivered"
    r"|wasn'?t delivered|following (recipient|address)\S* "
    r"|permanent (fatal )?error|did not reach|transcript of session|undeliverable|returned (to sender|message)"
    r"|rejected your (message|mail)|delivery attempt"
    r"|will be retried|unknown user|user unknown|error delivering|there was a problem|mailbox is full"
    r"|considered unsolicited|not be relayed|delivery problem"
    r"|non-delivered|automatically rejected|failed (addresses|recipients)|address couldn'?t be found"
    r"|group you tried to contact|配信できません|送信できません"
    r"|送れません|届けられません|不達|失敗"
    r"|не может быть (доставлен|отправлен)|не удалось доставить|nicht zugestellt|konnte nicht|n'a (pas )?pu être"
    r"|non remis|no (se )?(ha )?pud|não (foi|pôde)"
    r"|non .{0,20}(consegnat|recapitat|riuscito)|无法(投递|送达)|duplicated message-id|<<< ?[45]\d\d",
    re.IGNORECASE,
)
_ADDR = (
    r"[\"'<(\[]*(?:mailto:|smtp:|rfc822;\s*)?(?P<address>[^\s<>()\[\],;:\"'"
    r"|=/]+@[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9])"
)
_OPENS = re.compile(
    r"(?:^[ \t]*(?:(?:>>>|<<<|\*|--?>?|=+>|\d+[.)])[ \t]*)?" + _ADDR + r"[\"'>)\]]*(?=[\s:;,<({\[.]|$))"
    r"|(?:\b(?:rcpt[ -]?to|rcpt|recipients?(?: address)?(?:\(s\))?|deliver(?:ed|y)?(?: (?:your|the|a))?(?: message"
    r"| mail)?(?: failed)? (?:to|for)|addresse[es]?"
    r"|(?:message|mail) (?:wasn't delivered )?to|not relayed to|unknown user|an?|user|to|for|宛先|получател\w+"
    r"|recipient name|email address|address|in|smtp|attempts|userid)(?:[ \t]*[:=][ \t]*|[ \t]+)"
    + _ADDR.replace("address>", "named>")
    + r")|(?:^[ \t]*(?:<<< )?[45]\d\d[ -](?:[45]\.\d+\.\d+ )?"
    + _ADDR.replace("address>", "answered>")
    + r")",
    re.IGNORECASE,
)
_NAMES_WHOM = re.compile(
    r"\b(e-?mail|message)\b[^@]{0,120}((could ?n[o']t|can ?not|was not|failed to) (be )?deliver(ed)?"
    r"|n'a pas pu .{0,20}d[ée]livr\S*|not delivered) (to|[àa])\b[^@]{0,80}\s[\"'<(\[]*[^\s@<>\"'(\[]+@[a-z0-9]",
    re.IGNORECASE,
)
_QUOTED_HEADER = re.compile(r"[ \t]*(\* )?(to|cc|bcc):", re.IGNORECASE)
_OUR_SIDE = re.compile(
    r"mail from|^\s*from\b|sender|reply-to|return-path|please (contact|send)|support|contact|help|received:"
    r"|message-id|abuse@",
    re.IGNORECASE,
)
_ANY = re.compile(r"[^\s<>()\[\],;:\"'|=/]+@[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]")
_HEADER = re.compile(r"^(from|sender|return-path|reply-to|to|cc):[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)


def is_wild_bounce(mail: Mail) -> bool:
    """Whether the weight of the signs is enough. An ordinary mail that speaks of bounces lacks the sender's."""
    headers = mail.headers
    if "x-failed-recipients" in headers:
        return True
    daemon = bool(_DAEMON.search(headers.get("from", "")))
    bare = (
        headers.get("return-path", "-").strip() in ("", "<>", "<null>")
        or "mailer-daemon" in headers.get("return-path", "").lower()
    )
    if is_answer(mail) and not daemon:
        return False
    subject = bool(_SUBJECT.search(headers.get("subject", "")))
    text = bool(_TEXT.search(mail.text[:8000])) or bool(replies_in(mail.text[:8000]))
    weight = 2 * daemon + bare + 2 * subject + 2 * text + bool(mail.returned)
    proof = daemon or bare or (subject and text and bool(mail.returned)) or bool(_NAMES_WHOM.search(mail.text[:8000]))
    return weight >= ENOUGH + (not text) and proof


def failures_in(mail: Mail) -> list[tuple[str, str]]:
    """Each address that failed, with what is told of it; all of the text where only one failed.

    Where the text names nobody, the header that some systems add, then the returned letter's own recipient stands in.
    """
    named = _ANY.findall(mail.headers.get("x-failed-recipients", ""))[:MAX_RECIPIENTS]
    told = _segments(mail.text, _ours(mail))
    if named:
        told = {address: told.get(address.lower(), "") for address in named}
    elif not told:
        told = dict.fromkeys(_mentioned(mail) or _returned_to(mail) or [""], "")
    if len(told) == 1:
        return [(address, mail.text) for address in _spelled(told, mail)]
    return [(address, text or mail.text) for address, text in zip(_spelled(told, mail), told.values(), strict=True)]


def _mentioned(mail: Mail) -> list[str]:
    """The one address in the text that is not ours; where there are several, none is known to have failed."""
    ours = _ours(mail)
    lines = [line for line in mail.text[:20_000].splitlines() if "@" in line and not _OUR_SIDE.search(line)]
    found = {address.lower() for line in lines for address in _ANY.findall(line[:2000])} - ours
    return list(found) if len(found) == 1 else []


def _segments(text: str, ours: set[str]) -> dict[str, str]:
    """Lines by the address that they tell of, in small letters; what stands before the first is told of it."""
    found: dict[str, list[str]] = {}
    before: list[str] = []
    current = before
    for line in text.splitlines()[:MAX_LINES]:
        address = _opened(line[:2000], ours)
        if address and (address in found or len(found) < MAX_RECIPIENTS):
            current = found.setdefault(address, before if not found else [])
        current.append(line)
    return {address: "\n".join(lines) for address, lines in found.items()}


def _opened(line: str, ours: set[str]) -> str:
    if "@" not in line or _QUOTED_HEADER.match(line):
        return ""
    for match in _OPENS.finditer(line):
        address = next(group for group in match.groups() if group).lower().rstrip(".")
        if address not in ours and not _OUR_SIDE.search(line[: match.start() + 12].split("<")[0]):
            return address
    return ""


def _spelled(addresses: dict[str, str], mail: Mail) -> list[str]:
    """The addresses as the mail spells them."""
    written = {address.lower(): address for address in reversed(_ANY.findall(mail.text[:50_000]))}
    return [written.get(address, address) for address in addresses]


def _ours(mail: Mail) -> set[str]:
    """Who sends and who takes the bounce, and who sent the returned letter: none of them failed."""
    values = [
        mail.headers.get(name, "")
        for name in ("from", "to", "return-path", "reply-to", "delivered-to", "x-original-to")
    ]
    values += [v for name, v in _HEADER.findall(mail.returned[:20_000]) if name.lower() not in ("to", "cc")]
    senders = {address.lower() for value in values for address in _ANY.findall(value)}
    return senders - {address.lower() for address in _returned_to(mail)}


def _returned_to(mail: Mail) -> list[str]:
    heads = [v for name, v in _HEADER.findall(mail.returned[:20_000]) if name.lower() in ("to", "cc")]
    return list(dict.fromkeys(_ANY.findall(" ".join(heads[:3]))))[:MAX_RECIPIENTS]
