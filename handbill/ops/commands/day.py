"""One step of the day by hand: fetch, publish, digest, send."""

from __future__ import annotations

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
def digest(dry_run: bool, as_json: bool) -> int:
    """Show what today's issue would be, to how many readers, and why not; sends nothing."""
    from handbill.digest.queries import dry_run as ask
    from handbill.ops.steps import describe

    plan = ask(now())
    emit(*describe(plan), as_json)
    return OK


@command()
@click.option("--to", "address", metavar="ADDRESS", help="Only a test copy of today's issue, marked as one.")
def send(address: str | None, as_json: bool) -> int:
    """Send today's issue to every reader. Repeating it goes on where it stopped and repeats no mail."""
    from handbill.ops.steps import send_issue, send_test_copy

    result = send_test_copy(address) if address else send_issue(lambda line: click.echo(line, err=True))
    emit(result, str(result["said"]), as_json)
    return PARTIAL if result["refused"] or result["deferred"] else OK
