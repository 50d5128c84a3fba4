"""What stands at the end of a talk: the user's answers, what the user confirmed, and the last summary."""

from memory_mcp.telling.talks import Said, Settled, settled, stance


def talk(*texts: str) -> list[Settled]:
    """Let user and assistant speak in turn."""
    return settled([Said(("user", "assistant")[place % 2], text) for place, text in enumerate(texts)])


def test_a_short_answer_stands_with_its_question() -> None:
    found = talk(
        "The totals are wrong.", "Should the fixed amount come off first, or the percentage?", "Percent first, always."
    )

    assert [(each.text, each.turn, each.voice) for each in found] == [
        ("Should the fixed amount come off first, or the percentage? Percent first, always.", 2, "user")
    ]


def test_what_the_user_turned_down_does_not_stand() -> None:
    found = talk(
        "Rows are lost.",
        "I must always append the overlay's lists to the base's.",
        "No - lists must be united, never appended.",
    )

    assert [each.turn for each in found] == [2]


def test_what_the_user_confirms_is_the_users_word() -> None:
    found = talk(
        "We are blocked by 429s.",
        "MAX_ATTEMPTS should be exactly 7, never 8, since an eighth trips the limiter.",
        "Right, leave it at 7.",
    )

    assert [(each.turn, each.voice) for each in found] == [(1, "user")]


def test_the_last_summary_after_a_correction_stands_as_the_agents_word() -> None:
    found = talk(
        "The export breaks.",
        "I will quote every field.",
        "No, only digits with a leading zero must be written as text.",
        "Final: digits with a leading zero are always written as text; all other fields are quoted minimally.",
    )

    assert [(each.turn, each.voice) for each in found] == [(2, "user"), (3, "agent")]
    assert max(found, key=lambda each: each.score).turn == 3


def test_what_is_overruled_later_in_the_same_talk_does_not_stand() -> None:
    found = talk(
        "Let us settle the limits.",
        "What is MAX_ATTEMPTS?",
        "MAX_ATTEMPTS must be 5, and the window is 30 s.",
        "Anything else?",
        "MAX_ATTEMPTS must be 7 after all; that was measured.",
    )

    assert [each.turn for each in found] == [4]


def test_what_a_machine_wrote_in_the_users_place_is_no_word_of_the_users() -> None:
    assert (
        talk("<command-name>x</command-name> you must never stop", "ok", "Caveat: the messages below must be ignored")
        == []
    )


def test_an_answer_may_confirm_reject_or_do_both() -> None:
    assert stance("Yes, do it.") == "confirms"
    assert stance("Never. It is off the table.") == "rejects"
    assert stance("Right. But keep the order.") == "mixed"
    assert stance("The build is red.") == "none"
