"""An outlet rewrites a report: Ada sees the flag, reads the difference by keyboard, and says that she has seen it."""

import re

from playwright.sync_api import expect


def test_a_flag_leads_to_the_difference_and_goes_when_it_was_seen(page, check):
    page.goto("/")
    page.get_by_role("link", name=re.compile("article.* whose source changed")).click()
    page.get_by_role("link", name=re.compile(r"^source changed\s*: Mill road")).press("Enter")
    expect(page.get_by_role("deletion").first).to_contain_text("Monday")
    expect(page.get_by_role("insertion").first).to_contain_text("Tuesday")
    check(page, "changes")
    page.get_by_role("button", name="I have seen it").press("Enter")
    expect(page.get_by_text("Noted.")).to_be_visible()
    expect(page.get_by_text("The outlet has changed this report since.")).to_have_count(0)
    page.goto("/articles/?state=look")
    expect(page.get_by_role("link", name=re.compile(r"^taken back\s*: "))).to_have_attribute(
        "href", re.compile("/reports/")
    )
    expect(page.get_by_role("link", name=re.compile(r"^source changed\s*: Mill road"))).to_have_count(0)
