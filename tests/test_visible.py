"""Which characters are shown as escapes, and which are left as they are."""

import json
import sys
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.visible import ascii_json, visible, visible_json, visible_line, visible_values

ANY = st.text(st.characters(codec=None, exclude_categories=()))
STORED = st.text(st.characters(codec="utf-8"))
HIDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MEANT = set("\u200c\u200d\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd").union(map(chr, range(0x600, 0x606)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]8;;http://evil\x07", r"\x1b]8;;http://evil\x07"),
        ("\x9b31m\x85\x7f\x08", r"\x9b31m\x85\x7f\x08"),
        ("safe\rrm -rf", r"safe\rrm -rf"),
        ("\u202egnp.exe\u2066\u200f\u061c", r"\u202egnp.exe\u2066\u200f\u061c"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("a\u200bb\u2060\ufeff\u00ad\u180e", r"a\u200bb\u2060\ufeff\xad\u180e"),
        ("\U000e0041\U000e007f", r"\U000e0041\U000e007f"),
        ("\ud800\ue000\U0010ffff\u0378", r"\ud800\ue000\U0010ffff\u0378"),
        ("a\u200db", r"a\u200db"),
        ("x\ufe0f\ufe01\U000e0100", r"x\ufe0f\ufe01\U000e0100"),
        ("\U0001f600\ufe0f\ufe0f\ufe0f", "\U0001f600\ufe0f" + r"\ufe0f\ufe0f"),
        ("1\ufe0f2", r"1\ufe0f2"),
        ("\u3164\u115f\uffa0\u034f", r"\u3164\u115f\uffa0\u034f"),
    ],
)
def test_what_drives_turns_or_hides_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "two\n\tlines",
        "naïve → … × 漢字 Ωμέγα עברית العربية",
        "👩‍👩‍👧 ❤️ 👍🏽 🏳️‍🌈 1️⃣ ©️",
        "می‌خواهم क्‍ष",
        "葛\U000e0100 \u00a0\u3000\u202f",
        "C:\\new\\x1b",
        "e\u0301 a\u0308",
    ],
)
def test_what_people_write_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_a_line_keeps_no_line_ends() -> None:
    assert visible_line("a\nb\tc\r\n") == r"a\nb\tc\r\n"


@given(ANY)
def test_no_hiding_character_is_left_and_a_second_pass_changes_nothing(text: str) -> None:
    shown = visible(text)

    assert {sign for sign in shown if unicodedata.category(sign) in HIDING} <= {"\n", "\t"} | MEANT
    assert visible(shown) == shown
    assert "\n" not in visible_line(text)
    shown.encode()


@pytest.mark.long
def test_every_code_point_is_shown_or_escaped() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))

    left = {sign for sign in visible(every) if unicodedata.category(sign) in HIDING}

    assert left <= {"\n", "\t"} | MEANT


@given(st.recursive(STORED | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(STORED, inner)))
def test_json_means_the_same_afterwards(value: object) -> None:
    text = msgspec.json.encode(value).decode()

    assert json.loads(visible_json(text)) == value
    assert json.loads(ascii_json(visible_json(text))) == value
    assert ascii_json(visible_json(text)).isascii()
    assert {sign for sign in visible_json(text) if unicodedata.category(sign) in HIDING} <= MEANT


def test_the_values_of_an_answer_keep_what_json_escapes_by_itself() -> None:
    value = {"a\u202e": ["\x1b[31m\r\n", 5, None, ("\U000e0041", True)]}

    assert visible_values(value) == {r"a\u202e": ["\x1b[31m\r\n", 5, None, [r"\U000e0041", True]]}
