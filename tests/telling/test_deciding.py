"""The sentences that settle something are found whole, and chores, trailers and code are not among them."""

import pytest

from memory_mcp.telling.deciding import LEAST, deciding_passages, weigh
from memory_mcp.telling.naming import files_in, functions_in, names_in
from memory_mcp.telling.sentences import paragraphs, split


@pytest.mark.parametrize(
    "sentence",
    [
        "MAX_ATTEMPTS is 7 - measured, not round.",
        "Dates must be stored in UTC.",
        "We agreed to keep the queue in its ORIGINAL order.",
        "upsert() now requires a value for every primary key column",
        "From now on the export ends its rows with CRLF.",
        "Use uv here instead of pip, since the lock file is uv's.",
        "An exact entry never matches by suffix.",
    ],
)
def test_a_sentence_that_settles_something_is_found(sentence: str) -> None:
    assert weigh(sentence) >= LEAST


@pytest.mark.parametrize(
    "sentence",
    [
        "Fixes #12",
        "Bump actions/checkout from 3.5.0 to 3.5.2",
        "Add a test for the parser.",
        "Thanks to everybody who helped.",
        "Should the fixed amount come off first?",
        "I think we might want to look at this.",
        "Update the changelog.",
    ],
)
def test_a_chore_a_question_and_a_guess_settle_nothing(sentence: str) -> None:
    assert weigh(sentence) < LEAST


def test_a_passage_is_made_of_whole_neighbouring_sentences_and_opens_with_the_subject() -> None:
    body = (
        "When discounts stack, percentages must be applied BEFORE fixed amounts. Fixed-first\n"
        "under-charges. Order: percent, then fixed.\n\nThe weather was fine that day.\n\nRefs #12"
    )

    (passage,) = deciding_passages(body, "fix: apply percent discounts first")

    assert passage.text == (
        "fix: apply percent discounts first. When discounts stack, percentages must be applied BEFORE fixed amounts."
        " Fixed-first under-charges. Order: percent, then fixed."
    )


def test_a_dependency_bump_with_its_trailers_decides_nothing() -> None:
    body = (
        "Bumps [actions/cache](https://github.com/actions/cache) from 3.2.6 to 3.3.1.\n"
        "- [Release notes](https://github.com/actions/cache/releases)\n"
        "- [Commits](https://github.com/actions/cache/compare/69d9d44...88522ab)\n\n---\n"
        "updated-dependencies:\n- dependency-name: actions/cache\n  update-type: version-update:semver-patch\n...\n\n"
        "Signed-off-by: dependabot[bot] <support@github.com>\n"
    )

    assert deciding_passages(body, "Bump actions/cache from 3.2.6 to 3.3.1") == []


def test_code_in_fences_decides_nothing() -> None:
    assert deciding_passages("```python\n# this must never be read as a rule\n```\n") == []


def test_sentences_are_split_at_names_in_small_letters_but_not_at_abbreviations() -> None:
    assert split("It broke, e.g. in tests. merge_records keeps one. It is 3.5 s.") == [
        "It broke, e.g. in tests.",
        "merge_records keeps one.",
        "It is 3.5 s.",
    ]
    assert paragraphs("one line\nwrapped here.\n\n- first item\n- second item") == [
        ["one line wrapped here."],
        ["first item"],
        ["second item"],
    ]


def test_files_functions_and_names_are_found_in_prose() -> None:
    text = "Keep MAX_ATTEMPTS in retryx/retry.py; Retrier.run() and `drain_order` read it, see --stop-before."

    assert files_in(text) == ("retryx/retry.py",)
    assert functions_in(text) == ("run",)
    assert names_in(text) == ("Retrier.run", "MAX_ATTEMPTS", "drain_order", "--stop-before")
    assert files_in("at https://example.org/a/b.py there is nothing of ours") == ()


@pytest.mark.parametrize(
    "text",
    ["a" * 40_000, "@" * 40_000, "A." * 20_000, "must " * 8_000, ". " * 20_000, "must not. Use a_b = 7. " * 1_700],
)
def test_a_hostile_text_is_read_to_its_end(text: str) -> None:
    assert len(deciding_passages(text, text[:200])) <= 24
    assert isinstance(names_in(text), tuple)
