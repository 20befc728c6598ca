"""Sign-ups at the desk: who waits, what to do in a rush, and the form for other sites.

No address is shown: nobody has confirmed any of them.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from handbill.desk.delivery import SEE, STEER
from handbill.desk.screen import Screen, require
from handbill.kit.clock import now
from handbill.kit.text import language_direction
from handbill.subscribers import rush, signups
from handbill.subscribers.wording import language_of, words

ACTS = {"let go": gettext_lazy("let go"), "thrown away": gettext_lazy("thrown away")}


class SignUpsView(Screen):
    """The whole screen."""

    template_name = "desk/signups.html"
    header_icon = "group"
    permission = SEE

    def get_page_title(self) -> str:
        return _("Sign-ups")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        standing = rush.standing()
        acts = standing.rush.acts if standing.rush else ()
        return {
            **super().get_context_data(**kwargs),
            "standing": standing,
            "acts": [{**act, "at": parse_datetime(act["at"]), "what": ACTS[act["what"]]} for act in acts],
            "may_steer": self.request.user.has_perm(STEER),
            "form": form_for_others(),
        }


def form_for_others() -> str:
    """Plain HTML by which any site takes sign-ups, in the paper's language and words."""
    paper = settings.HANDBILL
    language = language_of(paper.language)
    said = words(paper.language, paper=paper.name)
    context = {"words": said, "address": paper.public_address, "language": language}
    return render_to_string(
        "subscribers/elsewhere.html", {**context, "direction": language_direction(language)}
    ).strip()


@require_POST
def let_go(request: HttpRequest) -> HttpResponse:
    """Answer all that wait."""
    require(request, STEER)
    count = signups.let_go(_who(request), now())
    messages.success(request, _("Let go: %d. Their mails leave within minutes.") % count)
    return redirect("desk_signups")


@require_POST
def throw_away(request: HttpRequest) -> HttpResponse:
    """Forget those that wait, all or of one network."""
    require(request, STEER)
    if "sure" not in request.POST:
        messages.error(request, _("Tick the box first: what is thrown away doesn't come back."))
        return redirect("desk_signups")
    count = signups.throw_away(_who(request), now(), busiest=request.POST.get("whose") != "all")
    messages.success(request, _("Thrown away: %d.") % count)
    return redirect("desk_signups")


def _who(request: HttpRequest) -> str:
    return request.user.get_username()[:150]
