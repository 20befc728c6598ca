"""Every format and every wild feed there is a name for: a small feed, and beside it what is read from it.

``golden/feeds/NAME.xml`` holds the document (whatever its format), ``NAME.json`` the reading. To take the readings anew
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
NAMES = sorted(path.stem for path in FEEDS.glob("*.xml"))
LEFT_OUT = {"marks", "identity", "fingerprint", "body_html", "text"}


def reading(name: str) -> dict[str, Any]:
    found = asdict(read_document((FEEDS / f"{name}.xml").read_bytes(), address=ADDRESS))
    entries = [{key: value for key, value in entry.items() if key not in LEFT_OUT} for entry in found["entries"]]
    told = {key: value for key, value in found.items() if key not in LEFT_OUT} | {"entries": entries}
    plain_values: dict[str, Any] = json.loads(json.dumps(told, default=lambda moment: moment.isoformat()))
    return plain_values


@pytest.mark.parametrize("name", NAMES)
def test_each_feed_is_read_as_it_stands_beside_it(name: str) -> None:
    assert reading(name) == json.loads((FEEDS / f"{name}.json").read_text())


if __name__ == "__main__":
    for each in NAMES:
        text = json.dumps(reading(each), indent=1, ensure_ascii=False)
        (FEEDS / f"{each}.json").write_text(text + "\n")
