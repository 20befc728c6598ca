"""A link's token is a key: no address of the public listener that has one leaves it in the log, also the next one."""

import logging
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver

from handbill.config.logs import WithoutTokens

TOKEN = "2f6c2c1e-6f0b-4f0e-9a53-0c6f4e0d9b11.abcdefghijklmnopqrstuv"


def routes(patterns, before=""):
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, before + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield before + str(each.pattern)


def test_every_address_with_a_token_is_cut_in_the_log():
    found = [route for route in routes(get_resolver("handbill.config.urls_public").url_patterns) if "token>" in route]
    assert len(found) >= 13
    for route in found:
        path = "/" + route.replace("<str:token>", TOKEN).replace("<slug:token>", TOKEN)
        record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (path,), None)
        assert WithoutTokens().filter(record) and TOKEN not in record.getMessage(), route


def test_no_address_reaches_the_log() -> None:
    """Whoever typed it, wherever: in a path that leads nowhere, plain or as a browser writes it, or in an error."""
    bob = "bob.o'reads+news@readers.example"
    for text in (bob, quote(bob), quote(bob, safe=""), f"/x/{bob}/", f"/x?a={bob}&b", f"<{bob}>:", f'"{bob}"'):
        record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (text,), None)
        assert WithoutTokens().filter(record)
        said = record.getMessage()
        assert said.startswith("Not Found: ") and "readers.example" not in said and "reads" not in said, said
