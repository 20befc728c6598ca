"""The senders in Python, each in a process of its own: ``python -m bench.send_python NAME PORT COUNT [KEY=VALUE…]``.

Prints one JSON object: CPU and wall seconds of the sending, and the peak of the resident memory in MB.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import smtplib
import ssl
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench import send_letter as letter
from handbill.delivery.engine.greeting import Terms
from handbill.delivery.engine.loop import send_all
from handbill.delivery.engine.outcome import Copy
from handbill.delivery.engine.pool import Limits, Manners, Pool
from handbill.delivery.engine.protocol import Told
from handbill.delivery.engine.stamp import Stamp, compile_letter, compile_piece
from handbill.kit.mail_settings import Relay

AT = datetime(2026, 11, 26, 6, tzinfo=UTC)
Options = dict[str, str]


def ours(port: int, count: int, options: Options) -> Callable[[], None]:
    """The engine, over a relay whose manners are known; ``distinct``: each reader's letter is another."""
    same = one_letter()
    stamp_of = _distinct() if "distinct" in options else lambda number: same
    numbers = iter(range(count))
    accepted = 0

    def source(most: int) -> list[Copy] | None:
        return [_copy(stamp_of(number), number) for number in itertools.islice(numbers, most)] or None

    def report(pool: Pool, told: list[Told]) -> None:
        nonlocal accepted
        accepted += sum(outcome.state == "accepted" for _, outcome in told)

    secure = "tls" in options
    context = ssl.create_default_context(cafile=options["tls"]) if secure else None
    limits = Limits(connections=int(options.get("connections", 10)), window=int(options.get("window", 20)))
    relay = Relay("sink", "127.0.0.1", port, "smtps" if secure else "smtp")

    def send() -> None:
        pool = Pool(Terms(relay), source, limits, manners=Manners(proven=True), context=context)
        send_all([pool], report)
        if accepted != count:
            raise SystemExit(f"{accepted} of {count} accepted. {pool.trouble or ''}")

    return send


def _copy(stamp: Stamp, number: int) -> Copy:
    to = letter.reader(number)
    parts, size = stamp.parts(to, f"{number:040x}@paper.example", AT, letter.token(number))
    return Copy(number, stamp.envelope_from, to, parts, size)


def one_letter() -> Stamp:
    """The letter compiled as ours."""
    html, text = letter.whole()
    return compile_letter(
        sender=letter.SENDER, subject=letter.SUBJECT, html=html, text=text, one_click=letter.ONE_CLICK
    )


def _distinct() -> Callable[[int], Stamp]:
    tops = [compile_piece(written) for written in (letter.HTML_TOP, letter.TEXT_TOP)]
    ends = [compile_piece(written) for written in (letter.HTML_END, letter.TEXT_END)]
    blocks = [(compile_piece(html), compile_piece(text)) for html, text in letter.articles()]
    dice = random.Random(9)
    chosen = [dice.sample(blocks, letter.CHOSEN) for _ in range(5_000)]

    def compiled(number: int) -> Stamp:
        html, text = zip(*chosen[number % len(chosen)], strict=True)
        return compile_letter(
            sender=letter.SENDER,
            subject=letter.SUBJECT,
            html=[tops[0], *html, ends[0]],
            text=[tops[1], *text, ends[1]],
            one_click=letter.ONE_CLICK,
        )

    return compiled


def prebuilt(port: int, count: int, options: Options) -> Callable[[], None]:
    """smtplib with the bytes of one copy, over one connection."""
    data = one_letter().copy("reader@mail.example", "a@paper.example", AT, letter.token(0))

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port) as wire:
            for number in range(count):
                wire.sendmail("news@paper.example", [letter.reader(number)], data)

    return send


def django(port: int, count: int, options: Options) -> Callable[[], None]:
    """Django's send loop: an EmailMultiAlternatives for each reader, one connection."""
    from django.conf import settings
    from django.core.mail import EmailMultiAlternatives, get_connection

    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=port)
    html, text = letter.whole()

    def message(number: int) -> EmailMultiAlternatives:
        token = letter.token(number)
        headers = {
            "List-Unsubscribe": f"<{letter.ONE_CLICK.replace(letter.SLOT, token)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        made = EmailMultiAlternatives(
            letter.SUBJECT,
            text.replace(letter.SLOT, token),
            letter.SENDER,
            [letter.reader(number)],
            headers=headers,
        )
        made.attach_alternative(html.replace(letter.SLOT, token), "text/html")
        return made

    def send() -> None:
        connection = get_connection("django.core.mail.backends.smtp.EmailBackend")
        connection.open()
        for number in range(count):
            connection.send_messages([message(number)])
        connection.close()

    return send


SENDERS = {"ours": ours, "prebuilt": prebuilt, "django": django}


def main() -> None:
    """Measure one sender."""
    name, port, count, *given = sys.argv[1:]
    send = SENDERS[name](int(port), int(count), dict(pair.split("=", 1) for pair in given))
    cpu, wall = time.process_time(), time.perf_counter()
    send()
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    print(json.dumps({**spent, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
