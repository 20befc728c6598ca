"""Tell a machine's courtesy from a bounce: RFC 3834, receipts (RFC 8098), and the absences of the wild. Pure."""

from __future__ import annotations

import re

from handbill.delivery.engine.parts import Mail

_MARKS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-vacation")
_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "autoreply"})
_SUBJECT = re.compile(
    r"^((re|aw|sv|fw|antw)[:：] ?)*\W*(auto(matic|mated|matische|matisch|mática|matique)?[- ]?(re(ply|sponse"
    r"|spond\w*)|antwort|svar)\b"
    r"|auto: |autosvar|autoreply|automatic reply|automatische (antwort|abwesenheit)|réponse automatique"
    r"|respuesta automática"
    r"|resposta automática|risposta automatica|автоответ"
    r"|автоматический ответ|自動(返信|応答)|自动(回复|答复)|자동 ?(응답|회신)"
    r"|out of (the )?office|out of town|away (from|until|on)\b|i am (away|out)\b|on (vacation|holiday|leave)\b"
    r"|vacation\b|absence\b"
    r"|abwesenheit|absen[ct]e? du bureau|fuera de (la )?oficina|fuori (sede|ufficio)|ausência|afwezig|frånvaro"
    r"|poissa|fravær"
    r"|nieobecno|távollét|不在|休暇)",
    re.IGNORECASE,
)


def is_auto_reply(mail: Mail) -> bool:
    """Whether a program answered in a person's stead. Ask whether it is a bounce first: bounces are automatic too."""
    headers = mail.headers
    if mail.report_type == "disposition-notification":
        return True
    if headers.get("auto-submitted", "").lower().startswith(("auto-replied", "auto-notified")):
        return True
    return is_answer(mail)


def is_answer(mail: Mail) -> bool:
    """Whether marks that only answering programs make, or its subject, say so."""
    headers = mail.headers
    if any(name in headers for name in _MARKS) or headers.get("precedence", "").lower() in _PRECEDENCE:
        return True
    return bool(_SUBJECT.match(headers.get("subject", "")))
