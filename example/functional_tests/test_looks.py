import pytest

# What base.css says for the accent, in the words of getComputedStyle; light or dark.
ACCENTS = ("rgb(11, 95, 120)", "rgb(111, 202, 221)")


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/"])
def test_pages_come_with_their_style_and_without_complaints_of_the_browser(visitor, path):
    visitor.goes_to(path)
    button = visitor.find("header .button")
    style = "return getComputedStyle(arguments[0]).backgroundColor"
    assert visitor.browser.execute_script(style, button) in ACCENTS
    assert [entry["message"] for entry in visitor.browser.get_log("browser")] == []
