"""Call who looks after the newsroom when the sending needs a person: one mail for each trouble, however long it lasts.

The mail is a mailing of its own, so it goes by whichever relay is left, before all issues. Where none is left it waits,
and the desk and ``handbill doctor`` say the same.
"""

from __future__ import annotations

import hashlib
import textwrap
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import override

from handbill.delivery import actions, standing
from handbill.delivery.models import Mailing
from handbill.delivery.records import Call, LetterBody, Recipient
from handbill.desk import sending_words as words
from handbill.desk.delivery import about_words, reason_words
from handbill.subscribers import rush

KIND = "call"
WIDTH = 72


def call_editors(now: datetime) -> int:
    """Mail each trouble that has not been told yet to every admin with an address; how many were told now."""
    told = 0
    for call in [*standing.calls(), *rush.calls()]:
        reference = f"call:{hashlib.sha256(call.key.encode()).hexdigest()[:32]}"
        if call.about == "signing":
            continue  # no mail leaves without its signature
        if Mailing.objects.filter(reference=reference, sealed_at__isnull=False).exists():
            continue
        people = [Recipient(f"staff~{pk}", email, "call") for pk, email in _admins()]
        if people:
            with override(settings.HANDBILL.language):
                letter = _letter(call)
            actions.hand_over(reference, KIND, [letter], people, now)
            told += 1
    return told


def _admins() -> list[tuple[int, str]]:
    admins = Q(is_superuser=True) | Q(groups__name="Admins")
    people = get_user_model().objects.filter(admins, is_active=True).exclude(email="").distinct()
    return list(people.order_by("pk").values_list("pk", "email"))


def _letter(call: Call) -> LetterBody:
    paper = settings.HANDBILL
    steps = [
        f"{about_words(call)}: {reason_words(call)}",
        call.why,
        str(words.TO_DO.get(call.reason, "")),
        _("See it at the desk:") if call.about == rush.ABOUT else _("See the delivery at the desk:"),
    ]
    link = f"{paper.desk_address}/{rush.ABOUT if call.about == rush.ABOUT else 'delivery'}/"
    paragraphs = [step for step in steps if step]
    text = "\n\n".join(textwrap.fill(each, WIDTH) for each in paragraphs)
    html = format_html_join("", "<p>{}</p>", ((each,) for each in paragraphs))
    return LetterBody(
        key="call",
        sender=paper.from_address,
        subject=_("%(paper)s: the sending needs you (%(about)s)") % {"paper": paper.name, "about": about_words(call)},
        html=format_html('{}<p><a href="{}">{}</a></p>', html, link, link),
        text=f"{text}\n{link}\n",
        language=paper.language,
    )
