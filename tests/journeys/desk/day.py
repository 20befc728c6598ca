"""A reader who signs up, or the sending at a moment: ``day.py reader ADDRESS``, ``day.py send MOMENT``."""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timedelta


def main(what: str, given: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "handbill.config.settings"
    import django

    django.setup()
    from handbill.delivery import actions as delivery
    from handbill.delivery.models import Body
    from handbill.digest import actions as digest
    from handbill.kit.clock import now
    from handbill.subscribers import actions as subscribers

    if what == "reader":
        begun = now() - timedelta(days=3)
        subscribers.ask(given, begun)
        token = re.search(r"/confirm/([^/]+)/", Body.objects.order_by("-pk")[0].text)
        subscribers.confirm(token[1], begun)
        delivery.send_batch(now())
    else:
        moment = datetime.fromisoformat(given)
        print(digest.send_due(moment), flush=True)
        delivery.send_batch(moment, 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
