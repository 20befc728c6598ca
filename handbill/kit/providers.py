"""Who receives mail for which address domain, by a table of well-known ones: no name server is asked. Pure.

Domains of companies and schools that one of these hosts are not recognised, since only their MX records would tell.
"""

from __future__ import annotations

_DOMAINS = {
    "gmail": "gmail.com googlemail.com",
    "microsoft": "outlook.com hotmail.com live.com msn.com passport.com windowslive.com outlook.de hotmail.de live.de"
    " hotmail.fr live.fr outlook.fr hotmail.co.uk live.co.uk hotmail.it live.it hotmail.es outlook.es live.nl"
    " hotmail.nl outlook.com.br hotmail.com.br outlook.jp live.jp",
    "yahoo": "yahoo.com ymail.com rocketmail.com aol.com aim.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es"
    " yahoo.co.in yahoo.in yahoo.ca yahoo.com.br yahoo.com.ar yahoo.com.mx aol.de aol.co.uk aol.fr att.net"
    " sbcglobal.net bellsouth.net verizon.net sky.com",
    "apple": "icloud.com me.com mac.com",
    "gmx": "gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.us web.de mail.com email.de",
    "telekom": "t-online.de magenta.de",
    "freenet": "freenet.de",
    "proton": "proton.me protonmail.com protonmail.ch pm.me",
    "posteo": "posteo.de posteo.net posteo.org",
    "mailbox": "mailbox.org",
    "orange": "orange.fr wanadoo.fr",
    "free": "free.fr",
    "laposte": "laposte.net",
    "sfr": "sfr.fr neuf.fr",
    "libero": "libero.it virgilio.it iol.it inwind.it",
    "telecom-italia": "tim.it alice.it tin.it",
    "wp": "wp.pl o2.pl tlen.pl",
    "onet": "onet.pl onet.eu op.pl vp.pl interia.pl interia.eu poczta.fm",
    "seznam": "seznam.cz email.cz post.cz",
    "mail-ru": "mail.ru bk.ru inbox.ru list.ru internet.ru",
    "yandex": "yandex.ru yandex.com ya.ru yandex.by yandex.kz",
    "ukr-net": "ukr.net",
    "qq": "qq.com foxmail.com vip.qq.com",
    "netease": "163.com 126.com yeah.net",
    "naver": "naver.com",
    "daum": "daum.net hanmail.net kakao.com",
    "rediff": "rediffmail.com",
    "zoho": "zoho.com zohomail.com zoho.eu",
    "fastmail": "fastmail.com fastmail.fm messagingengine.com",
    "comcast": "comcast.net xfinity.com",
    "charter": "charter.net spectrum.net roadrunner.com rr.com",
    "cox": "cox.net",
    "bt": "btinternet.com btopenworld.com",
    "uol": "uol.com.br bol.com.br",
    "terra": "terra.com.br terra.com",
    "bluewin": "bluewin.ch",
    "ziggo": "ziggo.nl home.nl upcmail.nl casema.nl",
    "kpn": "kpnmail.nl planet.nl hetnet.nl",
    "telenet": "telenet.be",
    "proximus": "skynet.be proximus.be",
}  # fmt: skip
_PROVIDERS = {domain: name for name, domains in _DOMAINS.items() for domain in domains.split()}
PROVIDER_NAMES = frozenset(_DOMAINS)


def provider_of(address: str) -> str:
    """Who receives mail for a normalised ``address``; empty where nobody well-known does."""
    return _PROVIDERS.get(address.rpartition("@")[2], "")
