"""The life of an episode, its limits, and every order of legal and illegal moves."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, invariant, multiple, rule

from memory_mcp.config.places import places
from memory_mcp.config.settings import Settings, StoreSettings
from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.episodes.outcomes import outcome_of
from memory_mcp.episodes.reward import reward
from memory_mcp.errors import IllegalMoveError, InvalidInputError, LimitError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import (
    Abstained,
    Context,
    EpisodeFilter,
    Failure,
    Outcome,
    PartialSuccess,
    Step,
    StepError,
    StepSuccess,
    Success,
    outcome_type,
)
from tests.fakes import DAY, FrozenClock


def test_a_completed_episode_carries_outcome_reward_and_reflection(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend the login", context=Context(domain="auth", complexity="simple"))
    failing = Step("bash", "pytest", result=StepError("KeyError: user"))
    memory.episodes.append(episode.id, [failing, Step("bash", "pytest", result=StepSuccess("2 passed"))])

    closed, _ = memory.episodes.complete(episode.id, Success("use get()", ("app.py",)))

    assert closed.status == "completed"
    assert closed.reward is not None
    assert closed.reward == reward(closed)
    assert closed.reflection is not None
    assert closed.reflection.successes == (
        "Claimed: use get()",
        "Step 2 (pytest) passed after step 1 had failed with 'KeyError: user'.",
        "The last test run (step 2, pytest) passed: 2 passed",
    )
    assert closed.reflection.insights == ("1 of 2 steps failed.",)
    assert memory.episodes.get(episode.id) == closed


@pytest.mark.parametrize(
    ("outcome", "share"),
    [
        (Success(), 0.3),
        (Success(evidence="user"), 1.0),
        (PartialSuccess(completed=("a",), failed=("b", "c"), evidence="user"), 0.3333),
        (Abstained(reason="no rights"), 0.3),
        (Failure(reason="gave up"), 0.0),
    ],
)
def test_every_outcome_closes_an_episode(memory: Memory, outcome: Outcome, share: float) -> None:
    episode, _ = memory.episodes.start("a task")

    closed, _ = memory.episodes.complete(episode.id, outcome)

    assert closed.outcome == outcome
    assert closed.reward is not None
    assert closed.reward.outcome == share


def test_a_step_on_a_completed_episode_is_refused_with_what_is_allowed(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task")
    memory.episodes.complete(episode.id, Failure(reason="no time"))

    with pytest.raises(
        IllegalMoveError, match=r"was completed as failure, so you cannot append steps; update, get and delete"
    ):
        memory.episodes.append(episode.id, [Step("bash", "ls")])


def test_an_unknown_episode_is_named_with_its_project(memory: Memory) -> None:
    with pytest.raises(NotFoundError, match="no episode nope in project here"):
        memory.episodes.complete("nope", Success())


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ("  ", "the task is empty"),
        ("x" * 10_001, "the task has 10001 characters and may have 10000"),
    ],
)
def test_a_bad_task_is_refused(memory: Memory, task: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        memory.episodes.start(task)

    assert memory.episodes.list().episodes == ()


def test_a_payload_beyond_a_megabyte_is_refused_and_nothing_of_the_call_is_kept(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task")
    steps = [Step("bash", "ls"), Step("bash", "cat", result=StepSuccess("x" * 1_000_001))]

    with pytest.raises(LimitError, match=r"result of step 2 has \d+ bytes and may have 1000000"):
        memory.episodes.append(episode.id, steps)

    assert memory.episodes.get(episode.id).steps == ()


def test_an_episode_takes_a_thousand_steps_and_no_more(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a long task")
    memory.episodes.append(episode.id, [Step("bash", f"step {number}") for number in range(1000)])

    with pytest.raises(LimitError, match="has 1000 steps and may have 1000; complete it"):
        memory.episodes.append(episode.id, [Step("bash", "one more")])


def test_an_episode_takes_ten_megabytes_and_no_more(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a heavy task")
    memory.episodes.append(episode.id, [Step("bash", "cat", result=StepSuccess("x" * 990_000))] * 10)

    with pytest.raises(LimitError, match="may hold 10000000"):
        memory.episodes.append(episode.id, [Step("bash", "cat", result=StepSuccess("x" * 200_000))])


def test_an_update_changes_what_it_names_and_nothing_else(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task", context=Context(domain="auth", tags=("old", "kept")))

    changed, _ = memory.episodes.update(episode.id, Changes(domain="billing", add_tags=("new",), remove_tags=("old",)))

    assert changed.context == Context(domain="billing", tags=("kept", "new"))
    assert changed.task == "a task"
    with pytest.raises(InvalidInputError, match="nothing to update; give one of task, "):
        memory.episodes.update(episode.id, Changes())


def test_a_list_is_filtered_by_every_property(memory: Memory, clock: FrozenClock) -> None:
    first, _ = memory.episodes.start("one", task_type="fix", context=Context("auth", "python", tags=("a", "b")))
    clock.moment += DAY
    second, _ = memory.episodes.start("two", task_type="feature", context=Context("web", "rust", tags=("a",)))
    memory.episodes.complete(second.id, Abstained())

    def found(**chosen: object) -> list[str]:
        return [row.id for row in memory.episodes.list(EpisodeFilter(**chosen)).episodes]  # type: ignore[arg-type]  # per case

    assert found() == [second.id, first.id]
    assert found(status="active") == [first.id]
    assert found(outcome="abstained") == [second.id]
    assert found(domain="auth") == [first.id]
    assert found(task_type="feature") == [second.id]
    assert found(language="rust") == [second.id]
    assert found(tags=("a",)) == [second.id, first.id]
    assert found(tags=("a", "b")) == [first.id]
    assert found(since=clock.moment) == [second.id]
    assert found(until=clock.moment) == [first.id]


def test_a_foreign_cursor_is_refused(memory: Memory) -> None:
    with pytest.raises(InvalidInputError, match="'zzz' is no cursor"):
        memory.episodes.list(cursor="zzz")


OUTCOMES = st.sampled_from([Success("done"), PartialSuccess(completed=("a",)), Failure("no"), Abstained("cannot")])


class Life(RuleBasedStateMachine):
    """Random moves, legal and illegal, against a model of plain dictionaries."""

    ids: Bundle[str] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        chosen = Settings(store=StoreSettings(home=str(self.home)))
        where = places(chosen, settings_file=self.home / "none")
        self.memory = Memory(chosen, where, "model", actor="test", clock=FrozenClock())
        self.model: dict[str, tuple[list[str], Outcome | None]] = {}

    @rule(target=ids, task=st.text(min_size=1, max_size=30).filter(lambda text: text.strip() != ""))
    def start(self, task: str) -> str:
        episode, _ = self.memory.episodes.start(task)
        self.model[episode.id] = ([], None)
        return episode.id

    @rule(
        episode_id=ids, actions=st.lists(st.text(min_size=1).filter(lambda t: t.strip() != ""), min_size=1, max_size=3)
    )
    def append(self, episode_id: str, actions: list[str]) -> None:
        steps = [Step("bash", action) for action in actions]
        known, outcome = self.model[episode_id]
        if outcome is None:
            self.memory.episodes.append(episode_id, steps)
            known += actions
        else:
            with pytest.raises(IllegalMoveError):
                self.memory.episodes.append(episode_id, steps)

    @rule(episode_id=ids, outcome=OUTCOMES)
    def complete(self, episode_id: str, outcome: Outcome) -> None:
        known, before = self.model[episode_id]
        if before is None:
            self.memory.episodes.complete(episode_id, outcome)
            self.model[episode_id] = (known, outcome)
        else:
            with pytest.raises(IllegalMoveError):
                self.memory.episodes.complete(episode_id, outcome)

    @rule(target=ids, episode_id=consumes(ids))
    def delete(self, episode_id: str) -> MultipleResults[str]:
        self.memory.episodes.delete(episode_id)
        del self.model[episode_id]
        with pytest.raises(NotFoundError):
            self.memory.episodes.get(episode_id)
        return multiple()

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        page = self.memory.episodes.list(limit=1000)
        assert {row.id: row.outcome for row in page.episodes} == {
            name: outcome_type(outcome) if outcome else None for name, (_, outcome) in self.model.items()
        }
        for name, (actions, outcome) in self.model.items():
            episode = self.memory.episodes.get(name)
            assert [step.action for step in episode.steps] == actions
            assert episode.outcome == outcome

    def teardown(self) -> None:
        self.memory.close()
        shutil.rmtree(self.home)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_a_value_that_an_outcome_would_lose_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match="reason is not kept for outcome success, which takes verdict, artifacts"
    ):
        outcome_of("success", verdict="done", reason="because")

    assert outcome_of("partial_success", completed=["a"]) == PartialSuccess(completed=("a",))
