"""The steps of the day as functions: what a command does by hand, and what the demo does in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click
from django.conf import settings

from handbill.articles import actions as articles
from handbill.articles import teaching
from handbill.delivery import actions as delivery
from handbill.delivery import queries as deliveries
from handbill.digest import actions as digest
from handbill.digest.records import DryIssue, DryLetter, DryReader, DryRun, Sent
from handbill.kit.clock import now
from handbill.kit.errors import TryLater
from handbill.site import actions as site
from handbill.stories import actions as stories
from handbill.wire import actions as wire

Say = Callable[[str], None]


def fetch_and_group(say: Say) -> dict[str, int]:
    """Fetch every due feed, then group all reports that wait; counts of both."""
    counts = {"fetched": 0, "failed": 0, "not_modified": 0, "entries": 0, "filed": 0, "stories": 0}
    while True:
        done = wire.fetch_due(now())
        if done.busy:
            say("A round of fetching is running already; what is due is fetched by it.")
        if not done.fetched + done.failed:
            break
        for name in ("fetched", "failed", "not_modified", "entries", "filed"):
            counts[name] += getattr(done, name)
        say(f"{counts['fetched']} feeds fetched, {counts['failed']} failed, {counts['filed']} new reports")
    while (mails := wire.take_in_mails(now())).any:
        counts["filed"] += mails.filed
    while (grouped := stories.group_pending(now())).reports:
        counts["stories"] += grouped.stories
    return counts


def publish_site(*, auto: bool, everything: bool) -> dict[str, Any]:
    """Publish what is scheduled, take the top stories if asked, and build what changed."""
    articles.publish_scheduled(now())
    taken = articles.take_top_stories(settings.HANDBILL.auto_stories, now()) if auto else 0
    if everything:
        site.rebuild_all(now())
    site.take_up(now())
    built = site.build(now())
    if built.busy:
        raise TryLater("Another process is building the site. It will build these changes too; look again in a minute.")
    teaching.tell_choices(now())
    stories.learn_topics(now())
    return {
        "taken": taken,
        "written": built.written,
        "removed": built.removed,
        "unchanged": built.unchanged,
        "failed": built.failed,
        "pages": built.pages,
        "folder": str(settings.HANDBILL.site_folder),
    }


def send_issue(say: Say) -> dict[str, Any]:
    """Plan, compose and hand over today's issue, then send until nothing is due now.

    Raises TryLater when no relay takes mail: what is left waits and goes out with the next call or tick.
    """
    sent = digest.send_now(now())
    counts = drain(say)
    return {"issue": str(sent.date), "letters": sent.letters, **counts, "said": _told(sent)}


def _told(sent: Sent) -> str:
    """How the whole issue stands, whoever sent which of its mails."""
    if sent.waits:
        return f"{sent.date:%Y-%m-%d}: {sent.letters} letters are written. {sent.waits}"
    if not sent.letters:
        return "Nothing to send: no new articles, or nobody to read them. `handbill digest --dry-run` says more."
    state = deliveries.progress(sent.reference)
    before = " It was handed over before; nothing is repeated." if sent.already else ""
    return (
        f"{sent.date:%Y-%m-%d}: {sent.letters} letters for {state.total} readers: {state.accepted} accepted,"
        f" {state.refused} refused, {state.total - state.accepted - state.refused} not settled yet.{before}"
    )


def send_test_copy(address: str) -> dict[str, Any]:
    """Send a marked copy of today's issue to one address."""
    digest.send_test(address, now())
    counts = drain(lambda line: None)
    return {**counts, "said": "Test copy accepted by the relay." if counts["accepted"] else "Not accepted yet."}


def drain(say: Say) -> dict[str, int]:
    """Send what is due now, batch by batch."""
    counts = {"accepted": 0, "deferred": 0, "refused": 0, "in_doubt": 0, "suppressed": 0, "lapsed": 0, "later": 0}
    while deliveries.is_anything_due(now()):
        done = delivery.send_batch(now())
        if not any(getattr(done, name) for name in counts):
            raise TryLater("Another worker is sending these mails, or no relay takes them now. Look again in a minute.")
        for name in counts:
            counts[name] += getattr(done, name)
        say(f"{counts['accepted']} accepted, {counts['deferred']} deferred, {counts['refused']} refused")
    return counts


def describe(run: DryRun) -> tuple[dict[str, Any], str]:
    """A dry run as data and as text."""
    issues = [_issue_data(one) for one in run.issues]
    data = {
        "date": str(run.date),
        "articles": run.articles,
        "readers": run.readers,
        "letters": [letter for one in issues for letter in one["letters"]],
        "issues": issues,
        "why": run.why,
    }
    lines = []
    for one in run.issues:
        when = "" if one.slot == "daily" else f" ({one.slot})"
        counts = f"{one.articles} articles, {one.readers} readers, {len(one.letters)} letters"
        lines.append(f"Issue of {one.date:%Y-%m-%d}{when}: {counts}")
        lines += [f"  {x.readers:>6} readers  {x.articles:>2} articles  {x.subject}{_cut(x)}" for x in one.letters]
        lines += [f"  {one.readers_without:>6} readers get nothing: no news on their topics"] * bool(
            one.readers_without
        )
        lines += [line for line in (*one.notices, one.why) if line and line != run.why]
    return data, "\n".join([*lines, *([run.why] if run.why else [])])


def _issue_data(one: DryIssue) -> dict[str, Any]:
    return {
        "date": str(one.date),
        "slot": one.slot,
        "opens": one.opens.isoformat(),
        "closes": one.closes.isoformat(),
        "articles": one.articles,
        "readers": one.readers,
        "readers_without": one.readers_without,
        "letters": [_letter_data(letter) for letter in one.letters],
        "why": one.why,
        "notices": list(one.notices),
    }


def _letter_data(letter: DryLetter) -> dict[str, Any]:
    told = ("subject", "readers", "articles", "headlines", "topics", "language", "html_bytes")
    cuts = [{"place": cut.place, "what": cut.what} for cut in letter.cuts]
    return {**{name: getattr(letter, name) for name in told}, "cuts": cuts}


def _cut(letter: DryLetter) -> str:
    """What was cut so that the letter stays small: " (too long: 12 excerpts shortened, 3 as headlines only)"."""
    counts = Counter(cut.what for cut in letter.cuts)
    names = {
        "headline": ("headline shortened", "headlines shortened"),
        "excerpt": ("excerpt shortened", "excerpts shortened"),
        "headline only": ("as a headline only", "as headlines only"),
        "left out": ("left out", "left out"),
    }
    told = ", ".join(f"{counts[what]} {words[counts[what] > 1]}" for what, words in names.items() if counts[what])
    return f" (too long: {told})" if told else ""


def describe_reader(run: DryReader) -> tuple[dict[str, Any], str]:
    """What one reader would get, as data and as text."""
    due = run.due.isoformat() if run.due else None
    data = {"letter": _letter_data(run.letter) if run.letter else None, "why": run.why, "next_issue": due}
    lines = [f"{run.letter.subject}", *(f"  {line}" for line in run.letter.headlines)] if run.letter else [run.why]
    return data, "\n".join([*lines, *([f"Next issue due: {run.due:%Y-%m-%d %H:%M %Z}"] if run.due else [])])


def open_letter(letter: DryLetter) -> str:
    """Put a letter into a file of the newsroom that only its owner may read, and open it; where it is."""
    folder = settings.HANDBILL.run_folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("letter.html" if letter.html_bytes else "letter.txt")
    path.touch(mode=0o600)
    path.write_text(letter.html, "utf-8")
    click.launch(str(path))
    return str(path)
