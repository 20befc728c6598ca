"""Hand over copies and send them: ``python sending.py REFERENCE COUNT DOMAIN``, in the newsroom of the environment."""

from __future__ import annotations

import os
import sys


def main(reference: str, count: int, domain: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "handbill.config.settings"
    import django

    django.setup()
    from handbill.delivery import actions
    from handbill.delivery.records import LetterBody, Recipient
    from handbill.kit.clock import now

    letter = LetterBody("main", "news@paper.example", "Today", "<p>Hi</p>", "Hi")
    people = (Recipient(f"{reference}-{n}", f"reader{n}@{domain}", "main") for n in range(count))
    actions.hand_over(reference, "issue", [letter], people, now())
    print("handed over", flush=True)
    if sys.stdin.readline():
        print(actions.send_batch(now(), 10_000), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
