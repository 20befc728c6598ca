"""Say what is wrong with where a letter leads: links that are insecure, over-long, or tell who followed them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

LONGEST = 800  # characters; some programs cut off what is longer, or break it in two
_TRACKING = re.compile(
    r"utm_\w+|[a-z]*clid|mc_[ce]id|mkt_tok|_hs\w+|vero_\w+|pk_\w+|mtm_\w+|at_\w+|fb_\w+|igshid|ck_subscriber_id|wickedid|oly_\w+id",
    re.IGNORECASE,
)
_COUNTING = re.compile(
    r"(?:^|\.)(?:list-manage\.com|sendgrid\.net|mailgun\.org|mandrillapp\.com|sparkpostmail\.com|cmail\d+\.com|createsend1?\.com"
    r"|awstrack\.me|rs6\.net|hubspotlinks\.com|klclick\d*\.com|convertkit-mail\d*\.com|mlsend\.com)\Z",
    re.IGNORECASE,
)


def of_link(address: str) -> Iterator[tuple[str, str]]:
    """What is wrong with one address: a word for it, and what to do."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        yield "link", f"{address[:60]} is no address. Mend it."
        return
    if parts.scheme not in ("http", "https", "mailto") and not address.startswith("#"):
        yield "link", f"{address[:60]} leads nowhere from a mail. Begin it with https://."
    if parts.scheme == "http" and not host.endswith(".onion"):
        yield "insecure", f"{address[:60]} is not encrypted on its way. Use https where the site has it."
    if len(address) > LONGEST:
        yield (
            "over-long",
            f"{address[:60]}… has {len(address)} characters; programs cut off what is longer than {LONGEST}.",
        )
    if tracking := [name for name, _ in query if _TRACKING.fullmatch(name)]:
        yield "tracker", f"{address[:60]} carries {tracking[0]}, which tells who came from where. Take it out."
    if _COUNTING.search(host):
        yield "tracker", f"{host} counts who follows its links. Link to the page itself."


def of_image(source: str, width: str, height: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a picture's address and size."""
    if width.strip("px ") in ("0", "1") or height.strip("px ") in ("0", "1"):
        yield "tracker", f"{source[:60]} is a picture nobody can see: it tells who reads. Take it out."
    if not source.startswith(("https://", "cid:", "data:")):
        yield "insecure", f"{source[:60]} is not loaded by https. Programs don't show it."
