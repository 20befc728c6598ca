"""Stories: what the desk's first page of the list costs, ranked among a thousand stories of three reports each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import django

from bench.gather_round import fresh_newsroom
from bench.rows import Row, at_most

STORIES, EACH, TRIES = 1_000, 3, 5
MOST_MS = 100  # a tenth of a second is felt as at once (Nielsen, 1993), and a page has more to do


def page(articles: Path) -> Iterator[Row]:
    """The least of TRIES, the first of which warms up; on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        newsroom = fresh_newsroom(Path(folder) / "paper")
        command = [sys.executable, "-m", "bench.stories_triage", str(articles)]
        found = json.loads(subprocess.run(command, env=newsroom, check=True, stdout=subprocess.PIPE, text=True).stdout)
    name = f"the list's first {found['shown']} of {STORIES:,} stories of {EACH} reports"
    yield at_most(name, found["ms"], "CPU ms", MOST_MS)


def main(articles: str) -> None:
    """Fill, measure, print."""
    django.setup()
    from bench.stories_newsroom import fill
    from handbill.stories.models import Member, Story
    from handbill.stories.queries import triage
    from handbill.stories.summing import sum_up

    fill(STORIES * EACH, STORIES * EACH, Path(articles))
    stories = list(Story.objects.order_by("pk").values_list("pk", flat=True))
    members = list(Member.objects.order_by("pk"))
    for number, member in enumerate(members):
        member.story_id = stories[number // EACH]
    Member.objects.bulk_update(members, ["story"], batch_size=500)
    sum_up(stories)
    costs = []
    for _ in range(TRIES):
        began = time.process_time()
        shown = len(triage())
        costs.append(time.process_time() - began)
    print(json.dumps({"ms": 1000 * min(costs), "shown": shown}))


if __name__ == "__main__":
    main(*sys.argv[1:])
