"""A newer decision replaces an older one only where it says the contrary of the same thing."""

import pytest

from memory_mcp.telling.replacing import Verdict, View, amended, amends, compare


def view(number: int, text: str, **given: object) -> View:
    return View(id=number, source=str(number), text=text, said_at=number, **given)  # type: ignore[arg-type]  # names of the view


def verdict(older: str, newer: str, *, file: str = "shop/pay.py") -> Verdict | None:
    return compare(view(2, newer, files=(file,)), view(1, older, files=(file,)))


@pytest.mark.parametrize(
    ("older", "newer", "why"),
    [
        ("MAX_ATTEMPTS must be 5.", "MAX_ATTEMPTS is now 7, measured.", "MAX_ATTEMPTS: 5 → 7"),
        (
            "Raw provider payloads are no longer persisted in the logs.",
            "Provider payloads are persisted in the logs again.",
            "it holds again",
        ),
        (
            "add_foreign_key() must use the writable_schema pragma.",
            "add_foreign_key() uses transform() instead of the writable_schema pragma.",
            "instead of the writable_schema pragma",
        ),
    ],
)
def test_a_changed_value_a_return_and_an_alternative_replace(older: str, newer: str, why: str) -> None:
    assert verdict(older, newer) == Verdict("replaces", why)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("MAX_ATTEMPTS must be 7.", "MAX_ATTEMPTS stays 7."),
        ("extract() no longer extracts null values.", "extract() no longer duplicates rows with null values."),
        (
            "A view now shows a clean error instead of a traceback.",
            "A table shows a clean error instead of a traceback.",
        ),
        ("The timeout of the client is 5 s.", "The queue must keep its order."),
        ("Fix the crash: payloads were never persisted.", "Payloads are persisted again."),
    ],
)
def test_what_agrees_or_speaks_of_something_else_replaces_nothing(older: str, newer: str) -> None:
    assert verdict(older, newer) is None


def test_only_the_newer_one_replaces() -> None:
    older, newer = view(1, "MAX_ATTEMPTS must be 5."), view(2, "MAX_ATTEMPTS must be 7.")

    assert compare(older, newer) is None
    assert compare(newer, older) == Verdict("replaces", "MAX_ATTEMPTS: 5 → 7")


def test_a_revert_replaces_what_it_reverts_and_nothing_else() -> None:
    reverted, other = view(1, "Use tabs.", origin="abcdef0123"), view(2, "Use tabs.", origin="0123abcdef")
    revert = view(3, 'Revert "Use tabs."', reverts="abcdef01")

    assert compare(revert, reverted) == Verdict("replaces", "reverts abcdef01")
    assert compare(revert, other) is None


def test_an_amendment_replaces_what_says_what_it_gives_up() -> None:
    older = {
        "a": [view(1, "On a collision of two contacts keep the record with the latest timestamp.")],
        "b": [view(2, "The collision report of two contacts must be sent at night.")],
    }
    newer = view(
        3, "Amended rule, superseding keep-latest: on a collision of two contacts the most-filled record wins."
    )

    assert amends(newer.text)
    assert amended([newer], older) == [(newer, older["a"][0])]
