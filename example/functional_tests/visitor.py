"""Somebody with a browser: what they do and see, in the words of the site."""

import uuid
from collections.abc import Callable
from pathlib import Path

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

# Long enough for a small droplet far away; nothing waits longer than it has to.
PATIENCE_SECONDS = 15


class Visitor:
    """One person with a browser of their own, and a name that no run before has used."""

    def __init__(self, browser: WebDriver, url: str) -> None:
        self.browser = browser
        self.url = url
        self.username = f"ft-{uuid.uuid4().hex[:12]}"
        self.password = uuid.uuid4().hex
        self.signed_up = False

    # What they see

    def wait(self, condition: Callable[[], object], what: str):
        """Waits until the condition is true, over pages that are still changing; returns what it gave."""
        waiting = WebDriverWait(
            self.browser,
            PATIENCE_SECONDS,
            poll_frequency=0.1,
            ignored_exceptions=(NoSuchElementException, StaleElementReferenceException),
        )
        return waiting.until(
            lambda _browser: condition(), f"waited for {what}, at {self.browser.current_url}"
        )

    def find(self, css: str) -> WebElement:
        return self.wait(lambda: self.browser.find_element(By.CSS_SELECTOR, css), css)

    def texts(self, testid: str) -> list[str]:
        selector = f"[data-testid={testid}]"
        return [element.text for element in self.browser.find_elements(By.CSS_SELECTOR, selector)]

    def sees(self, text: str) -> None:
        page = (By.TAG_NAME, "main")
        self.wait(lambda: text in self.browser.find_element(*page).text, f"the text {text!r}")

    def sees_heading(self, text: str) -> None:
        self.wait(lambda: self.browser.find_element(By.TAG_NAME, "h1").text == text, f"the heading {text!r}")

    def todo(self, text: str) -> WebElement:
        def row():
            rows = self.browser.find_elements(By.CSS_SELECTOR, "[data-testid=todo]")
            return next((row for row in rows if text in row.text), None)

        return self.wait(row, f"the to-do {text!r}")

    # What they do

    def goes_to(self, path: str) -> None:
        self.browser.get(self.url + path)

    def fills(self, **fields: str) -> None:
        for name, value in fields.items():
            field = self.find(f"main [name={name}]")
            if field.get_attribute("type") != "file":
                field.clear()
            field.send_keys(value)

    def presses(self, label: str, within: str = "main") -> None:
        """Presses the button or link of this label, and waits until its page has gone."""
        path = f"//{within}//*[self::button or self::a][normalize-space()={label!r}]"
        self.leaves_by(self.wait(lambda: self.browser.find_element(By.XPATH, path), f"the button {label!r}"))

    def leaves_by(self, element: WebElement) -> None:
        page = self.browser.find_element(By.TAG_NAME, "html")
        element.click()
        self.wait(lambda: page != self.browser.find_element(By.TAG_NAME, "html"), "the next page")

    def signs_up(self) -> None:
        self.goes_to("/accounts/signup/")
        self.fills(username=self.username, password1=self.password, password2=self.password)
        self.presses("Sign up")
        self.sees(f"Welcome, {self.username}")
        self.signed_up = True

    def logs_in(self, password: str | None = None) -> None:
        self.goes_to("/accounts/login/")
        self.fills(username=self.username, password=password or self.password)
        self.presses("Log in")

    def has_a_session(self, key: str) -> None:
        """Is logged in by a session that was made on the server."""
        self.goes_to("/accounts/login/")
        self.browser.add_cookie({"name": "sessionid", "value": key, "path": "/"})

    def logs_out(self) -> None:
        self.presses("Log out", within="header")

    def creates_a_list(self, name: str) -> None:
        self.goes_to("/lists/")
        self.fills(name=name)
        self.presses("Create")
        self.sees_heading(name)

    def adds(self, text: str, attachment: Path | None = None) -> None:
        self.fills(text=text)
        if attachment:
            self.fills(attachment=str(attachment))
        self.presses("Add")

    def ticks(self, text: str) -> None:
        self.leaves_by(self.todo(text).find_element(By.CSS_SELECTOR, ".tick"))

    def deletes(self, text: str) -> None:
        self.leaves_by(self.todo(text).find_element(By.CSS_SELECTOR, ".remove"))

    def leaves_nothing_behind(self) -> None:
        """Deletes their account, and with it all that they made."""
        if not self.signed_up:
            return
        self.browser.delete_all_cookies()
        self.logs_in()
        self.sees_heading("My lists")
        self.goes_to("/accounts/delete/")
        self.fills(password=self.password)
        self.presses("Delete my account")
        self.sees("is deleted")
        self.signed_up = False
