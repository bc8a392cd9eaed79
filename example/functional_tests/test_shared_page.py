import pytest


@pytest.mark.smoke
def test_the_front_page_shows_every_change_of_a_shared_list_to_strangers(visitor, new_visitor):
    name = f"Regatta {visitor.username}"
    stranger = new_visitor()

    def seen_by_the_stranger() -> str:
        stranger.goes_to("/")
        cards = [card for card in stranger.texts("shared-list") if name in card]
        assert len(cards) <= 1
        return "".join(cards)

    assert seen_by_the_stranger() == ""
    visitor.signs_up()
    visitor.creates_a_list(name)
    visitor.adds("Polish the hull")
    assert seen_by_the_stranger() == ""

    visitor.presses("Share")
    visitor.sees("is on the front page now")
    assert "0 of 1 done" in seen_by_the_stranger()

    visitor.ticks("Polish the hull")
    visitor.sees("1 of 1 done")
    assert "1 of 1 done" in seen_by_the_stranger()

    visitor.presses("Stop sharing")
    visitor.sees("is yours alone again")
    assert seen_by_the_stranger() == ""
