"""Lists of readers at the desk: given in, looked at, brought in; taken out. For admins alone (ADR-0106).

A file goes straight into the newsroom's private folder as it comes, once it is known who sends it; no page and no
address of a page holds anything of a row but its number and what becomes of it.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from handbill.desk import list_words as words
from handbill.desk.screen import Screen, require
from handbill.kit.clock import now
from handbill.kit.errors import GiveUp
from handbill.subscribers import lists_out
from handbill.subscribers.lists_in import uploads
from handbill.subscribers.models import Upload

BRING, TAKE = "subscribers.add_import", "subscribers.add_export"
SHOWN = 100  # rows a page
MOST_PAGES = 100_000
FORM_BYTES = 64 * 1024  # what a form adds to its file
BUSY_SECONDS, QUIET_SECONDS = 2, 600  # between two looks


class ListsView(Screen):
    """Give a list in, or take it out."""

    template_name = "desk/lists.html"
    header_icon = "group"
    permission = BRING

    def get_page_title(self) -> str:
        return _("Lists of readers")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        given = [(one, words.STATES[one.state]) for one in uploads.recent(now())]
        return {
            **super().get_context_data(**kwargs),
            "programs": uploads.NAMES,
            "given": given,
            "may_take": self.request.user.has_perm(TAKE),
            "kinds": lists_out.KINDS,
            "taken": lists_out.last_exports(),
            "most": uploads.MOST_BYTES // 1024**2,
        }


class ListView(Screen):
    """One list: how far it is, what becomes of its rows, and the buttons."""

    template_name = "desk/list.html"
    header_icon = "group"
    permission = BRING

    def get_page_title(self) -> str:
        return _("List of readers")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        upload = get_object_or_404(Upload, pk=kwargs["upload_id"])
        return {
            **super().get_context_data(**kwargs),
            **_standing(upload),
            **({} if upload.state in uploads.UNDER_WAY else _rows(upload, self.request)),
        }


@require_GET
def now_part(request: HttpRequest, upload_id: int) -> HttpResponse:
    """The part of a list's page that changes while it is worked on."""
    require(request, BRING)
    return render(request, "desk/list_now.html", _standing(get_object_or_404(Upload, pk=upload_id)))


@require_GET
def fates(request: HttpRequest, upload_id: int) -> HttpResponseBase:
    """What becomes of each row, as a table to download: file, row, fate, reason; no address."""
    require(request, BRING)
    path = uploads.fates_file(get_object_or_404(Upload, pk=upload_id))
    if not path.exists():
        raise Http404
    answer = FileResponse(path.open("rb"), as_attachment=True, filename="fates.csv", content_type="text/csv")
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@csrf_exempt
def give_in(request: HttpRequest) -> HttpResponseBase:
    """Take a file in to be tried. Nothing of it is read before it is known that the sender may."""
    if not request.user.has_perm(BRING):
        return HttpResponseForbidden()
    if int(request.META.get("CONTENT_LENGTH") or 0) > uploads.MOST_BYTES + FORM_BYTES:
        messages.error(request, _too_large())
        return redirect("desk_lists")
    request.upload_handlers = [PrivateFiles(request)]
    return _give_in(request)


@csrf_protect
def _give_in(request: HttpRequest) -> HttpResponse:
    given = request.FILES.get("file")
    if not isinstance(given, PrivateFile) or not given.size:
        messages.error(request, _too_large())
        return redirect("desk_lists")
    form = request.POST
    try:
        upload = uploads.give_in(
            given.private, given.name or "", form.get("program", ""), form.get("proof", ""), who(request), now()
        )
    except GiveUp as error:
        messages.error(request, str(error))
        return redirect("desk_lists")
    given.kept = True
    return redirect("desk_list", upload.pk)


@require_POST
def go_ahead(request: HttpRequest, upload_id: int) -> HttpResponse:
    """Bring in what was tried."""
    require(request, BRING)
    if not uploads.go_ahead(upload_id, who(request), now()):
        messages.error(request, _("It can't be brought in any more: look at how it stands."))
    return redirect("desk_list", upload_id)


@require_POST
def throw_away(request: HttpRequest, upload_id: int) -> HttpResponse:
    """Forget a list and its file."""
    require(request, BRING)
    if uploads.throw_away(upload_id):
        messages.success(request, _("Thrown away. Nothing of the file is left."))
        return redirect("desk_lists")
    messages.error(request, _("It is being brought in, and can't be thrown away now."))
    return redirect("desk_list", upload_id)


@require_POST
def take_out(request: HttpRequest) -> HttpResponseBase:
    """The whole list as a file. It is recorded, told to the other admins and marked before anything leaves."""
    require(request, TAKE)
    kind = request.POST.get("kind", "")
    if kind not in lists_out.KINDS or "sure" not in request.POST:
        messages.error(request, _("Choose a format and tick the box: the other admins are told."))
        return redirect("desk_lists")
    try:
        _record, file = lists_out.as_file(kind, getattr(request.user, "email", "") or who(request), now())
    except GiveUp as error:
        messages.error(request, str(error))
        return redirect("desk_lists")
    answer = FileResponse(file, as_attachment=True, filename=f"readers.{kind}", content_type="application/octet-stream")
    answer["Cache-Control"] = "no-store"
    return answer


def who(request: HttpRequest) -> str:
    """The name somebody logs in with."""
    return request.user.get_username()[:150]


class PrivateFile(UploadedFile):
    """A file of the newsroom's private folder; gone with its request unless it is ``kept``."""

    def __init__(self, file: Any, private: str, **facts: Any) -> None:
        super().__init__(file, **facts)
        self.private, self.kept = private, False

    def close(self) -> None:
        super().close()
        if not self.kept:
            (uploads.folder() / self.private).unlink(missing_ok=True)


class PrivateFiles(FileUploadHandler):
    """Writes the form's one file where it stays, as it comes; other files are passed over."""

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != "file" or hasattr(self, "file"):
            raise SkipFile
        self.private = secrets.token_hex(16)
        self.file = os.fdopen(uploads.private(self.private), "w+b")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > uploads.MOST_BYTES:
            self.upload_interrupted()
            raise StopUpload(connection_reset=True)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self.file.flush()
        return PrivateFile(self.file, self.private, name=self.file_name, size=file_size)

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
            (uploads.folder() / self.private).unlink(missing_ok=True)


def _too_large() -> str:
    return _("Choose a file of at most %d MiB. Larger ones come in by the command line.") % (
        uploads.MOST_BYTES // 1024**2
    )


def _standing(upload: Upload) -> dict[str, Any]:
    busy = upload.state in uploads.UNDER_WAY
    counts = [(fate, words.FATES[fate], upload.counts[fate]) for fate in uploads.ORDER if fate in upload.counts]
    return {
        "upload": upload,
        "state": words.STATES[upload.state],
        "busy": busy,
        "seconds": BUSY_SECONDS if busy else QUIET_SECONDS,
        "rows": sum(upload.counts.values()),
        "counts": counts,
    }


def _rows(upload: Upload, request: HttpRequest) -> dict[str, Any]:
    fate = request.GET.get("fate", "")
    fate = fate if fate in uploads.ORDER else ""
    given = request.GET.get("page", "1")
    page = min(int(given), MOST_PAGES) if given.isascii() and given.isdigit() and 0 < len(given) < 7 else 1
    page = max(page, 1)
    found = list(uploads.fates(upload, fate, (page - 1) * SHOWN, SHOWN + 1))
    shown = [(table, row, words.FATES[what], words.reason(why)) for table, row, what, why in found[:SHOWN]]
    return {
        "fate": fate,
        "fate_words": words.FATES.get(fate, ""),
        "shown": shown,
        "page": page,
        "before": page - 1,
        "after": page + 1 if len(found) > SHOWN else 0,
    }
