"""What the desk says of a list's rows, in its own languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from handbill.subscribers.lists_in.records import Fate
from handbill.subscribers.models import Upload

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

STATES: Mapping[str, StrPromise] = {
    Upload.State.TRYING: gettext_lazy("is being looked at"),
    Upload.State.TRIED: gettext_lazy("waits for your word"),
    Upload.State.BRINGING: gettext_lazy("is being brought in"),
    Upload.State.BROUGHT: gettext_lazy("brought in"),
    Upload.State.FAILED: gettext_lazy("failed"),
}
FATES: Mapping[str, StrPromise] = {
    Fate.BEGINS: gettext_lazy("read the paper from now on"),
    Fate.HELD: gettext_lazy("are held: no proof that they consented"),
    Fate.KNOWN: gettext_lazy("are known, and stay as they are"),
    Fate.LEFT: gettext_lazy("left there, and are kept out"),
    Fate.CLEANED: gettext_lazy("bounced or complained there, and are kept out"),
    Fate.KEPT_OUT: gettext_lazy("stay out: they left here, or must not be mailed"),
    Fate.REPEATED: gettext_lazy("repeat a row above"),
    Fate.REFUSED: gettext_lazy("are refused"),
    Fate.EMPTY: gettext_lazy("are empty"),
}
REASONS = (
    gettext_lazy("There is no address in the row."),
    gettext_lazy("A row above has the same address."),
    gettext_lazy("The mailbox is a machine's or a duty's, not a reader's."),
    gettext_lazy("They were asked there and never confirmed."),
    gettext_lazy("None of its topics is one of this paper. Make them first, then import again."),
    gettext_lazy("It is no reader, but a mark that this newsroom put into a list it took out."),
    gettext_lazy("The list has no proof that they consented."),
    gettext_lazy("They left there, and have confirmed here since."),
    gettext_lazy("They read already."),
    gettext_lazy("They are held, or have signed up and not confirmed."),
    gettext_lazy("The list says that they left."),
    gettext_lazy("The list says that mail to them came back."),
    gettext_lazy("The list says that they complained."),
    gettext_lazy("They left."),
    gettext_lazy("Another list said that mail to them came back."),
    gettext_lazy("They complained."),
    gettext_lazy("They had their data erased."),
    gettext_lazy("They were asked again and didn't answer."),
    gettext_lazy("The address must not be mailed."),
    gettext_lazy("This is no e-mail address. Write one such as name@mail.example."),
    gettext_lazy("This is no e-mail address that mail can be sent to. Check it for a slip."),
    gettext_lazy("This e-mail address is too long for mail. Write a shorter one."),
    gettext_lazy("An e-mail address holds no line breaks or hidden characters. Type it again."),
    gettext_lazy("The row has fewer or more cells than the first line: it may be cut off, or a quote is missing."),
    gettext_lazy("The row is too long for a row of a list."),
    gettext_lazy("The word in its state column is not known. Say what it means with --state WORD=STATE."),
)
"""Every sentence that a verdict may give, so that each is translated."""


def reason(text: str) -> str:
    """A verdict's sentence in the language of who looks."""
    return _(text) if text else ""
