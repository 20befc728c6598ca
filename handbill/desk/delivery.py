"""The sending as it runs: how far the issue is and with whom it is held up, the relays, and the acts that steer it.

The screen's part that changes has an address of its own, which a script asks for and puts in place; without it the page
loads itself anew. What a person does is a POST, and delivery writes down who did it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from handbill.delivery import actions, standing
from handbill.delivery.records import Call, Held, MailingStanding, Progress, ProviderStanding, RelayStanding
from handbill.delivery.report import report_csv
from handbill.delivery.surge import surges
from handbill.desk import sending_words as words
from handbill.desk.issue_words import slot_words
from handbill.desk.screen import Screen, require
from handbill.digest.queries import alert_subject
from handbill.kit.clock import now
from handbill.subscribers.actions import forgive_gone
from handbill.subscribers.records import read_slot

SEE, STEER, STOP, SWITCH = (
    "delivery.view_mailing",
    "delivery.change_mailing",
    "delivery.stop_mailing",
    "delivery.change_breaker",
)
SHOWN = 6  # mailings
REPORT_DAYS = 30
BUSY_SECONDS, QUIET_SECONDS = 3, 20  # between two looks
QUICK = 0.2  # seconds; a look that takes longer is kept for all who look
REST = 20  # times as long as it took, so that looking costs at most a twentieth of a core
KEPT = "desk.delivery.mailings"
MOST_OF_WHY = 300
WIDTH = 1000  # of a bar, in its own units
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar, and its line in the legend."""

    name: str
    label: str
    count: int
    start: int
    width: int


class DeliveryView(Screen):
    """The whole screen."""

    template_name = "desk/delivery.html"
    page_title = "Delivery"
    header_icon = "mail"
    permission = SEE

    def get_page_title(self) -> str:
        return _("Delivery")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        still = "still" in self.request.GET
        return {**super().get_context_data(**kwargs), **_shown(self.request), "still": still, "most": MOST_OF_WHY}


@require_GET
def now_part(request: HttpRequest) -> HttpResponse:
    """The part that changes, alone."""
    require(request, SEE)
    answer = render(request, "desk/delivery_now.html", _shown(request))
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """What receiving providers did, as a file: no address is in it."""
    require(request, SEE)
    today = now().date()
    text = report_csv(today - timedelta(days=REPORT_DAYS))
    name = f"delivery-{today:%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Send nothing more of a mailing for now."""
    require(request, STEER)
    why = " ".join(request.POST.get("why", "").split())[:MOST_OF_WHY]
    if actions.hold(_reference(request), why, now(), _who(request)):
        messages.success(request, _("Held: nothing more of it is sent until somebody lets it go on."))
    else:
        messages.warning(request, _("It is held already, or all of it is sent."))
    return _back()


@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    """Send a held mailing on."""
    require(request, STEER)
    if actions.go_on(_reference(request), now(), _who(request)):
        messages.success(request, _("It goes on within a minute."))
    else:
        messages.warning(request, _("It isn't held: somebody let it go on already."))
    return _back()


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Send no copy that still waits, ever."""
    require(request, STOP)
    reference = _reference(request)
    if "sure" not in request.POST:
        messages.error(request, _("Tick the box first: what is stopped can't be sent any more."))
        return _back()
    why = " ".join(request.POST.get("why", "").split())[:MOST_OF_WHY]
    count = actions.stop(reference, why, now(), _who(request))
    messages.success(request, _("Stopped. Copies that are not sent any more: %d") % count)
    return _back()


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Use a relay, or don't."""
    require(request, SWITCH)
    name = request.POST.get("relay", "")
    if name not in {relay.name for relay in settings.HANDBILL.relays}:
        raise Http404
    on = request.POST.get("to") == "on"
    actions.switch_relay(name, now(), on=on, who=_who(request))
    said = _("Relay %s is switched on: the next mail tries it.") if on else _("Relay %s is switched off.")
    messages.success(request, said % name)
    return _back()


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Held readers of a provider are there: they and those who ended just before read on."""
    require(request, STEER)
    if (provider := _surge(request)) is not None:
        count = forgive_gone(provider, now(), _who(request))
        said = ngettext(
            "They are kept. %d reader whose subscription had ended reads on.",
            "They are kept. %d readers whose subscriptions had ended read on.",
            count,
        )
        messages.success(request, said % count)
    return _back()


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Held readers of a provider are gone: their subscriptions end."""
    require(request, STOP)
    if "sure" not in request.POST:
        messages.error(request, _("Tick the box first: subscriptions that are ended don't come back by themselves."))
    elif (provider := _surge(request)) is not None:
        count = actions.believe_gone(provider, now(), _who(request))
        said = ngettext("%d subscription is ended.", "%d subscriptions are ended.", count)
        messages.success(request, said % count)
    return _back()


def _surge(request: HttpRequest) -> str | None:
    """The provider that the form names, while readers of it are held."""
    found = next((one.provider for one in surges() if one.provider == request.POST.get("provider")), None)
    if found is None:
        messages.warning(request, _("Nobody of that provider is held any more: somebody decided already."))
    return found


def calls_in_words() -> list[dict[str, Any]]:
    """What about the sending needs a person, with what to do."""
    return [
        {
            "call": call,
            "about": about_words(call),
            "reason": reason_words(call),
            "to_do": words.TO_DO.get(call.reason, ""),
        }
        for call in standing.calls()
    ]


def about_words(call: Call) -> str:
    """What a call is about: a relay, a provider or an issue."""
    kind, _blank, name = call.about.partition(" ")
    if kind == "signing":
        return _("Signing (DKIM)")
    if kind == "sign-ups":
        return _("Sign-ups")
    if kind == "relay":
        return _("Relay %s") % name
    return words.provider_name(name) if kind == "provider" else title(call.about)


def reason_words(call: Call) -> str:
    """Why, in a sentence."""
    if call.reason == standing.SURGE:
        return _("So many of its readers were said not to exist at once that nobody's subscription ends by it.")
    if call.reason == "content":
        return _("Many readers' providers refused the letter for what it says. It is held.")
    return str(words.ABOUT_US.get(call.reason, words.ABOUT_US[""]))


def title(reference: str) -> str:
    """A mailing's name: the day of its issue, and when its readers want it if that isn't the paper's own time; or what
    an alert is about."""
    kind, _colon, rest = reference.partition(":")
    if kind == "alert" and (about := alert_subject(reference)):
        return _("Alert: %s") % about
    date, _colon, slot = rest.partition(":")
    day = parse_date(date) if kind == "issue" and _DAY.fullmatch(date) else None
    if day is None:
        return reference
    named = _("Issue of %s") % date_format(day, _("j F Y"))
    paper = settings.HANDBILL
    when = slot_words(read_slot(slot.replace(":", " ")), paper.digest_hour, paper.time_zone) if slot else ""
    return f"{named} ({when})" if when else named


def _shown(request: HttpRequest) -> dict[str, Any]:
    moment = now()
    mailings = _mailings(moment)
    busy = any(not one.over and one.held_at is None for one in mailings)
    may = {name: request.user.has_perm(right) for name, right in (("steer", STEER), ("stop", STOP), ("switch", SWITCH))}
    return {
        "calls": calls_in_words(),
        "surges": [{"surge": one, "name": words.provider_name(one.provider)} for one in surges()],
        "mailings": [_mailing(one) for one in mailings],
        "relays": [_relay(one) for one in standing.relay_standings(moment)],
        "acts": [{"act": one, "what": words.ACTS[one.what], "about": _about(one.about)} for one in standing.acts()],
        "seconds": BUSY_SECONDS if busy else QUIET_SECONDS,
        "moment": moment,
        "may": may,
    }


def _mailings(moment: datetime) -> list[MailingStanding]:
    """Counted anew, but where there is so much to count that looking would be felt."""
    kept: list[MailingStanding] | None = cache.get(KEPT)
    if kept is not None:
        return kept
    began = time.monotonic()
    found = standing.mailing_standings(moment, SHOWN)
    if (took := time.monotonic() - began) > QUICK:
        cache.set(KEPT, found, timeout=int(took * REST))
    return found


def _mailing(one: MailingStanding) -> dict[str, Any]:
    held = one.held_at is not None
    left = one.progress.waiting + one.progress.deferred + one.progress.in_doubt
    return {
        "standing": one,
        "title": title(one.reference),
        "parts": parts(one.progress, held=held),
        "state": _state(one),
        "left": left,
        "providers": [_provider(each, held=held) for each in one.providers] if left or one.progress.refused else [],
    }


def _state(one: MailingStanding) -> str:
    if one.progress.settled and one.sealed:
        return _("All sent") if not one.progress.suppressed + one.progress.lapsed else _("Over")
    if one.held_at:
        return _("Held")
    return _("Being sent") if one.sealed else _("Being handed over")


def _provider(one: ProviderStanding, *, held: bool) -> dict[str, Any]:
    return {
        "standing": one,
        "name": words.provider_name(one.provider),
        "parts": parts(one.progress, held=held),
        "reason": words.ABOUT_US.get(one.reason, words.ABOUT_US[""]) if one.until else "",
        "held": [_held(each) for each in one.held],
    }


def _held(one: Held) -> dict[str, Any]:
    state = words.PARTS[one.state.replace(" ", "_")]
    return {"held": one, "state": state, "reason": words.ABOUT_READERS.get(one.reason, words.ABOUT_READERS["other"])}


def _relay(one: RelayStanding) -> dict[str, Any]:
    trouble = one.state == "resting" or one.probed
    return {
        "standing": one,
        "state": words.RELAY_STATES[one.state],
        "reason": words.ABOUT_US.get(one.reason, words.ABOUT_US[""]) if trouble else "",
        "to_do": words.TO_DO.get(one.reason, "") if trouble and one.calls else "",
        "used": min(WIDTH, one.sent * WIDTH // one.budget) if one.budget else 0,
    }


def parts(progress: Progress, *, held: bool) -> list[Part]:
    """The stretches of a bar: every count that isn't zero is seen, and together they fill it."""
    counts = {name: getattr(progress, name, 0) for name in words.PARTS}
    if held:
        counts["held"], counts["waiting"] = counts["waiting"], 0
    return list(_stretches([(name, count) for name, count in counts.items() if count]))


def _stretches(counts: list[tuple[str, int]]) -> Iterator[Part]:
    """A small one is given a hundredth, which the others bear."""
    least, total = WIDTH // 100, sum(count for _name, count in counts)
    spare = WIDTH - least * len(counts)
    start = done = 0
    for place, (name, count) in enumerate(counts, 1):
        done += count
        end = least * place + spare * done // total
        yield Part(name, str(words.PARTS[name]), count, start, end - start)
        start = end


def _about(about: str) -> str:
    kind, _blank, name = about.partition(" ")
    if kind == "provider":
        return words.provider_name(name)
    return _("Relay %s") % name if kind == "relay" else title(about)


def _reference(request: HttpRequest) -> str:
    return request.POST.get("mailing", "")[:100]


def _who(request: HttpRequest) -> str:
    return request.user.get_username()[:150]


def _back() -> HttpResponse:
    cache.delete(KEPT)
    return redirect("desk_delivery")
