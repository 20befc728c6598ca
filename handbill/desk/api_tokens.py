"""The API's tokens at the desk: made for another tool, shown once, withdrawn. For admins alone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from handbill.desk.lists import who
from handbill.desk.screen import Screen, require
from handbill.kit.clock import now
from handbill.kit.errors import GiveUp
from handbill.subscribers.api import tokens

MAKE = "subscribers.add_apitoken"
SCOPES = {
    "topics:read": gettext_lazy("read the topics"),
    "subscribers:read": gettext_lazy("look readers up and list them, without addresses"),
    "subscribers:write": gettext_lazy("ask an address to confirm, end what a reader gets, change their topics"),
}


class TokensView(Screen):
    """All tokens, and the form for another. The one that was just made is in this answer and nowhere else."""

    template_name = "desk/api_tokens.html"
    header_icon = "key"
    permission = MAKE

    def get_page_title(self) -> str:
        return _("Tokens of other tools")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make one."""
        form = request.POST
        name, scopes = form.get("name", "").strip(), form.getlist("scope")
        try:
            made = tokens.make(name, scopes, who(request), now())
        except GiveUp as error:
            context = self.get_context_data(fault=str(error), name=name[:60], chosen=scopes)
        else:
            context = self.get_context_data(made=made, made_name=name)
        answer = self.render_to_response(context)
        answer["Cache-Control"] = "no-store"
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = [(one, [SCOPES.get(scope, scope) for scope in one.scopes], used) for one, used in tokens.tokens()]
        chosen = kwargs.get("chosen", ())
        scopes = [(scope, said, scope in chosen) for scope, said in SCOPES.items()]
        return {**super().get_context_data(**kwargs), "tokens": rows, "scopes": scopes}


@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Let a token open nothing from now on."""
    require(request, MAKE)
    try:
        tokens.withdraw(request.POST.get("name", ""), who(request), now())
    except GiveUp as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Withdrawn: it opens nothing any more."))
    return redirect("desk_api_tokens")
