"""Every format and every wild feed there is a name for: a small feed, and beside it what is read from it.

``golden/feeds/NAME.xml`` holds the document (whatever its format), ``NAME.html`` a page without a feed, ``NAME.json``
the reading. To take the readings anew
after a change that is meant, run this module: ``python -m tests.pure.test_wire_golden``.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from handbill.wire.read import read_document

FEEDS = Path(__file__).parent / "golden" / "feeds"
ADDRESS = "https://outlet.example/news/feed.xml"
PATHS = sorted(path for path in FEEDS.iterdir() if path.suffix != ".json")
SELECTORS = {"page-by-selector": "footer a"}
LEFT_OUT = {"marks", "identity", "fingerprint", "body_html", "text"}


def reading(path: Path) -> dict[str, Any]:
    page, selector = path.suffix == ".html", SELECTORS.get(path.stem, "")
    found = asdict(read_document(path.read_bytes(), address=ADDRESS, page=page, selector=selector))
    entries = [{key: value for key, value in entry.items() if key not in LEFT_OUT} for entry in found["entries"]]
    told = {key: value for key, value in found.items() if key not in LEFT_OUT} | {"entries": entries}
    plain_values: dict[str, Any] = json.loads(json.dumps(told, default=lambda moment: moment.isoformat()))
    return plain_values


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_feed_is_read_as_it_stands_beside_it(path: Path) -> None:
    assert reading(path) == json.loads(path.with_suffix(".json").read_text())


if __name__ == "__main__":
    for each in PATHS:
        each.with_suffix(".json").write_text(json.dumps(reading(each), indent=1, ensure_ascii=False) + "\n")
