import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from server import SITE, NoServer, own_server, url_from
from visitor import Visitor

SCREENSHOTS = SITE / "screenshots"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
VISITORS = pytest.StashKey[list[Visitor]]()


@pytest.fixture(scope="session")
def site_url() -> Iterator[str]:
    """The address of the site, without a slash at its end."""
    if url := url_from(dict(os.environ)):
        yield url
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(own_server())
        except NoServer as problem:
            pytest.skip(f"no site to visit: {problem}")
        yield url


@contextmanager
def new_browser() -> Iterator[Chrome]:
    """A headless chromium that knows nothing of any other."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.fail("chromium and chromedriver are needed: apt-get install chromium chromium-driver", False)
    # Chromium may still write into its profile while it ends.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = Chrome(options=options, service=ChromeService(driver))
        try:
            yield browser
        finally:
            browser.quit()


@pytest.fixture
def new_visitor(request: pytest.FixtureRequest, site_url: str) -> Iterator[Callable[[], Visitor]]:
    """Makes people with browsers; their accounts are deleted after the test."""
    visitors: list[Visitor] = []
    request.node.stash[VISITORS] = visitors
    with ExitStack() as stack:

        def make() -> Visitor:
            visitor = Visitor(stack.enter_context(new_browser()), site_url)
            visitors.append(visitor)
            stack.callback(visitor.leaves_nothing_behind)
            return visitor

        yield make


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    return new_visitor()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Keeps what every browser shows at the moment its test fails."""
    report = yield
    if report.failed and report.when != "teardown":
        for number, visitor in enumerate(item.stash.get(VISITORS, [])):
            test = re.sub(r"\W+", "-", item.name).strip("-")
            name = f"{test}-{number}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            report.sections.append(("browser", keep_evidence(visitor, name)))
    return report


def keep_evidence(visitor: Visitor, name: str) -> str:
    """Saves screenshot and HTML; returns what to tell about them, and the browser's own complaints."""
    picture: Path = SCREENSHOTS / f"{name}.png"
    try:
        SCREENSHOTS.mkdir(exist_ok=True)
        visitor.browser.save_screenshot(str(picture))
        picture.with_suffix(".html").write_text(visitor.browser.page_source, encoding="utf-8")
        lines = [f"at {visitor.browser.current_url}", f"screenshot: {picture}"]
        lines += [entry["message"] for entry in visitor.browser.get_log("browser")]
    except (WebDriverException, OSError) as problem:
        # The failure itself must still be told when the browser has gone or the disk is full.
        return f"no screenshot: {problem}"
    return "\n".join(lines)
