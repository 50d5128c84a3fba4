"""Secrets are found in whatever a text is wrapped in, and the wrapping stays whole."""

import html
import json
from collections.abc import Callable
from urllib.parse import quote

import hypothesis
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memory_mcp.redaction.redactor import Redactor
from tests.redaction.test_redactor import EXAMPLES
from tests.redaction.test_surroundings import TOLD

Wrap = Callable[[str, int], str]
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _inserted(between: str) -> Wrap:
    return lambda text, place: text[:place] + between + text[place:]


def _written(how: Callable[[str], str]) -> Wrap:
    return lambda text, place: text[:place] + how(text[place]) + text[place + 1 :]


WRAPPINGS: dict[str, Wrap] = {
    "colour": _inserted("\x1b[1;31m"),
    "colour of one byte": _inserted("\x9b31m"),
    "link": _inserted("\x1b]8;;https://example.org\x07"),
    "colour in JSON": _inserted("\\u001b[0m"),
    "colour in a shell": _inserted("\\033[0m"),
    "zero width": _inserted("\u200b"),
    "zero width in JSON": _inserted("\\u200d"),
    "direction": _inserted("\u202e"),
    "soft hyphen": _inserted("\u00ad"),
    "control": _inserted("\x00"),
    "continued line": _inserted("\\\n"),
    "escape of JSON": _written(lambda letter: f"\\u{ord(letter):04x}"),
    "escape of Python": _written(lambda letter: f"\\x{ord(letter):02X}"),
    "nested escape": _written(lambda letter: f"\\\\u{ord(letter):04x}"),
    "URL": _written(lambda letter: f"%{ord(letter):02X}"),
    "URL in a URL": _written(lambda letter: f"%25{ord(letter):02x}"),
    "entity": _written(lambda letter: f"&#{ord(letter)};"),
    "entity in hexadecimal": _written(lambda letter: f"&#x{ord(letter):x};"),
    "full width": _written(lambda letter: chr(ord(letter) + 0xFEE0) if letter != " " else letter),
}
TOKENS = [example for example in EXAMPLES if len(example[2]) >= 20 and "\n" not in example[2]]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_token_is_found_wherever_it_is_cut_or_written_otherwise(wrapping: str) -> None:
    redactor = Redactor()

    for name, before, secret, after in TOKENS:
        for place in {0, 1, 4, len(secret) // 2, len(secret) - 1}:
            if place == 0 and wrapping == "continued line":
                continue
            redacted = redactor.text(before + WRAPPINGS[wrapping](secret, place) + after)

            assert f"<{name}>" in redacted or secret[8:16] not in redacted, (name, place, redacted)
            assert redactor.text(redacted) == redacted


@pytest.mark.parametrize(
    "whole",
    [
        lambda text: json.dumps({"log": text}),
        lambda text: json.dumps({"log": json.dumps({"inner": [text]})}),
        lambda text: json.dumps(json.dumps(json.dumps({"t": text}))),
        lambda text: json.dumps({"log": text}, indent=1).replace("\n", "\r\n"),
    ],
    ids=["JSON", "JSON in JSON", "three times", "CRLF"],
)
def test_a_secret_inside_json_leaves_json(whole: Callable[[str], str]) -> None:
    for before, secret, after in [*(example[1:] for example in EXAMPLES), *TOLD]:
        text = whole(f"first line\n{before}{secret}{after}\nlast line")

        redacted = Redactor().text(text)

        assert secret not in _read(redacted), (before, secret, redacted)
        assert "last line" in redacted
        assert Redactor().text(redacted) == redacted


def _read(text: str) -> str:
    """Read JSON inside of JSON down to its last text."""
    while True:
        try:
            loaded = json.loads(text)
        except json.JSONDecodeError:
            return text
        loaded = loaded.get("log", loaded.get("t", loaded.get("inner"))) if isinstance(loaded, dict) else loaded
        text = loaded if isinstance(loaded, str) else str(loaded[0] if isinstance(loaded, list) else loaded)


@pytest.mark.parametrize(
    "whole",
    [
        lambda text: quote(text, safe=""),
        html.escape,
        lambda text: f"\x1b[32m{text}\x1b[0m",
        lambda text: f"\ufeff{text}",
    ],
    ids=["URL", "HTML", "coloured", "marked"],
)
def test_a_secret_is_found_in_a_text_that_is_wrapped_as_a_whole(whole: Callable[[str], str]) -> None:
    for before, secret, after in [*(example[1:] for example in EXAMPLES), *TOLD]:
        redacted = Redactor().text(whole(before + secret + after))

        assert "<" in redacted
        assert whole(secret) not in redacted, (before, secret, redacted)
        assert Redactor().text(redacted) == redacted


def test_what_stands_around_a_wrapped_secret_stays() -> None:
    token = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYaB3d"

    assert Redactor().text(f"a\x1b[1m ghp_\x1b[31m{token[4:]}\x1b[0m b") == "a\x1b[1m <github-token>\x1b[0m b"
    assert Redactor().text(f"x\x1b[32m{token}\x1b[0my") == "x\x1b[32m<github-token>\x1b[0my"
    assert Redactor().text("a=1&password%3Dhunter22%26b") == "a=1&password%3D<password>%26b"


@given(
    st.sampled_from(sorted(WRAPPINGS)),
    st.text(LETTERS, min_size=36, max_size=80),
    st.integers(1, 39),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_no_wrapped_token_comes_through(wrapping: str, letters: str, place: int, before: str, after: str) -> None:
    assume(letters not in before + after)
    wrapped = WRAPPINGS[wrapping](f"ghp_{letters}", place)

    redacted = Redactor().text(f"{before} {wrapped} {after}")

    assert letters not in redacted
    assert wrapped not in redacted
    assert Redactor().text(redacted) == redacted


@given(st.text(LETTERS, min_size=8, max_size=60), st.sampled_from(["'", '"']), st.text(max_size=20))
def test_no_password_in_quotes_comes_through(letters: str, mark: str, around: str) -> None:
    secret = f"{letters}7"

    redacted = Redactor().text(f"{around}\npassword = {mark}{secret}{mark}\n{around}")

    assert secret not in redacted or secret in around
    assert Redactor().text(redacted) == redacted


@hypothesis.example({"PHPSESSID": -100000000000000})
@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_json(value: object) -> None:
    told = json.dumps({"password": "hunter22", "x": value, "token": "ghp_" + "a1" * 18})

    assert json.loads(Redactor().text(told)).keys() == {"password", "x", "token"}
