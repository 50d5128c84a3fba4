"""What was decided reaches the agent at its prompt and before its edit, whole, newest first, once."""

import json
from typing import Any

from memory_mcp.hooks.events import read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.importers.commits import Commit, FileChange
from memory_mcp.importers.git import import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Step, StepError, StepSuccess
from memory_mcp.tokens import tokens

PROMPT = "The courier rejects our labels: the parcel weight is rounded in the wrong direction. Repair weight_of_parcel."
BODY = (
    "Couriers reject labels whose weight is lower than the parcel. weight_of_parcel must round up to 100 grams, never"
    " down. A parcel above 31.5 kg is refused with a ValueError because no courier takes it."
)
DAY = 86_400_000_000


def commit(memory: Memory, name: str, subject: str, body: str, *files: str, day: int = 1) -> None:
    changes = tuple(FileChange(file, 3, 1) for file in files)
    made = Commit(name * 40, (), f"2023-01-{day:02}T10:00:00+00:00", subject, body, changes)
    import_commits(memory.episodes, memory.relationships, [made])


def talk(memory: Memory, at: int, *said: str) -> None:
    roles = ("user", "assistant")
    messages = [Message(roles[number % 2], text, at + number) for number, text in enumerate(said)]
    memory.conversations.remember("", messages)


def settled(memory: Memory) -> Memory:
    memory.learning.follow()
    memory.decisions.follow()
    return memory


def told(memory: Memory, session: str, name: str, **fields: Any) -> str:
    """Return what a hook says, booked as its process books it."""
    event = read_event(json.dumps({"hook_event_name": name, "session_id": session, **fields}).encode(), "", 1)
    said = handle(memory, event)
    if said.text:
        memory.ledger.book(session, "hook", event.name, said.text, said.names)
    return said.text


def edit(memory: Memory, session: str, file: str, new: str = "def weight_of_parcel(items):") -> str:
    given = {"file_path": file, "old_string": "", "new_string": new}
    return told(memory, session, "PreToolUse", tool_name="Edit", tool_input=given)


def with_labels(memory: Memory) -> Memory:
    commit(memory, "a", "fix: round the weight of parcels up", BODY, "shop/labels.py", "tests/test_labels.py")
    return settled(memory)


def test_a_prompt_gets_the_whole_sentences_of_the_commit_that_decided_with_its_hash(memory: Memory) -> None:
    said = told(with_labels(memory), "s", "UserPromptSubmit", prompt=PROMPT)

    assert "Commit aaaaaaa" in said
    assert "weight_of_parcel must round up to 100 grams, never down." in said
    assert "A parcel above 31.5 kg is refused with a ValueError because no courier takes it." in said
    assert "…" not in said
    assert tokens(said) <= 300


def test_a_session_and_its_sub_agents_are_told_once(memory: Memory) -> None:
    with_labels(memory)

    first = told(memory, "s", "UserPromptSubmit", prompt=PROMPT)
    again = told(memory, "s", "UserPromptSubmit", prompt=f"{PROMPT} Go on.")

    assert first
    assert again == ""
    assert edit(memory, "s", "shop/labels.py") == ""
    assert edit(memory, "s:part", "shop/labels.py") == ""
    assert "100 grams" in edit(memory, "another", "shop/labels.py")


def test_a_prompt_about_something_else_gets_nothing(memory: Memory) -> None:
    with_labels(memory)

    assert told(memory, "s", "UserPromptSubmit", prompt="Translate the greeting on the landing page to Danish") == ""


def test_the_later_talk_stands_before_what_it_amends(memory: Memory) -> None:
    before = memory.clock.now()
    talk(
        memory,
        before - 60 * DAY,
        "How should weight_of_parcel round the parcel weight on labels?",
        "It could round up.",
        "weight_of_parcel must always round the parcel weight up to 100 grams.",
    )
    talk(
        memory,
        before - 30 * DAY,
        "Amendment to the parcel weight rule: weight_of_parcel no longer rounds up to 100 grams, it must round up to 10"
        " grams.",
    )
    settled(memory)

    said = told(memory, "s", "UserPromptSubmit", prompt=PROMPT)

    assert "user: Amendment to the parcel weight rule" in said
    assert said.find("10 grams") < (said.find("always round") if "always round" in said else len(said))


def test_an_edit_gets_what_was_decided_for_its_file_and_others_get_nothing(memory: Memory) -> None:
    with_labels(memory)

    assert "never down" in edit(memory, "s", "shop/labels.py")
    assert edit(memory, "t", "shop/basket.py", "def total(items):") == ""
    assert edit(memory, "u", "README.md", "labels") == ""


def test_an_edit_names_the_file_that_is_always_changed_with_it(memory: Memory) -> None:
    for number in range(8):
        commit(memory, "bcdef012"[number], f"step {number}", "", "shop/tax.py", "tests/test_tax.py", day=number + 1)
    settled(memory)

    said = edit(memory, "s", "shop/tax.py", "x")

    assert "`shop/tax.py` was changed together with `tests/test_tax.py` in 8 of its last 8 changes." in said
    assert edit(memory, "s", "shop/tax.py", "y") == ""
    assert edit(memory, "t", "tests/test_tax.py", "x") == ""


def test_the_briefing_tells_the_code_line_with_which_a_later_session_mended_a_failure(memory: Memory) -> None:
    later = memory.clock.now() + DAY
    error = StepError("KeyError: 'vat'")
    with_command = Step("Bash", "pytest tests/billing", {}, error, recorded_at=memory.clock.now())
    changed = {"file": "billing.py", "old_string": "rate = table[code]", "new_string": "rate = table.get(code, 0)"}
    hooked = [
        [with_command],
        [
            Step("Edit", "billing.py", changed, StepSuccess(), recorded_at=later),
            Step("Bash", "pytest tests/billing", {}, StepSuccess("1 passed"), recorded_at=later + 1),
        ],
    ]
    for number, steps in enumerate(hooked):
        for step in steps:
            response = {"stdout": "1 passed"} if isinstance(step.result, StepSuccess) else None
            name = "PostToolUse" if response else "PostToolUseFailure"
            given = {"command": step.action} if step.tool == "Bash" else {"file_path": "billing.py", **changed}
            fields = {"tool_response": response} if response else {"error": "KeyError: 'vat'"}
            event = {"hook_event_name": name, "session_id": f"s{number}", "tool_name": step.tool, "tool_input": given}
            handle(memory, read_event(json.dumps({**event, **fields}).encode(), "", step.recorded_at))
        handle(memory, read_event(b'{"hook_event_name": "SessionEnd", "session_id": "s%d"}' % number, "", later))
    settled(memory)

    briefing = told(memory, "next", "SessionStart", source="startup")

    assert "nothing mended it yet" not in briefing
    assert "rate = table.get(code, 0)" in briefing
    assert "nobody said so" not in briefing
    assert tokens(briefing) <= 400
