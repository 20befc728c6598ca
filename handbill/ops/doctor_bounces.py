"""Examine each way by which bounces and complaints come in, and say in plain words whether it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handbill.kit import maildir
from handbill.kit.errors import HandbillError
from handbill.kit.settings import Settings
from handbill.ops.doctor import OK, WARN, WRONG, Finding


def bounces(newsroom: Settings) -> Iterator[Finding]:
    """Whether anything can come back, and by which ways."""
    if not newsroom.bounce_address:
        what = "bounces go to from_address, where no copy can be told by its return path"
        yield Finding(WARN, what, 'Write bounce_address, such as "bounces@paper.example": see "Let bounces come back".')
    listen = newsroom.newsletter_listen
    if newsroom.bounce_address and not (listen or newsroom.bounce_maildir or newsroom.bounce_mailbox):
        what = "bounces are asked for, and nobody reads them"
        yield Finding(WRONG, what, "Write newsletter_listen (LMTP), bounce_maildir or bounce_mailbox.")
    yield from _maildir(newsroom)
    yield from _mailbox(newsroom)
    yield from _webhooks(newsroom)
    yield from _surges()


def _maildir(newsroom: Settings) -> Iterator[Finding]:
    if newsroom.bounce_maildir:
        try:
            maildir.waiting(Path(newsroom.bounce_maildir), 1)
            yield Finding(OK, "bounces are read from bounce_maildir")
        except OSError as error:
            what = f"bounce_maildir = {newsroom.bounce_maildir!r} can't be used: {error.strerror}"
            yield Finding(WRONG, what, "Let the newsroom's user read and write its new/ and cur/.")


def _mailbox(newsroom: Settings) -> Iterator[Finding]:
    from handbill.delivery.actions import check_mailbox

    box = newsroom.bounce_mailbox
    if box is None:
        return
    try:
        count = check_mailbox(box)
    except HandbillError as error:
        yield Finding(WRONG, str(error), "Until then bounces wait there, and none is lost.")
    else:
        yield Finding(OK, f"bounces are read from the mailbox at {box.host}, which holds {count} mails")


def _webhooks(newsroom: Settings) -> Iterator[Finding]:
    from handbill.delivery.queries import webhook_key

    for relay in (one for one in newsroom.relays if one.provider):
        try:
            webhook_key(relay)
        except HandbillError as error:
            yield Finding(WARN, f"what {relay.provider} tells of relay {relay.name} is turned away", str(error))
        else:
            what = (
                f"{relay.provider} may tell of relay {relay.name}'s bounces; its address: `handbill delivery webhooks`"
            )
            yield Finding(OK, what)


def _surges() -> Iterator[Finding]:
    from handbill.delivery.queries import surges

    for one in surges():
        what = f"{one.held} readers of {one.provider} were said to be gone since {one.since:%Y-%m-%d}: too many at once"
        fix = (
            "They are still mailed. Ask whether that provider is in trouble, then `handbill delivery surges --forgive"
            f" {one.provider}`; or `--believe {one.provider}` where the list was old."
        )
        yield Finding(WRONG, what, fix)
