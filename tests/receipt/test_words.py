"""Numbers as people read them."""

from __future__ import annotations

from headstart.core.wording import counted
from headstart.receipt import words
from headstart.receipt.document import Measure, Range

SKILL = Measure(name="skill", title="Skill", greater_is_better=True, is_share=True)


def test_one_is_singular() -> None:
    assert [words.count(number, "images") for number in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
    assert words.count(1, "series") == "1 series"
    assert counted(1, "text is", "texts are") == "1 text is" and counted(2, "text is", "texts are") == "2 texts are"


def test_what_is_below_nothing_has_the_sign_of_a_minus_everywhere() -> None:
    worse = Range(value=-0.032, low=-0.0441, high=0.01)
    assert words.amount(worse.value, SKILL) == "−3.2 %"
    assert words.bounds(worse, SKILL) == "−4.4 to 1.0"
    assert words.signed(worse.value, SKILL) == "−3.2 points"
    assert words.plain(-0.5) == "−0.500"
