"""What a value may be, at every door; and what becomes of those that earlier versions let in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.episodes.handoffs import pack
from memory_mcp.errors import InvalidInputError
from memory_mcp.importers.archives import export_lines
from memory_mcp.memory import Memory
from memory_mcp.models import limits, values
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import EpisodeFilter, Step, StepError, StepSuccess, Success
from memory_mcp.models.handoffs import Handoff
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.recall import Query
from memory_mcp.storage import cursors
from memory_mcp.storage.hot_episodes import Revision
from memory_mcp.storage.marks import Mark
from tests.conftest import OpenMemory
from tests.hooks.agents import Agent
from tests.hooks.conftest import opened
from tests.importers.test_archives import content, exported, taken_in

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(limits.LEAST_INTEGER, limits.GREATEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)
ANYTHING = st.recursive(
    JSON | st.integers() | st.floats() | st.binary() | st.dates() | st.text(st.characters(categories=["Cs", "L"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=30,
)
STRANGE: dict[str, Any] = {
    "least": -(2**63),
    "greatest": 2**64 - 1,
    "tiny": 5e-324,
    "negative zero": -0.0,
    "": {"nul\x00": "a\x00b", "ESC\x1b[31m": "\u202ertl"},
    "deep": msgspec.json.decode("[" * 48 + "]" * 48),
}


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


@given(JSON)
def test_plain_json_is_kept_as_it_is(value: Any) -> None:
    assert values.checked(value, "it") == value
    assert values.tamed(value) == value


@given(ANYTHING)
def test_whatever_is_tamed_is_accepted_and_written_in_every_format(value: Any) -> None:
    tamed = values.tamed(value)

    assert values.checked(tamed, "it") == tamed
    assert msgspec.json.decode(msgspec.json.encode(tamed)) == tamed
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(tamed)) == tamed


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": {"b": [1, 2**64]}}, r"p\.a\.b\[1\] is an integer of more than 64 bits; send it as text"),
        ({"a": -(2**63) - 1}, r"p\.a is an integer of more than 64 bits"),
        ({"a": float("inf")}, r"p\.a is not a finite number"),
        ({"a": float("nan")}, r"p\.a is not a finite number"),
        (nested(51), r"is nested more than 50 levels deep"),
        (nested(900), r"is nested more than 50 levels deep"),
        ([0] * 20_001, r"p holds more than 20000 values"),
        ([[0] * 2_000] * 11, r"holds more than 20000 values"),
        ({"a": b"bytes"}, r"p\.a is a bytes and must be JSON"),
        ({5: 1}, r"p has a name that is not text"),
    ],
)
def test_what_could_not_be_read_back_is_refused_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        values.checked(value, "p")


def test_what_is_too_deep_or_too_much_is_tamed_to_text() -> None:
    assert values.tamed({"n": 2**64, "x": [float("inf")]}) == {"n": "18446744073709551616", "x": ["inf"]}
    assert values.tamed(2**20_000) == "an integer of 20001 bits"
    assert values.checked(values.tamed(nested(900)), "it") == values.tamed(nested(900))
    assert len(values.tamed([0] * 100_000)) < limits.VALUES
    assert values.tamed(b"x") == "b'x'"


def test_a_cut_emoji_becomes_a_replacement_character_and_two_halves_become_one() -> None:
    assert values.mended("cut \ud83d") == "cut \ufffd"
    assert values.mended("whole \ud83d\ude00") == "whole \U0001f600"


def test_strange_but_honest_values_come_back_from_everywhere(
    open_memory: OpenMemory, another_home: OpenMemory, tmp_path: Path
) -> None:
    memory = open_memory()
    episode, _ = memory.episodes.start("read \x00 the \ud83d sensor\x1b[0m", task_type="a\x00b")
    memory.episodes.append(episode.id, [Step("bash\x00", "ls \x00", STRANGE, StepError("cut \ud83d"), 1.7e308)])
    memory.episodes.append(episode.id, [Step("bash", "ls", {"file": "src/\x00.py"}, StepSuccess(), 0)])
    memory.learning.complete(episode.id, Success("all \udcff read", ("\x00.py",)))
    packed = pack(memory.handoffs.checkpoint(episode.id, note="\ud83d", next_steps=["\x00"]))

    again = open_memory().episodes.get(episode.id)

    assert again == memory.episodes.get(episode.id)
    assert again.task == "read \x00 the \ufffd sensor\x1b[0m"
    assert again.steps[0].parameters == STRANGE
    assert again.steps[0].result == StepError("cut \ufffd")
    assert [hit.id for hit in memory.recall.search(Query("read the sensor")).hits] == [episode.id]
    first = exported(memory, tmp_path / "first.jsonl")
    other = another_home()
    assert taken_in(other, first).reports == []
    assert content(exported(other, tmp_path / "second.jsonl")) == content(first)
    assert another_home("elsewhere").handoffs.take_in(packed).episode.steps == again.steps


@pytest.mark.parametrize(
    "step",
    [
        Step("bash", "ls", {"n": 2**64}),
        Step("bash", "ls", {"n": nested(300)}),
        Step("bash", "ls", {"n": float("nan")}),
        Step("bash", "ls", latency_ms=float("inf")),
        Step("bash", "ls", latency_ms=float("nan")),
        Step("bash", "ls", latency_ms=-1.0),
        Step("bash", "ls", recorded_at=2**62),
        Step("bash", "ls", recorded_at=-1),
        Step("\ud83d" * 201, "ls"),
    ],
)
def test_a_step_that_could_not_be_read_back_is_refused_whole(memory: Memory, step: Step) -> None:
    episode, _ = memory.episodes.start("a task")

    with pytest.raises(InvalidInputError):
        memory.episodes.append(episode.id, [Step("bash", "fine"), step])
    with pytest.raises(InvalidInputError):
        memory.episodes.record([msgspec.structs.replace(memory.episodes.draft("elsewhere"), id="", steps=(step,))])

    assert memory.episodes.get(episode.id).steps == ()


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01", "1969-12-31T23:59:59Z", "99999-01-01"])
def test_a_time_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"outside the years 1970 to 9999|is no time"):
        parse_moment(text, now=0)


def test_times_ids_limits_cursors_and_filters_are_refused_with_a_sentence(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task")
    talk, _ = memory.conversations.remember("talk", [Message("ann", "hello", 1)])
    message = Message("ann", "late", limits.LATEST_MOMENT + 1)
    cursor = cursors.dump_cursor(msgspec.structs.replace(cursors.Position(1, 2), key=2**63))
    many = tuple(f"tag{number}" for number in range(5_000))

    for refused in (
        lambda: memory.conversations.append(talk.id, [message]),
        lambda: memory.conversations.remember("talk", [message]),
        lambda: memory.conversations.turns(talk.id, start=2**63),
        lambda: memory.notes.add("a fact", valid_until=2**62),
        lambda: memory.notes.add("a fact", importance=float("nan")),
        lambda: memory.notes.add("a fact", tags=many),
        lambda: memory.episodes.list(limit=2**63),
        lambda: memory.episodes.list(cursor=cursor),
        lambda: memory.episodes.list(EpisodeFilter(tags=many)),
        lambda: memory.recall.search(Query("a task", filter=EpisodeFilter(tags=many))),
        lambda: memory.episodes.get("\ud83d"),
        lambda: memory.notes.delete("\udcff"),
        lambda: memory.episodes.list(EpisodeFilter(since=2**63)),
    ):
        with pytest.raises(InvalidInputError):
            refused()

    assert memory.episodes.get(episode.id).task == "a task"


def poison(memory: Memory, parameters: bytes) -> str:
    """Write behind the checks what earlier versions accepted."""
    step = Step("bash", "read the sensor", json.loads(parameters), recorded_at=memory.clock.now())
    poisoned = msgspec.structs.replace(memory.episodes.draft("read the sensor"), steps=(step,))
    memory.store.episodes.insert(poisoned)
    return poisoned.id


INNER = "[" * 251 + "]" * 251


@pytest.mark.parametrize(
    ("parameters", "served"),
    [
        (b'{"n":18446744073709551616}', {"n": "18446744073709551616"}),
        (b'{"n":' + b"[" * 300 + b"]" * 300 + b"}", {"n": json.loads("[" * 49 + f'"{INNER}"' + "]" * 49)}),
        (b'{"n":-9223372036854775809,"m":[' + b"0," * 30_000 + b"0]}", None),
    ],
)  # fmt: skip
def test_bad_values_that_earlier_versions_stored_are_served(
    open_memory: OpenMemory, another_home: OpenMemory, tmp_path: Path, parameters: bytes, served: Any
) -> None:
    poisoned = poison(open_memory(), parameters)
    memory = open_memory()

    found = memory.episodes.get(poisoned)

    assert values.checked(found.steps[0].parameters, "it") == found.steps[0].parameters
    assert served is None or found.steps[0].parameters == served
    assert [row.id for row in memory.episodes.list().episodes] == [poisoned]
    assert [hit.id for hit in memory.recall.search(Query("read the sensor")).hits] == [poisoned]
    assert open_memory().episodes.get(poisoned) == found  # from the cache
    memory.learning.complete(poisoned, Success("read"))
    memory.learning.follow()
    first = exported(memory, tmp_path / "first.jsonl")
    assert taken_in(another_home(), first).reports == []
    assert content(exported(another_home(), tmp_path / "second.jsonl")) == content(first)


def test_the_cache_keeps_nothing_that_it_could_not_hand_back(memory: Memory) -> None:
    episode, _ = memory.episodes.start("read the sensor")
    poisoned = msgspec.structs.replace(episode, steps=(Step("bash", "ls", {"n": 2**64}),))

    memory.store.episodes.hot.keep(poisoned, Revision(1, 1, 1), Mark())

    assert memory.episodes.get(episode.id) == episode


def test_a_handoff_of_an_earlier_version_is_taken_in_whatever_its_numbers(memory: Memory) -> None:
    episode = memory.episodes.draft("read the sensor")
    steps = (Step("bash", "ls", {"n": 2**64}, recorded_at=1),)
    handoff = Handoff("h1", 1, msgspec.structs.replace(episode, id="e1", steps=steps))

    taken = memory.handoffs.take_in(pack(handoff))

    assert taken.episode.steps[0].parameters == {"n": "18446744073709551616"}
    for bad in (
        msgspec.structs.replace(handoff, id="h2", made_at=2**62),
        msgspec.structs.replace(handoff, id="h\n3"),
        msgspec.structs.replace(handoff, id="h4", note="x" * 10_001, episode=taken.episode),
        msgspec.structs.replace(handoff, id="h5", episode=msgspec.structs.replace(episode, id="e5", started_at=-1)),
    ):
        with pytest.raises(InvalidInputError):
            memory.handoffs.take_in(pack(bad))
    with pytest.raises(InvalidInputError, match="this is no handoff"):
        memory.handoffs.take_in(b"[" * 5_000)


def test_a_time_beyond_all_dates_that_is_stored_already_is_shown_as_the_last_one(memory: Memory) -> None:
    talk, _ = memory.conversations.remember("talk", [Message("ann", "the sensor is hot", 1)])
    with memory.store.database.write() as session:
        session.run("UPDATE documents SET created_at = ?", (2**62,))

    lines = b"".join(export_lines(memory.store, memory.clock))

    assert talk.id.encode() in lines
    assert len(memory.conversations.list().episodes) == 1


def test_an_export_with_impossible_numbers_is_taken_in_but_for_those_lines(memory: Memory, tmp_path: Path) -> None:
    episode, _ = memory.episodes.start("a task")
    memory.episodes.append(episode.id, [Step("bash", "ls", {"n": 7})])
    memory.notes.add("a fact")
    path = exported(memory, tmp_path / "export.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    told = next(line for line in lines if '"line":"episode"' in line)
    noted = next(line for line in lines if '"line":"note"' in line)
    other_id = episode.id.replace("0", "f")
    changed = [
        lines[0].replace('"here"', '"there"'),
        told.replace(episode.id, other_id).replace('"n":7', '"n":18446744073709551616'),
        told.replace(episode.id, "a").replace('"started_at":1', '"started_at":9999999999991'),
        told.replace(episode.id, "b").replace('"a task"', '" "'),
        told.replace(f'"{episode.id}"', '"c\\nd"'),
        noted.replace('"importance":0.5', '"importance":1e3'),
        noted.replace('"importance":0.5', '"importance":1e400'),
        '{"line":"feedback","judgement":"helped","at":1,"rating":9223372036854775808}',
        "[" * 5_000,
    ]
    path.write_text("\n".join(changed) + "\n", encoding="utf-8")

    summary = taken_in(memory, path)

    assert (summary.imported, summary.bad) == (1, 7)
    assert memory.episodes.get(other_id).steps[0].parameters == {"n": "18446744073709551616"}


def test_a_hook_records_what_a_client_sends_whatever_its_values(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    agent.raw(b'{"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "cut \\ud83d emoji"}')
    deep = b"[" * 400 + b"]" * 400
    told = b'{"session_id": "one", "hook_event_name": "PostToolUse", "tool_name": "Probe", "tool_input": {"n": %s},'
    for number in (b"18446744073709551616", b"1e400", b"NaN", deep, b'"\\ud83d"', b"[" + b"0.123," * 200_000 + b"0]"):
        agent.raw(told % number + b' "duration_ms": -1, "tool_response": {"stdout": "\\udcff ok", "n": %s}}' % number)

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert (agent.log, row.task, len(episode.steps)) == ("", "cut \ufffd emoji", 6)
    assert [step.parameters.get("n") for step in episode.steps[:3]] == ["18446744073709551616", "inf", "nan"]


def test_the_command_line_mends_and_refuses_alike(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    cli = [sys.executable, "-m", "memory_cli.entrance"]

    def run(*words: bytes | str) -> tuple[int, str]:
        done = subprocess.run([*cli, *words], env=agent.environ, capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    assert run("episode", "create", b"cut \xff text")[0] == 2
    code, made = run("episode", "create", "a task")
    assert code == 0
    episode_id = made.strip()
    for parameters in ('{"n": 18446744073709551616}', '{"n": 1e400}', "[" * 5_000, '{"n": NaN}', b'{"n": "\xff'):
        code, said = run("episode", "log-step", episode_id, "bash", "ls", "--parameters", parameters)
        assert code in {1, 2}
        assert "Traceback" not in said
    assert run("episode", "log-step", episode_id, "bash", "ls", "--parameters", '{"n": "é"}')[0] == 0
    code, said = run("episode", "log-step", episode_id, "b", "l", "--latency-ms", "nan")
    assert (code, "Traceback" in said) == (1, False)
    with opened(agent) as memory:
        episode = memory.episodes.get(episode_id)
    assert (episode.task, [step.parameters for step in episode.steps]) == ("a task", [{"n": "é"}])
