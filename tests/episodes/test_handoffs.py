"""Checkpoints that another session, another store or another machine takes up."""

import hashlib
import json
import string

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.config.places import places
from memory_mcp.config.settings import Settings, StoreSettings
from memory_mcp.episodes.handoffs import pack, unpack
from memory_mcp.errors import DamagedError, InvalidInputError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import (
    Abstained,
    Context,
    Episode,
    Failure,
    PartialSuccess,
    Step,
    StepError,
    StepSuccess,
    StepTimeout,
    Success,
)
from memory_mcp.models.relationships import Relationship
from tests.conftest import OpenMemory

OK = StepSuccess("ok")


def working(memory: Memory) -> str:
    context = Context("auth", "python", "flask", "complex", ("ci", "flaky"))
    episode, _ = memory.episodes.start("mend the login", task_type="bug_fix", context=context)
    memory.episodes.append(episode.id, [Step("bash", "pytest", result=StepError("KeyError: user"))])
    return episode.id


def test_a_handoff_is_resumed_with_context_type_and_tags_and_follows_the_episode(open_memory: OpenMemory) -> None:
    before = open_memory()
    episode_id = working(before)
    made = before.handoffs.checkpoint(episode_id, note="the token is read too early", next_steps=["move the read"])
    before.close()

    after = open_memory()
    read = after.handoffs.get(made.id)
    episode, handoff, _ = after.handoffs.resume(read.id)

    assert read == handoff == made
    old = after.episodes.get(episode_id)
    assert (episode.task, episode.task_type, episode.context) == (old.task, old.task_type, old.context)
    assert list(after.relationships.list(episode.id)) == [Relationship("follows", episode.id, episode_id)]
    assert old.status == "active"


def test_a_handoff_holds_the_steps_until_its_checkpoint(memory: Memory) -> None:
    episode_id = working(memory)
    first = memory.handoffs.checkpoint(episode_id)
    memory.episodes.append(episode_id, [Step("edit", "app.py", result=OK)])
    second = memory.handoffs.checkpoint(episode_id)

    assert len(memory.handoffs.get(first.id).episode.steps) == 1
    assert len(memory.handoffs.get(second.id).episode.steps) == 2
    assert memory.handoffs.get(episode_id).id == second.id
    assert [row.id for row in memory.handoffs.list()] == [second.id, first.id]


def test_a_handoff_of_another_project_is_not_found(open_memory: OpenMemory) -> None:
    made = open_memory("here").handoffs.checkpoint(working(open_memory("here")))

    with pytest.raises(NotFoundError, match=f"no handoff {made.id} in project there; make one of an episode"):
        open_memory("there").handoffs.get(made.id)


def test_a_handoff_goes_with_its_episode(memory: Memory) -> None:
    episode_id = working(memory)
    made = memory.handoffs.checkpoint(episode_id)

    memory.episodes.delete(episode_id)

    with pytest.raises(NotFoundError):
        memory.handoffs.get(made.id)


def test_a_file_brings_a_handoff_to_another_machine_once(
    memory: Memory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = memory.handoffs.checkpoint(working(memory), note="go on", next_steps=["move the read"])
    packed = pack(made)
    home = tmp_path_factory.mktemp("elsewhere")
    settings = Settings(store=StoreSettings(home=str(home)))

    with Memory(settings, places(settings, settings_file=home / "x"), "other", actor="test") as elsewhere:
        taken = elsewhere.handoffs.take_in(packed)
        again = elsewhere.handoffs.take_in(packed)
        episode, _, _ = elsewhere.handoffs.resume(taken.id)

        assert (taken.id, taken.note, taken.next_steps) == (made.id, made.note, made.next_steps)
        assert taken.episode.steps == made.episode.steps
        assert taken == again
        assert episode.context == made.episode.context
        assert len(elsewhere.episodes.list().episodes) == 2


def test_a_file_taken_in_where_it_was_made_uses_the_episode_that_is_there(memory: Memory) -> None:
    made = memory.handoffs.checkpoint(working(memory))

    assert memory.handoffs.take_in(pack(made)) == made
    assert len(memory.episodes.list().episodes) == 1


def test_a_handoff_is_taken_into_another_project_of_the_same_file(open_memory: OpenMemory) -> None:
    made = open_memory("here").handoffs.checkpoint(working(open_memory("here")))

    taken = open_memory("there").handoffs.take_in(pack(made))

    assert taken.episode.id != made.episode.id
    assert taken.episode.steps == made.episode.steps


def test_secrets_do_not_leave_with_a_handoff(memory: Memory) -> None:
    episode_id = working(memory)
    key = "sk-ant-" + "a1B2" * 8
    memory.episodes.append(episode_id, [Step("bash", f"ANTHROPIC_API_KEY={key} run", {"header": f"Bearer {key}"}, OK)])

    packed = pack(memory.handoffs.checkpoint(episode_id, note=f"use {key}"))

    assert key.encode() not in packed
    assert b"<anthropic-key>" in packed
    assert unpack(packed)[0].note == "use <anthropic-key>"


@pytest.mark.parametrize(
    ("packed", "error", "sentence"),
    [
        (b"not json", InvalidInputError, "this is no handoff"),
        (b'{"format": "memory-mcp handoff 9", "sha256": "", "handoff": {}}', InvalidInputError, "handoff 9' and only"),
        (b'{"format": "memory-mcp handoff 1", "sha256": "00", "handoff": {}}', DamagedError, "not match its checksum"),
        (
            b'{"format": "memory-mcp handoff 1", "sha256": "' + hashlib.sha256(b"{}").hexdigest().encode()
            + b'", "handoff": {}}',
            InvalidInputError,
            "missing required field",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_handoff_is_refused(
    memory: Memory, packed: bytes, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        memory.handoffs.take_in(packed)

    assert memory.episodes.list().episodes == ()


def test_a_changed_file_is_refused(memory: Memory) -> None:
    packed = pack(memory.handoffs.checkpoint(working(memory), note="go on"))

    with pytest.raises(DamagedError):
        memory.handoffs.take_in(packed.replace(b"go on", b"go no"))


TEXT = st.text(string.ascii_letters + string.digits + " äß漢\n\"'<>", max_size=40)
WORD = st.text(string.ascii_letters, min_size=1, max_size=10)
RESULTS = st.none() | st.builds(StepSuccess, TEXT) | st.builds(StepError, TEXT) | st.builds(StepTimeout, TEXT)
OUTCOMES = st.one_of(
    st.builds(Success, TEXT, st.lists(WORD, max_size=2).map(tuple)),
    st.builds(PartialSuccess, TEXT, st.lists(WORD, max_size=2).map(tuple), st.lists(WORD, max_size=2).map(tuple)),
    st.builds(Failure, TEXT, TEXT),
    st.builds(Abstained, TEXT, TEXT),
)
PARAMETERS = st.dictionaries(WORD, st.integers(-(2**53), 2**53) | TEXT | st.none() | st.booleans(), max_size=3)
STEPS = st.lists(
    st.builds(Step, WORD, WORD, PARAMETERS, RESULTS, st.none() | st.floats(0, 1e6), st.integers(0, 2**53)), max_size=6
)


CONTEXTS = st.builds(
    Context, WORD, WORD, WORD, st.none(), st.sets(WORD, max_size=3).map(lambda tags: tuple(sorted(tags)))
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORD, CONTEXTS, STEPS, st.none() | OUTCOMES, TEXT)
def test_a_handoff_round_trips_any_episode(
    open_memory: OpenMemory, task: str, context: Context, steps: list[Step], outcome: Success | None, note: str
) -> None:
    memory = open_memory()
    episode, _ = memory.episodes.start(task, task_type="any", context=context)
    if steps:
        memory.episodes.append(episode.id, steps)
    if outcome is not None:
        memory.episodes.complete(episode.id, outcome)
    made = memory.handoffs.checkpoint(episode.id, note=note)

    read, digest = unpack(pack(made))

    assert read == made == memory.handoffs.get(made.id)
    assert json.loads(pack(made))["sha256"] == digest
    memory.episodes.delete(episode.id)
    taken = memory.handoffs.take_in(pack(made))
    assert taken.note == note
    assert without_origin(taken.episode) == without_origin(made.episode)


def without_origin(episode: Episode) -> Episode:
    """Leave out where it came from, and what is measured anew where it arrives."""
    return msgspec.structs.replace(episode, source=None, reward=None)
