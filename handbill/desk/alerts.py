"""Alerts: one article to a topic's readers between issues, looked at with who gets it and when, then let go or undone.

What is chosen stands in the page's address, so that it works without JavaScript; what is done is a POST.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from handbill.articles.models import Article
from handbill.desk.delivery import parts
from handbill.desk.issue import DECIDE, SEE, letter_in_frame
from handbill.desk.screen import Screen, require
from handbill.digest import alerts
from handbill.digest.alerts import AlertStanding, Refused
from handbill.digest.decisions import MOST_OF_SUBJECT
from handbill.digest.errors import NoAlert
from handbill.digest.models import Alert
from handbill.digest.reach import Why
from handbill.kit.clock import now
from handbill.kit.errors import HandbillError
from handbill.kit.text import language_direction
from handbill.topics.models import Topic

SECONDS = 5  # between two looks
WHY = {  # why readers don't get it
    Why.ELSEWHERE: gettext_lazy("follow other topics"),
    Why.UNWANTED: gettext_lazy("want no alerts, or the paper once a week"),
    Why.TOLD: gettext_lazy("were told of it, or of its story"),
    Why.ENOUGH: gettext_lazy("had as many alerts as they should"),
    Why.ASLEEP: gettext_lazy("have their quiet hours then"),
}
STATES = {
    Alert.State.APPROVED: gettext_lazy("Approved"),
    Alert.State.UNDONE: gettext_lazy("Undone"),
    Alert.State.PLANNING: gettext_lazy("Being handed over"),
    Alert.State.PLANNED: gettext_lazy("Being handed over"),
    Alert.State.HANDED_OVER: gettext_lazy("Handed over"),
    Alert.State.DROPPED: gettext_lazy("Not sent"),
}
DROPPED = {
    Alert.Dropped.WITHDRAWN: gettext_lazy("The article was not public any more."),
    Alert.Dropped.RETIRED: gettext_lazy("The topic was retired meanwhile."),
    Alert.Dropped.LATE: gettext_lazy("It could not go for two hours, and an old alert is none."),
    Alert.Dropped.NOBODY: gettext_lazy("Nobody was reached any more when it was to go."),
}


REFUSED = {
    Refused.STILL: gettext_lazy("The digest stands still: let it go on in the send room first."),
    Refused.PRIVATE: gettext_lazy("The article is not public: publish it first."),
    Refused.RETIRED: gettext_lazy("The topic is retired: it takes nothing new."),
    Refused.OFF_TOPIC: gettext_lazy("The article is not on that topic."),
    Refused.OLD: gettext_lazy("The article is older than three days: that is no alert any more."),
    Refused.SENT: gettext_lazy("This article was sent to this topic's readers already, or is about to be."),
    Refused.PENDING: gettext_lazy("Another alert has not gone yet: wait until it has, or undo it."),
    Refused.LIMIT: gettext_lazy("That would be more alerts than alerts_a_day and alerts_a_week allow."),
    Refused.NOBODY: gettext_lazy("Nobody would get it: the numbers say why."),
}


class AlertsView(Screen):
    """The last alerts, and what could be one."""

    template_name = "desk/alerts.html"
    page_title = "Alerts"
    header_icon = "warning"
    permission = SEE

    def get_page_title(self) -> str:
        return _("Alerts")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        offered = alerts.offered(now()) if self.request.user.has_perm(DECIDE) else []
        return {
            **super().get_context_data(**kwargs),
            **_shown(self.request),
            "offered": [_choice(article) for article in offered],
            "still": "still" in self.request.GET,
        }


class AlertView(Screen):
    """What an alert would be: the letter, who gets it and who doesn't, and when."""

    template_name = "desk/alert.html"
    page_title = "Alert"
    header_icon = "warning"
    permission = DECIDE

    def get_page_title(self) -> str:
        return _("An alert")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        article, topic, subject = _asked(self.request.GET)
        shown = alerts.preview(article, topic, now(), subject)
        counts = [(shown.counts[why], said) for why, said in WHY.items() if shown.counts[why]]
        asked = {"article": article.pk, "topic": topic.pk, "subject": subject}
        return {
            **super().get_context_data(**kwargs),
            "shown": shown,
            "asked": asked,
            "topics": [(each, each == topic) for each in article.topics.all() if not each.retired],
            "direction": language_direction(article.language) if article.language else "auto",
            "counts": counts,
            "why_not": REFUSED[shown.why_not] if shown.why_not else "",
            "frame": f"{reverse('desk_alert_letter')}?{urlencode(asked)}",
            "most_of_subject": MOST_OF_SUBJECT,
            "limits": alerts.limits(),
        }


@require_GET
def now_part(request: HttpRequest) -> HttpResponse:
    """The part of the list that changes, alone."""
    require(request, SEE)
    answer = render(request, "desk/alerts_now.html", _shown(request))
    answer["Cache-Control"] = "no-store"
    return answer


@require_GET
def letter(request: HttpRequest) -> HttpResponse:
    """The alert as who reads the whole paper gets it, in a frame that runs and loads nothing."""
    require(request, DECIDE)
    article, topic, subject = _asked(request.GET)
    return letter_in_frame(request, alerts.preview(article, topic, now(), subject).letter)


@require_POST
def approve(request: HttpRequest) -> HttpResponse:
    """Let it go, after the time to undo."""
    require(request, DECIDE)
    article, topic, subject = _asked(request.POST)
    try:
        alerts.approve(article, topic, now(), _who(request), subject)
    except NoAlert as error:
        messages.error(request, str(REFUSED[Refused(str(error))]))
        return redirect(_page(article, topic, subject))
    messages.success(request, _("Approved. For ten minutes, Undo stops it whole."))
    return redirect("desk_alerts")


@require_POST
def undo(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Take the approval back."""
    require(request, DECIDE)
    if alerts.undo(alert_id, now(), _who(request)):
        messages.success(request, _("Undone: nothing of it was sent."))
    else:
        messages.warning(request, _("It is too late to undo, or somebody did already. Hold it on the Delivery page."))
    return redirect("desk_alerts")


@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Mail it to who asks."""
    require(request, DECIDE)
    article, topic, subject = _asked(request.POST)
    address = getattr(request.user, "email", "")
    try:
        if not address:
            messages.error(request, _("Your account has no email address. Add one to it first."))
        else:
            alerts.send_test(article, topic, address, now(), subject)
            messages.success(request, _("A test is on its way to %s.") % address)
    except NoAlert as error:
        messages.error(request, str(REFUSED[Refused(str(error))]))
    except HandbillError as error:
        messages.error(request, str(error))
    return redirect(_page(article, topic, subject))


def _asked(given: QueryDict) -> tuple[Article, Topic, str]:
    """The article, the topic (the article's first, where none is named) and the subject that are asked for."""
    article = Article.objects.filter(pk=_whole(given.get("article", ""))).first()
    if article is None:
        raise Http404
    mine = list(article.topics.all())
    named = _whole(given.get("topic", ""))
    topic = next((each for each in mine if each.pk == named), None) if named else next(iter(mine), None)
    if topic is None:
        raise Http404
    return article, topic, " ".join(given.get("subject", "").split())[:MOST_OF_SUBJECT]


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _page(article: Article, topic: Topic, subject: str) -> str:
    asked = {"article": article.pk, "topic": topic.pk, "subject": subject}
    return f"{reverse('desk_alert')}?{urlencode(asked)}"


def _choice(article: Article) -> dict[str, Any]:
    return {
        "article": article,
        "topics": [each for each in article.topics.all() if not each.retired],
        "direction": language_direction(article.language) if article.language else "auto",
    }


def _shown(request: HttpRequest) -> dict[str, Any]:
    moment = now()
    return {
        "alerts": [_row(one, moment) for one in alerts.recent(moment)],
        "seconds": SECONDS,
        "moment": moment,
        "may": request.user.has_perm(DECIDE),
    }


def _row(one: AlertStanding, moment: datetime) -> dict[str, Any]:
    alert = one.alert
    return {
        "standing": one,
        "state": STATES[Alert.State(alert.state)],
        "dropped": DROPPED[Alert.Dropped(alert.dropped)] if alert.dropped else "",
        "undoable": alert.state == Alert.State.APPROVED and moment < one.undo_until,
        "parts": parts(one.progress, held=False) if one.progress.total else [],
        "direction": language_direction(alert.article.language) if alert.article.language else "auto",
    }


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())[:150]
