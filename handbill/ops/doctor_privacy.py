"""What is kept of people: of each kind how much, how long, and what should be gone; proofs, marks, and keys' age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parseaddr

from django.conf import settings

from handbill.kit.keys import load_key
from handbill.ops.doctor import OK, WARN, WRONG, Finding
from handbill.ops.retention import kept, last_enforced
from handbill.ops.rotate import CHANGED
from handbill.subscribers.lists_in.asking import held
from handbill.subscribers.lists_out import exports_since
from handbill.subscribers.retention import without_evidence

MISSED = timedelta(days=2)
LATELY = timedelta(days=90)
OLD_KEY = timedelta(days=365)


def examine_privacy(now: datetime) -> Iterator[Finding]:
    """All findings; WRONG where something personal is kept for longer than it should be, or without proof."""
    yield from _kept(now)
    yield _night(now)
    yield from _proofs()
    yield from _marks(now)
    yield from _keys(now.date())


def _kept(now: datetime) -> Iterator[Finding]:
    for one in kept(now):
        what = f"{one.what}: {one.rows:,}, kept {one.how_long}"
        if one.late:
            yield Finding(
                WRONG, f"{what}; {one.late:,} should be gone", "Start `handbill run`, and look into run/worker.log."
            )
        else:
            yield Finding(OK, what)


def _night(now: datetime) -> Finding:
    last = last_enforced()
    if last is None or now - last > MISSED:
        said = f"last on {last:%Y-%m-%d %H:%M} UTC" if last else "never yet"
        return Finding(WARN, f"what is old was forgotten {said}", "Let `handbill run` run: it does so every night.")
    return Finding(OK, f"what is old was last forgotten on {last:%Y-%m-%d %H:%M} UTC")


def _proofs() -> Iterator[Finding]:
    if missing := without_evidence():
        yield Finding(
            WRONG,
            f"readers of whose consent nothing is written down: {missing:,}",
            "Bring their list in again with --proof, which writes down your word; end those you can't speak for.",
        )
    else:
        yield Finding(OK, "of every reader it is written down when and how they consented")
    if waiting := held().count():
        yield Finding(
            WARN,
            f"held, since their list had no proof of consent: {waiting:,}",
            "`handbill subscribers ask-again` asks them once; else they are forgotten.",
        )


def _marks(now: datetime) -> Iterator[Finding]:
    taken = exports_since(now - LATELY)
    for export in taken:
        yield Finding(
            OK, f"{export.by} took out {export.rows:,} rows ({export.kind}) on {export.at:%Y-%m-%d %H:%M} UTC"
        )
    domain = settings.HANDBILL.canary_domain or parseaddr(settings.HANDBILL.from_address)[1].rpartition("@")[2]
    if "." in domain:
        yield Finding(OK, f"lists that are taken out are marked with an address at {domain}; in 90 days: {len(taken)}")
    else:
        yield Finding(WARN, "no list can be taken out: nothing marks it", "Write canary_domain into handbill.toml.")


def _keys(today: date) -> Iterator[Finding]:
    folder = settings.HANDBILL.keys_folder
    if (folder / "changing").exists():
        yield Finding(WARN, "the keys are being changed", "If nobody is at it, `handbill keys rotate` goes on with it.")
    for purpose in CHANGED:
        path = folder / f"{purpose}.key"
        key = load_key(path)
        made = key.made.get(key.current) or datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        if today - made > OLD_KEY:
            yield Finding(WARN, f"the {purpose} key is of {made}", "`handbill keys rotate` changes it, while all runs.")
        else:
            yield Finding(OK, f"the {purpose} key is of {made}")
