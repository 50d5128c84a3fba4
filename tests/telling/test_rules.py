"""What the user says is proposed as a rule, and what they decide about it holds."""

import msgspec
import pytest

from memory_mcp.errors import IllegalMoveError, InvalidInputError, NotFoundError
from memory_mcp.importers.archives import Opened, export_lines, import_export
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Source, Step, StepError, StepSuccess
from memory_mcp.storage.rule_store import RuleStore
from tests.conftest import OpenMemory

REFUSED = "The user doesn't want to proceed with this tool use. The tool use was rejected."


def remembered(memory: Memory, *texts: str) -> str:
    talk, _ = memory.conversations.remember("talk", [Message("user", text, at + 1) for at, text in enumerate(texts)])
    memory.decisions.follow()
    return talk.id


def recorded(memory: Memory, steps: list[Step], task: str = "mend the shop") -> None:
    draft = memory.episodes.draft(task, source=Source("hooks:claude-code", "session"))
    memory.episodes.record([msgspec.structs.replace(draft, steps=tuple(steps))])
    memory.decisions.follow()


def texts(memory: Memory, *states: str) -> list[str]:
    return [rule.text for rule in memory.rules.list(states or ("accepted", "proposed"))[0]]  # type: ignore[arg-type]  # literals of the test


def test_what_the_user_says_is_proposed_once_and_counted(memory: Memory) -> None:
    remembered(memory, "never push to main", "looks good")
    remembered(memory, "Please, never push to main!")

    rules, damaged = memory.rules.list()

    assert damaged == 0
    assert [(rule.text, rule.state, rule.count) for rule in rules] == [("Never push to main", "proposed", 2)]
    assert {quote.text for quote in rules[0].quotes} == {"Never push to main", "Never push to main!"}


def test_what_an_agent_says_is_no_rule(memory: Memory) -> None:
    memory.conversations.remember("talk", [Message("assistant", "never push to main", 1)])
    memory.decisions.follow()

    assert texts(memory) == []


def test_reading_a_record_again_proposes_nothing_twice(memory: Memory) -> None:
    remembered(memory, "never push to main")
    before = memory.rules.list()

    memory.decisions.renew()

    assert memory.rules.list() == before


def test_a_proposal_goes_with_the_record_that_said_so_and_a_decision_stays(memory: Memory) -> None:
    talks = [remembered(memory, "never push to main"), remembered(memory, "we use tabs in this repo")]
    accepted = next(rule for rule in memory.rules.list()[0] if "push" in rule.text)
    memory.rules.accept(accepted.id)

    for talk in talks:
        memory.episodes.delete(talk)

    assert texts(memory) == ["Never push to main"]


def test_a_rejected_rule_is_not_proposed_again(memory: Memory) -> None:
    remembered(memory, "never push to main")
    memory.rules.reject(memory.rules.list()[0][0].id)

    remembered(memory, "never push to main")

    assert texts(memory) == []
    assert texts(memory, "rejected") == ["Never push to main"]


def test_words_with_which_a_call_was_refused_are_a_rule(memory: Memory) -> None:
    said = f"{REFUSED} To tell you how to proceed, the user said:\nNo, use uv here"
    recorded(memory, [Step("Bash", "pip install x", {"command": "pip install x"}, StepError(said))])

    rule = memory.rules.list()[0][0]

    assert (rule.text, rule.check and rule.check.words) == ("Use uv here", ("pip",))


def test_a_command_refused_without_a_word_needs_a_question(memory: Memory) -> None:
    command = "git push --force origin topic"
    recorded(memory, [Step("Bash", command, {"command": command}, StepError(REFUSED))])

    assert texts(memory) == [f"Ask before running `{command}`: the user refused it."]


def test_what_was_said_to_an_edit_that_was_undone_is_a_rule(memory: Memory) -> None:
    there = {"file": "a.py", "old_string": "total", "new_string": "sum_"}
    back = {"file": "a.py", "old_string": "sum_", "new_string": "total"}
    said = Step("user", "Don't rename that variable.")
    done = StepSuccess("")

    recorded(memory, [Step("Edit", "a.py", there, done), said, Step("Edit", "a.py", back, done)])

    assert texts(memory) == ["Don't rename that variable."]


def test_the_same_words_without_an_undone_edit_are_none(memory: Memory) -> None:
    there = {"file": "a.py", "old_string": "total", "new_string": "sum_"}
    recorded(memory, [Step("Edit", "a.py", there, StepSuccess("")), Step("user", "Don't rename that variable.")])

    assert texts(memory) == []


def test_only_accepted_rules_are_checked(memory: Memory) -> None:
    push = Step("Bash", "git push origin main", {"command": "git push origin main"})
    remembered(memory, "never push to main")
    assert (memory.store.rules.has_checked(), memory.rules.broken_by(push)) == (False, [])

    memory.rules.accept(memory.rules.list()[0][0].id, "deny")

    assert memory.store.rules.has_checked()
    assert [rule.action for rule in memory.rules.broken_by(push)] == ["deny"]


def test_an_agent_accepts_only_what_the_user_said(memory: Memory) -> None:
    remembered(memory, "never push to main")
    said = memory.rules.list()[0][0]
    server = msgspec.structs.replace(memory.store.writer, actor="server")
    memory.store.writer = server
    memory.store.rules = RuleStore(memory.store.database, server)
    own, _ = memory.rules.add("always push to main")

    with pytest.raises(IllegalMoveError, match="only the user"):
        memory.rules.accept(own.id)
    memory.rules.accept(said.id)

    assert texts(memory, "accepted") == ["Never push to main"]


def test_the_wall_between_projects_holds(memory: Memory, open_memory: OpenMemory) -> None:
    remembered(memory, "never push to main")
    other = open_memory("elsewhere")

    assert texts(other) == []
    with pytest.raises(NotFoundError):
        other.rules.accept(memory.rules.list()[0][0].id)


def test_a_rule_needs_words(memory: Memory) -> None:
    with pytest.raises(InvalidInputError):
        memory.rules.add("  ")


def test_an_archive_brings_rules_only_as_proposals(
    memory: Memory, another_home: OpenMemory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rule, _ = memory.rules.add("never push to main")
    other, _ = memory.rules.add("don't use npm")
    memory.rules.reject(other.id)
    file = tmp_path_factory.mktemp("archive") / "all.jsonl"
    file.write_bytes(b"".join(export_lines(memory.store, memory.clock)))
    new = another_home("here")

    import_export(lambda _: Opened(new.store, new.learning, new.decisions), file, lambda _: None, dry_run=False)

    assert rule.state == "accepted"
    assert texts(new, "accepted") == []
    assert texts(new, "proposed") == ["never push to main"]
    assert texts(new, "rejected") == ["don't use npm"]


def test_a_damaged_rule_is_left_out_and_counted(memory: Memory) -> None:
    memory.rules.add("never push to main")
    with memory.store.database.write() as session:
        session.run("UPDATE rules SET text = 'always push to main'")

    assert memory.rules.list() == ([], 1)
