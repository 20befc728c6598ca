"""Write ``facts.json`` and ``LICENSE-caniemail`` from the npm package ``caniemail``: ``make facts``.

Of the package's data only what the check needs is kept: which feature each client shows in its newest tested version,
and by what a feature is known in HTML and CSS. Nothing is fetched here or at run time; the package comes from
``npm pack``, and its checksum must be the one that stands here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "2.0.2"
SHA512 = "lvhn4RrF2Ae3PQA3HMOVGxFPqPAxfv8HWp+xUSqJPumbzFUzQGVgFG0nl8s0sjSoBd2PgmAqB5xRF0wcPbrVcA=="
_HERE = Path(__file__).parent
_SEMANTIC = "article aside details figcaption figure footer header main mark nav section summary time"
_SELECTORS = {
    "Adjacent sibling combinator": "+",
    "Attribute selector": "[",
    "Chaining selectors": ".a.b",
    "Child combinator": ">",
    "Class selector": ".",
    "Descendant combinator": " ",
    "General sibling combinator": "~",
    "Grouping selectors": ",",
    "ID selector": "#",
    "Type selector": "a",
    "Universal selector *": "*",
}


def main(package: Path) -> None:
    """Read the package as ``npm pack`` gave it. Raises SystemExit where it is another one."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise SystemExit(f"{package} is not caniemail {VERSION}: its checksum differs. Change both together, here.")
    with tarfile.open(package) as archive:
        data = json.load(_member(archive, "package/data/caniemail.json"))
        licence = _member(archive, "package/LICENSE").read().decode()
    (_HERE / "LICENSE-caniemail").write_text(licence, "utf-8")
    (_HERE / "facts.json").write_text(json.dumps(_facts(data), ensure_ascii=False, indent=0) + "\n", "utf-8")


def _member(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(name)
    assert found is not None
    return found


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    clients = sorted({f"{a}.{b}" for one in data["data"] for a, found in one["stats"].items() for b in found})
    signs: dict[str, dict[str, str]] = {}
    for one in data["data"]:
        for kind, sign in _signs(one["title"].strip(), one["category"]):
            signs.setdefault(kind, {}).setdefault(sign, one["slug"])
    return {
        "source": f"caniemail {VERSION} (npm, MIT: see LICENSE-caniemail)",
        "updated": data["last_update_date"][:10],
        "clients": clients,
        "features": {one["slug"]: [one["title"].strip(), _support(one["stats"], clients)] for one in data["data"]},
        "signs": signs,
    }


def _support(stats: dict[str, Any], clients: list[str]) -> str:
    """A letter a client: y(es), a(lmost), n(o), u(nknown), in its newest tested version."""
    found = (stats.get(client.split(".")[0], {}).get(client.split(".")[1], {}) for client in clients)
    return "".join(list(versions.values())[-1][0] if versions else "u" for versions in found)


def _signs(title: str, category: str) -> Iterator[tuple[str, str]]:
    """By what the feature is known: kinds of sign and the sign."""
    if category == "html":
        yield from _html_signs(title)
    elif category == "image":
        yield "image", title.split()[0].lower() if "Base 64" not in title else "data:"
    elif category == "css":
        yield from _css_signs(title)


def _html_signs(title: str) -> Iterator[tuple[str, str]]:
    if found := re.search(r'<(\w+) type="(\w+)">', title):
        yield "element", f"{found[1]}[{found[2]}]"
    elif title == "<h1> to <h6> elements":
        yield from (("element", f"h{level}") for level in range(1, 7))
    elif title == "HTML5 semantics":
        yield from (("element", name) for name in _SEMANTIC.split())
    elif title.endswith(("attribute", "attributes")):
        yield from (
            ("attribute", name) for name in re.findall(r"[a-z][a-z-]+", title.rpartition(" ")[0]) if name != "and"
        )
    elif title == "color-scheme meta tag":
        yield "meta", "color-scheme"
    elif title in ("HTML comments", "Local anchors", "mailto: links"):
        yield "special", title
    else:
        yield from (("element", name) for name in re.findall(r"<(\w+)>", title) or re.findall(r"^\w+$", title))


def _css_signs(title: str) -> Iterator[tuple[str, str]]:
    bare = re.sub(r" (shorthand|property|CSS property)$", "", title)
    if title in _SELECTORS:
        yield "selector", _SELECTORS[title]
    elif title.startswith("@"):
        yield from (("at", name) for name in re.findall(r"\(([\w-]+)\)", title) or [title.lstrip("@")])
    elif title.startswith(":") or title == "lang()":
        yield "pseudo", title.strip(":").removesuffix("()")
    elif title.endswith(" unit"):
        yield "unit", title.removesuffix(" unit")
    elif "()" in title:
        yield from (("function", name) for name in re.findall(r"([\w-]+)\(\)", title))
    elif found := re.fullmatch(r"([\w-]+): ?([\w-]+)", title):
        yield "value", f"{found[1]}:{found[2]}"
    elif title == "CSS Variables (Custom Properties)":
        yield "function", "var"
    elif title in ("!important keyword", "CSS comments", "CSS Nesting"):
        yield "special", title
    else:
        yield from (("property", name) for name in re.findall(r"[a-z-]{2,}", bare) if name not in ("and", "properties"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
