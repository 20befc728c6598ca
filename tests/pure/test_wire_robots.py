"""robots.txt: who is meant, what is refused, how long to wait, and nothing that stalls or raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbill.wire.robots import MAX_DELAY, may_fetch, may_fetch_after

PAGE = "https://outlet.example/news/a?id=1"
AGENT = "Handbill/1.0 (+https://paper.example/; The Bot Paper)"


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: *\nDisallow: /", False),
        ("\ufeffuser-agent: *\ndisallow: /news/", False),
        ("User-agent: *\nDisallow: /news/\nAllow: /news/a", True),
        ("User-agent: *\nDisallow: /*?id=", False),
        ("User-agent: *\nDisallow: /news/a$", True),
        ("User-agent: handbill\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: Handbill/2.0\nDisallow: /", False),
        ("User-agent: Handbill # not today\nDisallow: /", False),
        ("User-agent: Handbill\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: Other\nUser-agent: Handbill\nDisallow: /", False),
        ("User-agent: Handbill\nUser-agent: Other\nDisallow: /", False),
        ("User-agent: Bot\nDisallow: /", True),
        ("User-agent: Paper\nDisallow: /", True),
        ("<html><body>Not found</body></html>", True),
    ],
)
def test_the_most_exact_group_and_rule_decide(robots: str, allowed: bool) -> None:
    found = may_fetch(robots, address=PAGE, agent=AGENT)
    assert found.allowed is allowed
    assert ("asks robots not to fetch" in found.why) is not allowed
    assert may_fetch(robots.encode(), address=PAGE, agent=AGENT) == found


@pytest.mark.parametrize(
    ("lines", "delay"),
    [
        ("Crawl-delay: 2.5", 2.5),
        ("Request-rate: 1/10", 10),
        ("Request-rate: 2/1m", 30),
        ("Crawl-delay: 3\nRequest-rate: 1/2", 3),
        ("Crawl-delay: soon", 0),
        ("Crawl-delay: -1", 0),
        ("Crawl-delay: inf", 0),
        ("Crawl-delay: 1e300", MAX_DELAY),
        (f"Request-rate: 1/{'9' * 1500}", MAX_DELAY),
        (f"Request-rate: {'9' * 1500}/1", 0),
    ],
)
def test_the_wait_it_asks_for_is_kept_within_reason(lines: str, delay: float) -> None:
    robots = f"User-agent: *\n{lines}\n\nUser-agent: other\nCrawl-delay: 99"
    assert may_fetch(robots, address=PAGE, agent=AGENT).delay == delay


@pytest.mark.parametrize("address", ["", "ftp://outlet.example/", "https://user:pw@outlet.example/", "/news/a"])
def test_an_address_that_cannot_be_followed_is_not_allowed(address: str) -> None:
    assert may_fetch("", address=address, agent=AGENT).allowed is False


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (200, False),
        (204, False),
        (401, True),
        (403, True),
        (404, True),
        (410, True),
        (301, False),
        (429, False),
        (500, False),
        (503, False),
        (0, False),
    ],
)
def test_what_is_not_there_allows_and_what_fails_for_now_does_not(status: int, allowed: bool) -> None:
    found = may_fetch_after(status, "User-agent: *\nDisallow: /", address=PAGE, agent=AGENT)
    assert found.allowed is allowed
    assert found.why.endswith(".")


def test_an_agent_without_a_name_still_obeys_the_rules_for_all() -> None:
    assert may_fetch("User-agent: *\nDisallow: /", address=PAGE, agent="").allowed is False


def test_a_rule_is_not_kept_once_for_each_of_many_agents() -> None:
    agents = "".join(f"User-agent: a{number}\n" for number in range(5_000))
    rules = "".join(f"Disallow: /{number}\n" for number in range(4_000))
    assert may_fetch(agents + "User-agent: Handbill\n" + rules, address=PAGE, agent=AGENT).allowed is True
    assert may_fetch(agents + "User-agent: Handbill\nDisallow: /n", address=PAGE, agent=AGENT).allowed is False


LINES = st.one_of(
    st.sampled_from(["User-agent: *", "User-agent: Handbill", "Disallow: /", "Allow: /news", "Disallow: /*a*$"]),
    st.sampled_from(["Disallow: //[x", "Disallow: http://[", "Request-rate: 1/0", "Visit-time: x", "Crawl-delay: nan"]),
    st.text(max_size=30),
)


@given(st.lists(LINES, max_size=12).map("\n".join), st.text(max_size=30), st.text(max_size=40))
def test_no_text_address_or_agent_raises(robots: str, agent: str, path: str) -> None:
    found = may_fetch(robots, address=f"https://outlet.example/{path}", agent=agent)
    assert 0 <= found.delay <= MAX_DELAY


@given(st.binary(max_size=200))
def test_no_bytes_raise(robots: bytes) -> None:
    assert may_fetch(robots, address=PAGE, agent=AGENT).why
