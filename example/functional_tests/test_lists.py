import pytest
from selenium.webdriver.common.by import By


@pytest.mark.smoke
def test_a_list_is_made_ticked_off_and_still_there_after_a_new_login(visitor):
    visitor.signs_up()
    visitor.creates_a_list("Before we sail")
    visitor.adds("Check the rigging")
    visitor.adds("Fill the water tanks")
    visitor.sees("0 of 2 done")

    visitor.ticks("Check the rigging")
    visitor.sees("1 of 2 done")

    visitor.logs_out()
    visitor.logs_in()
    visitor.presses("Before we sail")
    visitor.sees("1 of 2 done")
    visitor.deletes("Fill the water tanks")
    visitor.sees("1 of 1 done")
    assert len(visitor.texts("todo")) == 1


def test_the_same_to_do_is_not_taken_twice(visitor):
    visitor.signs_up()
    visitor.creates_a_list("Provisions")
    visitor.adds("Lemons")
    visitor.adds("Lemons")
    visitor.sees("This is already on the list.")
    assert len(visitor.texts("todo")) == 1


def test_a_list_is_deleted_after_a_question(visitor):
    visitor.signs_up()
    visitor.creates_a_list("Provisions")
    visitor.presses("Delete list")
    visitor.sees_heading("Delete “Provisions”?")
    visitor.presses("Delete list")
    visitor.sees("No list yet.")


def test_nobody_sees_the_list_of_somebody_else(visitor, new_visitor):
    visitor.signs_up()
    visitor.creates_a_list("Secrets")
    other = new_visitor()
    other.signs_up()
    other.browser.get(visitor.browser.current_url)
    other.wait(lambda: "Secrets" not in other.browser.find_element(By.TAG_NAME, "main").text, "no secrets")
    assert "/lists/" in other.browser.current_url
    assert other.texts("todo") == []


def test_search_finds_what_was_written_and_says_when_there_is_nothing(visitor):
    visitor.signs_up()
    visitor.creates_a_list("Before we sail")
    visitor.adds("Check the rigging")
    visitor.adds("Fill the water tanks")

    visitor.goes_to("/search/")
    visitor.fills(q="RIGGING")
    visitor.presses("Search")
    visitor.sees("Check the rigging")
    assert len(visitor.texts("result")) == 1

    visitor.fills(q="albatross")
    visitor.presses("Search")
    visitor.sees("Nothing of yours matches “albatross”.")
