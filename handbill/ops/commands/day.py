"""One step of the day by hand: fetch, publish, digest, send."""

from __future__ import annotations

from datetime import datetime

import click

from handbill.kit.clock import now
from handbill.ops.cli import command
from handbill.ops.output import OK, PARTIAL, emit


@command()
@click.option("--all", "everything", is_flag=True, help="Every feed, whether due or not.")
def fetch(everything: bool, as_json: bool) -> int:
    """Fetch the feeds that are due, file their reports and group them into stories."""
    from handbill.ops.steps import fetch_and_group
    from handbill.sources.actions import make_all_due

    if everything:
        make_all_due(now())
    result = fetch_and_group(lambda line: click.echo(line, err=True))
    text = "feeds fetched: {fetched}, failed: {failed}, new reports: {filed}, stories: {stories}".format(**result)
    emit(result, text, as_json)
    return PARTIAL if result["failed"] else OK


@command()
@click.option("--auto", is_flag=True, help="Take the day's top stories first.")
@click.option("--all", "everything", is_flag=True, help="Write every page anew, changed or not.")
def publish(auto: bool, everything: bool, as_json: bool) -> int:
    """Build what changed of the public site into the newsroom's site/ folder."""
    from handbill.ops.steps import publish_site

    result = publish_site(auto=auto, everything=everything)
    text = "{written} pages written, {removed} removed, {pages} in all: {folder}".format(**result)
    if result["failed"]:
        text += "\n{failed} pages could not be written and stay as they were; the log above says why".format(**result)
    emit(result, text, as_json)
    return PARTIAL if result["failed"] else OK


@command()
@click.option("--dry-run", is_flag=True, help="The default, and all this command does: nothing is sent.")
@click.option("--for", "address", metavar="ADDRESS", help="What this reader would get, or why nothing.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Another day than today.")
@click.option("--open", "show", is_flag=True, help="Open the first letter in a browser.")
def digest(dry_run: bool, address: str | None, day: datetime | None, show: bool, as_json: bool) -> int:
    """Show what a day's issues would be, to how many readers, and why not; sends nothing."""
    from handbill.digest import queries
    from handbill.ops.steps import describe, describe_reader, open_letter

    local = day.date() if day else None
    if address:
        reader = queries.dry_run_for(address, now(), local)
        letters = [reader.letter] if reader.letter else []
        emit(*describe_reader(reader), as_json)
    else:
        plan = queries.dry_run(now(), local)
        letters = list(plan.letters)
        emit(*describe(plan), as_json)
    if show and letters:
        click.echo(open_letter(letters[0]), err=True)
    return OK


@command()
@click.option("--to", "address", metavar="ADDRESS", help="Only a test copy of today's issue, marked as one.")
def send(address: str | None, as_json: bool) -> int:
    """Send today's issue to every reader. Repeating it goes on where it stopped and repeats no mail."""
    from handbill.ops.steps import send_issue, send_test_copy

    result = send_test_copy(address) if address else send_issue(lambda line: click.echo(line, err=True))
    emit(result, str(result["said"]), as_json)
    return PARTIAL if result["refused"] or result["deferred"] else OK
