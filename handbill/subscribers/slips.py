"""Tell a slip of the fingers in a well-known mail domain ("gmial.com"). Pure; nothing is ever corrected here.

A slip is one letter too many, too few, wrong, or two changed places, in the whole domain. Real domains that look like
one another are all in the table, so none of them is asked about.
"""

from __future__ import annotations

_LARGE = """
gmail.com googlemail.com hotmail.com hotmail.co.uk hotmail.de hotmail.es hotmail.fr hotmail.it outlook.com
outlook.at outlook.be outlook.de outlook.dk outlook.es outlook.fr outlook.it live.com live.co.uk live.de live.fr
live.nl msn.com yahoo.com yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com.ar yahoo.com.br yahoo.com.mx
yahoo.de yahoo.es yahoo.fr yahoo.in yahoo.it ymail.com rocketmail.com aol.com icloud.com me.com mac.com mail.com
email.com proton.me protonmail.com pm.me tutanota.com tuta.com fastmail.com fastmail.fm zoho.com hey.com gmx.com
gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de posteo.de mailbox.org arcor.de bluewin.ch orange.fr
wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it telenet.be skynet.be ziggo.nl kpnmail.nl
wp.pl onet.pl interia.pl o2.pl seznam.cz centrum.cz ukr.net i.ua meta.ua mail.ru bk.ru inbox.ru list.ru yandex.ru
yandex.com rambler.ru qq.com 163.com 126.com sina.com naver.com daum.net hanmail.net rediffmail.com uol.com.br
bol.com.br terra.com.br comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net
btinternet.com sky.com talktalk.net virginmedia.com bigpond.com optusnet.com.au shaw.ca rogers.com sympatico.ca
"""
LARGE = frozenset(_LARGE.split())
"""Domains of many people each: no slip of one another."""
SHORTEST = 8  # characters; shorter domains are close to too many others


def meant(address: str) -> str | None:
    """The address that a normalised ``address`` may have been meant to be; None where nothing looks like a slip."""
    local, _, domain = address.rpartition("@")
    if domain in LARGE:
        return None
    near = sorted(known for known in LARGE if len(known) >= SHORTEST and is_slip(domain, known))
    return f"{local}@{near[0]}" if len(near) == 1 else None


def is_slip(typed: str, known: str) -> bool:
    """Whether one slip leads from ``known`` to ``typed``: a letter more, less or wrong, or two changed places."""
    if abs(len(typed) - len(known)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(typed, known, strict=False)) if a != b), None)
    if start is None:
        return abs(len(typed) - len(known)) == 1
    typed, known = typed[start:], known[start:]
    swapped = typed[:2] == known[1::-1] and typed[2:] == known[2:]
    return swapped or typed[1:] == known[1:] or typed[1:] == known or typed == known[1:]
