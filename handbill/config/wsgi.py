"""What the two web servers run: ``public`` (the built site's files in front, Django behind) and ``desk``."""

import os
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "handbill.config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from handbill.site.serve import SiteFiles

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_django = get_wsgi_application()


def _face(name: str) -> Application:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return _django({**environ, "handbill.face": name}, start_response)

    return application


desk = _face("desk")
public = SiteFiles(settings.HANDBILL.site_folder, _face("public"), form_action=settings.HANDBILL.public_address)
