"""One newsroom with its desk, one outlet on loopback and one browser for every journey at the desk.

A journey makes what it needs itself, or finds it laid ready by ``desk_server``, and leaves the rest alone: the journeys
may run alone and in any order. Each page begins as Ada, logged in; ``stranger`` is nobody yet.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from desk.desk_server import PASSWORD
from handbill.kit import maildir
from handbill.ops.net import free_port
from handbill.testing.relay import LoopbackRelay
from handbill.testing.wire import LoopbackWire

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# What another journey left open in the browser.
FORGET = "if (!sessionStorage.begun) { localStorage.clear(); sessionStorage.begun = 1; }"
LOOKS = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def wire() -> Iterator[LoopbackWire]:
    """The outlets; each journey lays its own paths."""
    with LoopbackWire() as server:
        yield server


@pytest.fixture(scope="package")
def relays() -> Iterator[tuple[LoopbackRelay, LoopbackRelay]]:
    """The newsroom's two relays, called first and second."""
    with LoopbackRelay() as first, LoopbackRelay() as second:
        yield first, second


@pytest.fixture(scope="package")
def newsroom(tmp_path_factory, wire, relays) -> dict[str, str]:
    """The environment of the newsroom's programs."""
    home = tmp_path_factory.mktemp("newsroom")
    maildir.prepare(home / "Maildir")
    own = {"HOME": str(home), "ALLOW_LOOPBACK": f"127.0.0.1:{wire.port}"}
    own |= {"NEWSLETTER_LISTEN": f"127.0.0.1:{free_port(0)}", "NEWSLETTER_DOMAIN": "letters.paper.example"}
    own |= {"NEWSLETTER_MAILDIR": str(home / "Maildir")}
    ways = zip(("first", "second"), relays, strict=True)
    tables = [f'{{name = "{name}", address = "smtp://{one.host}:{one.port}"}}' for name, one in ways]
    own |= {"RELAYS": f"[{', '.join(tables)}]"}
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("HANDBILL_", "DJANGO_"))}
    return outer | {f"HANDBILL_{name}": value for name, value in own.items()}


@pytest.fixture(scope="package")
def desk(newsroom) -> Iterator[str]:
    """The desk's address."""
    program = [sys.executable, str(Path(__file__).with_name("desk_server.py")), newsroom["HANDBILL_HOME"]]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=newsroom) as server:
        try:
            yield f"http://localhost:{int(server.stdout.readline())}"
        finally:
            server.kill()


@pytest.fixture
def work(newsroom) -> Callable[[], None]:
    """A round of the day by hand, as cron does it."""
    command = [sys.executable, "-m", "handbill", "fetch"]
    return lambda: subprocess.run(command, env=newsroom, check=True, capture_output=True, timeout=60) and None


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def ada(browser, desk) -> Iterator[BrowserContext]:
    """Her browser, logged in; what it has loaded once it keeps."""
    with browser.new_context(base_url=desk, **LOOKS) as context:
        with opened(context) as page:
            log_in(page)
        yield context


@pytest.fixture
def page(ada, desk) -> Iterator[Page]:
    """Ada's."""
    yield from _page(ada, desk)


@pytest.fixture
def stranger(browser, desk) -> Iterator[Page]:
    """Nobody's yet."""
    with browser.new_context(base_url=desk, **LOOKS) as context:
        yield from _page(context, desk)


@contextmanager
def opened(context: BrowserContext) -> Iterator[Page]:
    """A page that stands still when it is closed: Chromium lets one live on that is just going elsewhere.

    Playwright then waits for its end without a limit.
    """
    with context.new_page() as page:
        page.set_default_timeout(15_000)
        try:
            yield page
        finally:
            page.goto("about:blank")


def _page(context: BrowserContext, desk: str) -> Iterator[Page]:
    foreign: list[str] = []
    with opened(context) as page:
        page.foreign = foreign
        page.add_init_script(FORGET)
        page.on("request", lambda r: foreign.append(r.url) if not r.url.startswith((desk, "data:", "blob:")) else 0)
        yield page
    assert foreign == [], "the desk called a third party"


def log_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Email").fill("ada@paper.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="The Alder Paper")).to_be_visible()


@pytest.fixture
def check() -> Callable[..., None]:
    return check_page


def check_page(page: Page, name: str, widths: tuple[int, ...] = (375, 1280)) -> None:
    """No accessibility faults and nothing beside the screen: on a phone in the dark, on a desktop in the light.

    ``HANDBILL_TEST_SHOTS`` names a folder for pictures of what was checked.
    """
    for width in widths:
        scheme = "dark" if width < 1000 else "light"
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        assert faults(page) == [], f"{name} at {width}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} at {width}"
        if folder := os.environ.get("HANDBILL_TEST_SHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)


def faults(page: Page) -> list[str]:
    page.wait_for_function("document.getAnimations().every(each => each.playState === 'finished')")
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in found]
