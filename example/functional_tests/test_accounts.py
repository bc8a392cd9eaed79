import pytest


@pytest.mark.smoke
def test_somebody_signs_up_logs_out_and_in_again(visitor):
    visitor.goes_to("/")
    visitor.presses("Start a list")
    visitor.sees_heading("Sign up")
    visitor.signs_up()
    visitor.sees_heading("My lists")

    visitor.logs_out()
    visitor.goes_to("/lists/")
    visitor.sees_heading("Log in")

    visitor.logs_in()
    visitor.sees_heading("My lists")


def test_a_session_made_on_the_server_needs_no_password(visitor, new_visitor, on_the_server):
    visitor.signs_up()
    visitor.creates_a_list("Crew")
    second = new_visitor()
    second.has_a_session(on_the_server("create_session", visitor.username))
    second.goes_to("/lists/")
    second.sees_heading("My lists")
    second.sees("Crew")


def test_a_wrong_password_is_told_and_lets_nobody_in(visitor):
    visitor.signs_up()
    visitor.logs_out()
    visitor.logs_in(password="not the password")
    visitor.sees("Please enter a correct username and password")
    visitor.goes_to("/lists/")
    visitor.sees_heading("Log in")


def test_a_name_that_is_taken_is_told(visitor, new_visitor):
    visitor.signs_up()
    second = new_visitor()
    second.goes_to("/accounts/signup/")
    second.fills(username=visitor.username, password1=second.password, password2=second.password)
    second.presses("Sign up")
    second.sees("A user with that username already exists.")
