"""What the send room says: why an article is left out, what was shortened, who did what, when readers get it."""

from __future__ import annotations

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from handbill.digest.records import Left
from handbill.subscribers.records import Slot

LEFT = {
    Left.ROOM: _("The letter has as many articles as it takes."),
    Left.OUTLET: _("The letter has as many of this outlet as it takes."),
    Left.TOPIC: _("The letter has as many under this topic as it takes."),
    Left.TOLD: _("Readers had it already, or its story."),
    Left.UNMAILED: _("It is not meant for an issue, as its own page says."),
}
CUTS = {
    "headline": _("headline shortened"),
    "excerpt": _("excerpt shortened"),
    "headline only": _("headline alone, for want of room"),
    "left out": _("left out, for want of room"),
}
ACTS = {
    "order": _("ordered"),
    "subject": _("wrote the subject"),
    "approve": _("approved"),
    "undo": _("took the approval back"),
    "hold": _("held"),
    "release": _("released"),
    "test": _("had a test sent"),
    "go on": _("ended the standstill"),
}


def slot_words(slot: Slot, hour: int, zone: str) -> str:
    """When the slot's readers get an issue; ``hour`` and ``zone`` are the paper's, for who named none."""
    return gettext("%(when)s, %(hour)s:00, %(zone)s") % {
        "when": _cadence(slot),
        "hour": f"{hour if slot.hour is None else slot.hour:02}",
        "zone": slot.zone or zone,
    }


def _cadence(slot: Slot) -> str:
    if slot.cadence == "weekly":
        return gettext("once a week (%s)") % WEEKDAYS[(slot.weekday or 1) - 1]
    said = {"daily": _("every day"), "weekdays": _("Monday to Friday"), "news": _("days with news")}
    return str(said.get(slot.cadence, slot.cadence))
