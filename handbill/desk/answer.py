"""Answer a reader who asks "did I get Tuesday's?": the address comes by POST, so that no URL or log holds it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from handbill.delivery.address import AddressError
from handbill.desk.screen import Screen
from handbill.kit.clock import now
from handbill.subscribers.queries import answer

PERMISSION = "delivery.view_delivery"
STATES = {
    "waiting": gettext_lazy("waits to be sent"),
    "sending": gettext_lazy("is being sent"),
    "accepted": gettext_lazy("accepted"),
    "deferred": gettext_lazy("deferred, tried again"),
    "refused": gettext_lazy("refused"),
    "in doubt": gettext_lazy("in doubt, sent again"),
    "suppressed": gettext_lazy("not sent: must not be mailed"),
    "lapsed": gettext_lazy("not sent: a newer issue came first"),
}
SOURCES = {"bounce": gettext_lazy("came back"), "complaint": gettext_lazy("the reader complained")}


class AnswerForm(forms.Form):
    """Whom to look up. The day is in the newsroom's zone."""

    address = forms.CharField(max_length=320)
    day = forms.DateField(required=False)


class AnswerView(Screen):
    """The form, and below it what was found for the address that was sent with it."""

    template_name = "desk/answer.html"
    header_icon = "mail"
    permission = PERMISSION

    def get_page_title(self) -> str:
        return _("Answer a reader")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Look an address up; changes nothing."""
        form = AnswerForm(request.POST)
        found, fault = None, ""
        if form.is_valid():
            try:
                found = answer(form.cleaned_data["address"], now(), form.cleaned_data["day"])
            except AddressError as error:
                fault = str(error)
        else:
            fault = _("Write an address, and a day if you like.")
        context = self.get_context_data(form=form, found=found, fault=fault, copies=_shown(found) if found else [])
        return self.render_to_response(context)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "days": settings.HANDBILL.retention_days}


def _shown(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "copy": copy,
            "state": STATES.get(copy.state, copy.state),
            "tries": [(one, SOURCES.get(one.source, STATES.get(one.outcome, one.outcome))) for one in copy.tries],
        }
        for copy in found.copies
    ]
