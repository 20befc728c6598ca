"""An admin brings the list in: a file is given, tried, looked at, brought in; and a token is made for another tool."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

TABLE = "email,confirmed_at\n" + "".join(f"r{n}@readers.example,2020-01-02\n" for n in range(3)) + "cy@,\n"
WORK = "from handbill.subscribers.lists_in import uploads; from handbill.kit import clock; uploads.work(clock.now())"
SET_UP = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'handbill.config.settings'; django.setup();"
RIGHT = (
    "from django.contrib.auth.models import Group, User;"
    "User.objects.get(username='ada').groups.%s(Group.objects.get(name='Admins'))"
)


def done(code: str, newsroom: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", f"{SET_UP} {code}"], env=newsroom, check=True, timeout=60)


@pytest.fixture
def admin(newsroom, desk):
    """Ada, for a while."""
    done(RIGHT % "add", newsroom)
    yield
    done(RIGHT % "remove", newsroom)


@pytest.mark.long
def test_a_list_is_tried_and_brought_in_and_a_token_is_made(page, newsroom, admin, check):
    page.goto("/lists/")
    check(page, "lists")
    page.get_by_label("The file").set_input_files({"name": "old.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("is being looked at")).to_be_visible()
    check(page, "list-busy")
    done(WORK, newsroom)
    expect(page.get_by_text("Nothing has changed yet")).to_be_visible()
    expect(page.get_by_role("link", name="3 read the paper from now on")).to_be_visible()
    page.get_by_role("link", name="1 are refused").click()
    expect(page.get_by_role("cell", name="This is no e-mail address that mail can be sent to")).to_be_visible()
    check(page, "list-tried")
    page.get_by_role("button", name="Bring it in").click()
    done(WORK, newsroom)
    expect(page.get_by_text("It is brought in, and the file is deleted")).to_be_visible()
    with page.expect_download() as told:
        page.reload()
        page.get_by_role("link", name="Download what becomes of each row").click()
    assert told.value.path().read_text().startswith("file,row,fate,reason\n")

    page.goto("/api-tokens/")
    page.get_by_label("Which tool").fill("shop")
    page.get_by_label("read the topics").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("code", has_text="handbill_")).to_be_visible()
    check(page, "api-tokens")
