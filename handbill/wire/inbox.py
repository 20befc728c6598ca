"""Newsletters: mails that came in, by LMTP or into a maildir, become reports of their source or wait for a person.

A mail leaves ``new/`` only after the database has what came of it, and by its identity it is filed or held once: a
process that dies in between finds it again and changes nothing. No mail stops the others, and nothing of one is logged.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from handbill.kit import maildir
from handbill.kit.errors import HandbillError
from handbill.sources import actions as sources
from handbill.sources.models import Feed, Source
from handbill.wire.fetch import sandbox
from handbill.wire.file import file_mail
from handbill.wire.mail import SeenMail, keys_of, see_mail, unread
from handbill.wire.make import MAX_BYTES
from handbill.wire.models import HeldMail
from handbill.wire.records import TakenIn
from handbill.work import actions as work

NEWSLETTERS = "newsletters"  # the folder of the newsroom's inbox
LIMIT = 20  # mails of a folder a call, so that a flood keeps no other work waiting
MOST_HELD = 200
HELD_BYTES = 2 * 1024 * 1024  # kept of a mail that is held
HELD_DAYS = 30
LARGE = f"This mail is larger than {MAX_BYTES // 1048576} MiB. Ask the outlet for a shorter one."
FAULT = "Something in Handbill itself failed on this mail ({kind}). The log says more; report it if it lasts."

log = logging.getLogger(__name__)


def knows_recipient(address: str) -> bool:
    """Whether mail to this address is for a newsletter of ours: its local part, or what follows a plus, is a key."""
    return _by_key((address.lower(),)) is not None


def take_in_mails(now: datetime, limit: int = LIMIT) -> TakenIn:
    """Take in up to ``limit`` mails of each maildir, after those that a person has assigned to a source.

    What one mail breaks is written down with it; only a database that is gone gets past this.
    """
    total = TakenIn()
    with work.standing_job("inbox", now) as ours:
        if ours:
            _unassigned().filter(received_at__lt=now - timedelta(days=HELD_DAYS)).delete()
            total += file_assigned_mails(now, limit)
            for folder, settle in _maildirs():
                for mail in _waiting(folder, limit):
                    total += _take(mail, settle, now)
    return total


def assign_mail(held: HeldMail, outlet: Source | str, now: datetime) -> Feed:
    """This mail, and all that are known by the same matcher, come from this outlet: from now on they are filed.

    ``outlet`` is a source, or a name that may be new. What is held already, ``file_assigned_mails`` files.
    """
    with transaction.atomic():
        feed = _own_feed(held, outlet) or sources.add_newsletter(outlet, held.matcher, now)
        alike = HeldMail.objects.filter(why=HeldMail.Why.UNKNOWN, matcher=held.matcher).exclude(matcher="")
        chosen = alike | HeldMail.objects.filter(pk=held.pk)
        chosen.update(why=HeldMail.Why.ASSIGNED, feed=feed)
    return feed


def discard_mail(held: HeldMail) -> bool:
    """Put a mail aside; False when somebody else has settled it meanwhile."""
    waiting = HeldMail.objects.filter(pk=held.pk, why=held.why)
    return waiting.update(why=HeldMail.Why.DISCARDED) == 1


def restore_mail(held_id: int, why: HeldMail.Why) -> bool:
    """Let a discarded mail wait again for the reason it had; False when it is not there any more."""
    return HeldMail.objects.filter(pk=held_id, why=HeldMail.Why.DISCARDED).update(why=why) == 1


def file_assigned_mails(now: datetime, limit: int = LIMIT) -> TakenIn:
    """File mails that were held and have a source now. One that can't be read stays, with the reason."""
    total = TakenIn()
    for held in HeldMail.objects.filter(why=HeldMail.Why.ASSIGNED).select_related("feed__source")[:limit]:
        seen = _see(bytes(held.data))
        if seen.entry is None or held.feed is None:
            HeldMail.objects.filter(pk=held.pk).update(why=HeldMail.Why.UNREADABLE, note=seen.fault)
            total += TakenIn(held=1)
            continue
        with transaction.atomic():
            filed = file_mail(held.feed, seen.entry, now)
            held.delete()
        total += TakenIn(filed=int(filed), known=int(not filed))
    return total


def _own_feed(held: HeldMail, outlet: Source | str) -> Feed | None:
    """The newsletter whose key the mail came to, when it is one of this outlet's."""
    name = outlet.name if isinstance(outlet, Source) else outlet
    return held.feed if held.feed and held.feed.source.name.casefold() == name.casefold() else None


def _maildirs() -> Iterator[tuple[Path, Callable[[Path], None]]]:
    """The folders to look into, with what is done with a mail taken in: only our own are deleted."""
    own = settings.HANDBILL.inbox_folder / NEWSLETTERS
    if own.is_dir():
        yield own, _remove
    if settings.HANDBILL.newsletter_maildir:
        yield Path(settings.HANDBILL.newsletter_maildir), maildir.mark_seen


def _remove(mail: Path) -> None:
    mail.unlink(missing_ok=True)


def _waiting(folder: Path, limit: int) -> list[Path]:
    try:
        return maildir.waiting(folder, limit)
    except OSError as error:
        log.error(
            "The maildir %s can't be used (%s). Let the newsroom's user read and write it.", folder, error.strerror
        )
        return []


def _take(mail: Path, settle: Callable[[Path], None], now: datetime) -> TakenIn:
    try:
        data = maildir.read(mail, MAX_BYTES + 1)
        taken = _keep_somehow(data, now)
        settle(mail)
    except OSError as error:
        log.error("A mail in %s can't be read or moved (%s).", mail.parent, error.strerror)
        return TakenIn()
    return taken


def _keep_somehow(data: bytes, now: datetime) -> TakenIn:
    """File the mail, hold it, or hold its bytes alone when Handbill itself fails on it."""
    try:
        return _keep(data, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        return _hold(_failed(data, error), None, HeldMail.Why.UNREADABLE, data, now)


def _failed(data: bytes, error: Exception) -> SeenMail:
    """What is logged says where, but not what: an error's own words may repeat the mail's."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("A mail could not be taken in: %s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
    return unread(data, FAULT.format(kind=type(error).__name__))


def _keep(data: bytes, now: datetime) -> TakenIn:
    seen = _see(data)
    feed = _by_key(seen.recipients) or _by_matcher(seen.matchers)
    why = _why_hold(seen, feed)
    if why is None and feed is not None and seen.entry is not None:
        filed = file_mail(feed, seen.entry, now)
        return TakenIn(filed=int(filed), known=int(not filed))
    return _hold(seen, feed, why or HeldMail.Why.UNREADABLE, data, now)


def _see(data: bytes) -> SeenMail:
    if len(data) > MAX_BYTES:
        return unread(data, LARGE)
    try:
        return sandbox.run(see_mail, data)
    except HandbillError as error:
        return unread(data, str(error))
    except Exception as error:
        return _failed(data, error)


def _why_hold(seen: SeenMail, feed: Feed | None) -> HeldMail.Why | None:
    if seen.automatic:
        return HeldMail.Why.AUTOMATIC
    if seen.confirms:
        return HeldMail.Why.CONFIRM
    if seen.entry is None:
        return HeldMail.Why.UNREADABLE
    return None if feed else HeldMail.Why.UNKNOWN


def _hold(seen: SeenMail, feed: Feed | None, why: HeldMail.Why, data: bytes, now: datetime) -> TakenIn:
    values = {
        "why": why,
        "note": seen.fault,
        "feed": feed,
        "sender": seen.sender,
        "matcher": seen.matchers[0] if seen.matchers else "",
        "subject": seen.subject,
        "text": seen.text,
        "links": [list(link) for link in seen.links],
        "received_at": now,
        "data": data[:HELD_BYTES],
    }
    _, new = HeldMail.objects.get_or_create(identity=seen.identity, defaults=values)
    oldest = _unassigned().order_by("-received_at", "-pk").values_list("pk", flat=True)[MOST_HELD:]
    HeldMail.objects.filter(pk__in=list(oldest)).delete()
    return TakenIn(held=int(new), known=int(not new))


def _unassigned() -> QuerySet[HeldMail]:
    """All but those that a person has assigned: they are filed, however many come and however long it takes."""
    return HeldMail.objects.exclude(why=HeldMail.Why.ASSIGNED)


def _newsletters() -> QuerySet[Feed]:
    return Feed.objects.filter(kind=Feed.Kind.NEWSLETTER).select_related("source")


def _by_key(recipients: tuple[str, ...]) -> Feed | None:
    addresses = [sources.NEWSLETTER + key for key in keys_of(recipients)]
    found = {feed.address: feed for feed in _newsletters().filter(address__in=addresses)}
    return next((found[address] for address in addresses if address in found), None)


def _by_matcher(matchers: tuple[str, ...]) -> Feed | None:
    found = {feed.matcher: feed for feed in _newsletters().filter(matcher__in=matchers)}
    return next((found[matcher] for matcher in matchers if matcher in found), None)
