"""What a user means for every session, and what for the task at hand."""

import pytest

from memory_mcp.telling.correcting import corrections, plain, refusals

RULES = [
    "never push to main",
    "Don't use npm, we use pnpm",
    "No, use uv here.",
    "Please stop adding comments to the code",
    "don't commit",
    "Use pnpm, not npm",
    "I told you not to touch the migrations",
    "we use tabs in this repo",
    "do not edit files under vendor/",
    "no, don't mock the database in tests",
    "Always run ruff before you commit.",
    "In this project we use conventional commits",
    "use pytest instead of unittest",
    "i'll run the server myself.",
    "don't create README files unless I ask",
    "From now on, write the tests first.",
    "never use print for logging, even for now",
    "always pass --dry-run first when touching migrations in this repo, we broke staging twice",
    "Tests must not hit the network.",
    "Never, ever touch prod.",
    "no emojis in commit messages",
    "Use type hints everywhere",
    "ask me before installing anything",
    "Next time run the linter first",
    "make sure you run make lint after every change",
    "you must never delete migrations",
    "stop apologizing",
    "YOU ARE TO ASK ME!",
    "Why did I have to tell you not to copy / paste code?",
    "add a function that joins the whole path in path_utils, don't do a join outside of it",
    "Nie auf main pushen",
    "Bitte verwende uv statt pip",
]
NO_RULES = [
    "Don't make any changes yet, just show me where in the code this happens.",
    "Do not edit files yet, this is read-only.",
    "Don't touch the other commands for now.",
    "We should just always be in Collaborate mode when we click on a document.",
    "FTS search results should always be in reverse chronological order.",
    "option 2 seems good, we should just always do this, no?",
    "At line 576, identityManager is created but never used.",
    "Nothing to update if we never wrote it.",
    "should we always commit the lock file?",
    "I think we never handled that case",
    "don't do it",
    "Add a button that users can always click",
    "We use ^ to mean ctl, it's too cute.",
    "I don't understand this one.",
    "fix the login bug",
    "Update the doc on the scans, don't keep the cache as an appendix",
    "why did you change it?",
    "$ never push to main",
    "```\nnever push to main\n```",
    "",
]


@pytest.mark.parametrize("prompt", RULES)
def test_what_holds_in_every_session_is_a_rule(prompt: str) -> None:
    assert [found.text for found in corrections(prompt)] == [prompt]


@pytest.mark.parametrize("prompt", NO_RULES)
def test_what_holds_for_the_task_or_the_product_alone_is_no_rule(prompt: str) -> None:
    assert corrections(prompt) == []


def test_the_rule_in_a_longer_prompt_is_its_sentence() -> None:
    prompt = "the login page is broken, look at auth.py. never push to main! then tell me what you did"

    assert [found.text for found in corrections(prompt)] == ["never push to main!"]


def test_a_pasted_document_is_no_list_of_rules() -> None:
    assert corrections("\n".join(f"- Never use tool {number} in this project." for number in range(13))) == []
    assert corrections("Never push to main.\n" + "word " * 2_000) == []


def test_a_refusal_counts_only_where_something_was_undone() -> None:
    assert corrections("Don't rename that function.") == []
    assert refusals("hm. Don't rename that function. Try again") == ["Don't rename that function."]


def test_a_rule_stands_without_the_words_that_join_it_to_what_came_before() -> None:
    assert plain("No, use uv here.") == "Use uv here."
    assert plain("And never edit vendor/lib.py") == "Never edit vendor/lib.py"
    assert plain("ok") == "ok"
