import base64

import pytest

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def visitor_with_a_list(visitor):
    visitor.signs_up()
    visitor.creates_a_list("Pictures")
    return visitor


def test_a_picture_is_uploaded_and_really_shown(visitor_with_a_list, tmp_path):
    file = tmp_path / "boat.png"
    file.write_bytes(PICTURE)
    visitor_with_a_list.adds("Look at this", attachment=file)
    picture = visitor_with_a_list.find("[data-testid=todo] img")
    loaded = "return arguments[0].complete && arguments[0].naturalWidth"
    shown = visitor_with_a_list.wait(
        lambda: visitor_with_a_list.browser.execute_script(loaded, picture), "the picture"
    )
    assert shown == 1


def test_what_is_no_picture_is_refused(visitor_with_a_list, tmp_path):
    file = tmp_path / "boat.png"
    file.write_text("<script>alert('not a picture')</script>")
    visitor_with_a_list.adds("Look at this", attachment=file)
    visitor_with_a_list.sees("This is not a PNG, JPEG, GIF, WebP or PDF file.")
    assert visitor_with_a_list.texts("todo") == []


def test_a_file_that_is_too_large_is_told_before_it_is_sent(visitor_with_a_list, tmp_path):
    file = tmp_path / "large.png"
    file.write_bytes(PICTURE + bytes(3 * 1024 * 1024))
    visitor_with_a_list.fills(text="Look at this", attachment=str(file))
    field = visitor_with_a_list.find("main [name=attachment]")
    message = visitor_with_a_list.wait(lambda: field.get_property("validationMessage"), "a complaint")
    assert message == "At most 2 MB fit."
