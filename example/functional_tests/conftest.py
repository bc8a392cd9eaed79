import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Remote
from selenium.webdriver.remote.webdriver import WebDriver
from server import SITE, NoServer, own_server, run_there, url_from
from visitor import Visitor

# Where whoever runs the tests keeps the reports of a run.
SCREENSHOTS = Path(os.environ.get("REPORTS") or SITE / "screenshots")
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


def options(*more: str) -> ChromeOptions:
    """How every browser is: headless, and telling what its pages complain about."""
    chosen = ChromeOptions()
    for flag in (*FLAGS, *more):
        chosen.add_argument(flag)
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return chosen


@contextmanager
def new_browser() -> Iterator[WebDriver]:
    """A headless chromium that knows nothing of any other: here, or on the grid at SELENIUM_REMOTE_URL."""
    if grid := os.environ.get("SELENIUM_REMOTE_URL"):
        browser = Remote(command_executor=grid, options=options())
        try:
            yield browser
        finally:
            browser.quit()
        return
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.fail("chromium and chromedriver are needed: apt-get install chromium chromium-driver", False)
    # Chromium may still write into its profile while it ends.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        ours = options(f"--user-data-dir={profile}")
        ours.binary_location = chromium
        browser = Chrome(options=ours, service=ChromeService(driver))
        try:
            yield browser
        finally:
            browser.quit()


@pytest.fixture
def on_the_server() -> Callable[..., str]:
    """Runs a command of manage.py where the site is; the test is skipped where tests may not."""
    if program := os.environ.get("TEST_COMMAND"):
        return partial(run_there, program)
    pytest.skip("set TEST_COMMAND to a program that runs commands of manage.py on the site's server")


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
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        visitor.browser.save_screenshot(str(picture))
        picture.with_suffix(".html").write_text(visitor.browser.page_source, encoding="utf-8")
        lines = [f"at {visitor.browser.current_url}", f"screenshot: {picture}"]
        # A grid keeps this to itself.
        if isinstance(visitor.browser, Chrome):
            lines += [entry["message"] for entry in visitor.browser.get_log("browser")]
    except (WebDriverException, OSError) as problem:
        # The failure itself must still be told when the browser has gone or the disk is full.
        return f"no screenshot: {problem}"
    return "\n".join(lines)
