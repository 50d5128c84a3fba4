"""Playbooks, recommended patterns, dead ends, feedback, credit and lift, through a real store."""

from collections.abc import Sequence

import pytest

from memory_mcp.errors import InvalidInputError, NotFoundError
from memory_mcp.learning.credit import features_of
from memory_mcp.learning.lift import Difference, lift
from memory_mcp.memory import Memory
from memory_mcp.models.digests import Exposure
from memory_mcp.models.episodes import Context, Failure, Outcome, Step, StepError, StepResult, StepSuccess, Success
from memory_mcp.models.patterns import Tally, title_of
from memory_mcp.models.recall import Query
from memory_mcp.models.recommendations import NOTHING, WITHHELD, Wanted
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock

OK = StepSuccess("ok")
TASK = "checkout fails with an expired session"


def bash(command: str, result: StepResult = OK) -> Step:
    return Step("bash", command, result=result)


def edit(file: str, action: str = "mend it") -> Step:
    return Step("edit", action, {"file": file}, OK)


FIX = (
    bash("pytest tests/test_cart.py", StepError("SessionError: basket 41 is gone")),
    edit("shop/session.py", "keep basket_id in the cookie"),
    bash("pytest tests/test_cart.py"),
    bash("git commit -m 'mend the session'"),
)


def record(
    memory: Memory, task: str, steps: Sequence[Step], outcome: Outcome | None = None, domain: str = "checkout"
) -> str:
    context = Context(language="python", domain=domain)
    episode, _ = memory.episodes.start(task, task_type="bug_fix", context=context)
    if steps:
        memory.episodes.append(episode.id, steps)
    memory.learning.complete(episode.id, outcome or Success("the cookie outlives the session", evidence="user"))
    return episode.id


@pytest.fixture
def shop(memory: Memory, clock: FrozenClock) -> Memory:
    """A memory with two mended sessions, a failure, and something else."""
    record(memory, "checkout loses the basket when the session expires", FIX)
    clock.moment += 1_000_000
    record(memory, "expired session breaks checkout of guests", FIX)
    clock.moment += 1_000_000
    guess = (bash("redis-cli flushall", StepError("NOAUTH Authentication required")),)
    record(memory, "session expires too early in checkout", guess, Failure(reason="no access"))
    clock.moment += 1_000_000
    record(memory, "translate the imprint", [edit("docs/imprint.md"), bash("make")], domain="legal")
    clock.moment += 1_000_000
    return memory


def test_a_playbook_orders_real_steps_of_similar_successes_with_pitfalls_and_sources(shop: Memory) -> None:
    playbook = shop.advice.playbook(Wanted(TASK))

    assert [step.do for step in playbook.steps] == ["edit: keep basket_id in the cookie [shop/session.py]"]
    assert {step.support for step in playbook.steps} == {2}
    pitfalls = {pitfall.error: (pitfall.times, pitfall.instead) for pitfall in playbook.pitfalls}
    assert pitfalls == {
        "SessionError: basket 41 is gone": (2, ("edit: keep basket_id in the cookie [shop/session.py]",)),
    }
    assert {source.outcome for source in playbook.sources} == {"success", "failure"}
    assert "translate the imprint" not in {source.task for source in playbook.sources}
    assert shop.advice.find_playbook(playbook.id) == playbook


def test_a_running_episode_of_the_same_task_does_not_hide_the_completed_one(shop: Memory) -> None:
    episode, _ = shop.episodes.start("checkout loses the basket when the session expires")

    playbook = shop.advice.playbook(Wanted(episode.task), episode_id=episode.id)

    assert playbook.sources[0].task == episode.task
    assert playbook.steps


def test_a_playbook_can_be_seen_again_by_another_process(shop: Memory, open_memory: OpenMemory) -> None:
    playbook = shop.advice.playbook(Wanted(TASK))

    assert open_memory().advice.find_playbook(playbook.id) == playbook
    with pytest.raises(NotFoundError, match="no recommendation nope"):
        shop.advice.find_playbook("nope")


def test_where_nothing_relevant_is_known_the_answer_is_empty_and_says_so(shop: Memory) -> None:
    playbook = shop.advice.playbook(Wanted("how tall is mount kilimanjaro"))
    given = shop.advice.patterns(Wanted("how tall is mount kilimanjaro"))

    assert (playbook.steps, playbook.sources, playbook.message) == ((), (), NOTHING)
    assert (given.patterns, given.recommendation_id, given.message) == ((), None, NOTHING)


def test_a_recommended_pattern_says_why_from_which_episodes_and_when_not(shop: Memory) -> None:
    context = Context(language="rust", domain="checkout")

    given = shop.advice.patterns(Wanted("SessionError: basket <n> is gone", context, "bug_fix"))

    best = given.patterns[0]
    assert title_of(best.pattern.definition) == "recover from SessionError: basket <n> is gone"
    assert best.why[0] == "Seen in 2 episodes, 2 of them went well (95 % lower bound 0.34)."
    assert "Same error." in best.why
    assert best.not_when == ("It rests on 2 episodes: check it first.",)
    assert best.parts["context"] == 0.4
    assert best.score == pytest.approx(sum(best.parts.values()))
    assert "It ended the error in 2 tasks; that is too few to prove it." in best.why
    assert shop.store.recommendations.get(given.recommendation_id or "").document_ids


def test_an_error_that_nothing_overcame_is_not_recommended(shop: Memory) -> None:
    given = shop.advice.patterns(Wanted("NOAUTH Authentication required from redis-cli"))

    assert "recover from NOAUTH Authentication required" not in {
        title_of(each.pattern.definition) for each in given.patterns
    }


def test_what_is_acted_on_inside_an_episode_shares_its_outcome_and_the_rest_does_not(
    shop: Memory, clock: FrozenClock
) -> None:
    episode, _ = shop.episodes.start(TASK, task_type="bug_fix")
    given = shop.advice.patterns(Wanted(TASK, limit=10), episode_id=episode.id)
    ids = {title_of(each.pattern.definition): each.pattern.id for each in given.patterns}
    clock.moment += 1
    shop.episodes.append(episode.id, [edit("shop/session.py"), bash("cargo build")])
    shop.learning.complete(episode.id, Success(evidence="user"))

    followed = shop.store.patterns.followed(list(ids.values()))

    assert followed == {
        ids["recover from SessionError: basket <n> is gone"]: Tally(1, 1.0),
    }
    assert shop.store.recommendations.counts() == {"given": 1, "withheld": 0, "acted on": 1}


def test_steps_before_a_recommendation_do_not_count_as_following_it(shop: Memory, clock: FrozenClock) -> None:
    episode, _ = shop.episodes.start(TASK, task_type="bug_fix")
    shop.episodes.append(episode.id, [edit("shop/session.py")])
    clock.moment += 1
    given = shop.advice.patterns(Wanted(TASK), episode_id=episode.id)
    shop.learning.complete(episode.id, Success(evidence="user"))

    assert shop.store.patterns.followed([each.pattern.id for each in given.patterns]) == {}


def test_feedback_on_advice_counts_for_what_was_acted_on(shop: Memory, clock: FrozenClock) -> None:
    episode, _ = shop.episodes.start(TASK, task_type="bug_fix")
    playbook = shop.advice.playbook(Wanted(TASK), episode_id=episode.id)
    nothing_yet = shop.advice.judge("helped", recommendation_id=playbook.id)
    clock.moment += 1
    shop.episodes.append(episode.id, [bash("redis-cli flushall")])

    judged = shop.advice.judge("hindered", recommendation_id=playbook.id)

    assert nothing_yet.document_ids == ()
    failed = next(source for source in playbook.sources if source.outcome == "failure")
    assert judged.document_ids == (failed.episode_id,)


@pytest.mark.parametrize(
    ("judgement", "rating", "share"),
    [("applied", None, None), ("ignored", None, None), ("applied", 3, 0.5), ("helped", None, 1.0), ("helped", 2, 0.25)],
)
def test_a_rating_says_how_much_and_without_one_only_helped_and_hindered_do(
    shop: Memory, judgement: str, rating: int | None, share: float | None
) -> None:
    pattern = shop.advice.patterns(Wanted(TASK)).patterns[0].pattern

    judged = shop.advice.judge(judgement, document_ids=[pattern.id], rating=rating)  # type: ignore[arg-type]  # literals

    assert judged.tallies == ({} if share is None else {pattern.id: Tally(1, share)})


def test_feedback_must_say_what_it_judges(shop: Memory) -> None:
    with pytest.raises(InvalidInputError, match="say what is judged"):
        shop.advice.judge("helped")
    with pytest.raises(InvalidInputError, match="rating is 6"):
        shop.advice.judge("helped", document_ids=["x"], rating=6)
    with pytest.raises(NotFoundError, match="no record nope"):
        shop.advice.judge("helped", document_ids=["nope"])
    (pattern, _) = shop.recommender.search(TASK, 1)[0]
    with pytest.raises(NotFoundError, match="no recommendation nope"):
        shop.advice.judge("helped", recommendation_id="nope", document_ids=[pattern.id])


def test_a_bare_command_and_a_look_do_not_mark_an_episode(memory: Memory) -> None:
    episode_id = record(memory, "mend", [bash("pytest"), bash("cat a.py"), bash("pytest a.py"), edit("b.py")])

    features = features_of(memory.episodes.get(episode_id))

    assert (features.shapes, features.files) == (("pytest a.py",), ("b.py",))


def test_recalls_of_an_episode_are_withheld_together_and_logged(open_memory: OpenMemory) -> None:
    memory = open_memory(withhold_share=1.0)
    record(memory, "checkout loses the basket when the session expires", FIX)
    episode, _ = memory.episodes.start(TASK)

    answer = memory.advice.recall(Query(TASK), episode_id=episode.id)
    playbook = memory.advice.playbook(Wanted(TASK), episode_id=episode.id)

    assert (answer.hits, answer.degraded) == ((), (WITHHELD,))
    assert (playbook.steps, playbook.message) == ((), WITHHELD)
    assert memory.store.recommendations.counts() == {"given": 0, "withheld": 1, "acted on": 0}
    memory.learning.complete(episode.id, Success(evidence="user"))
    assert memory.store.digests.exposures() == [Exposure(episode.id, withheld=True, share=1.0, steps=0, retries=0)]


def test_an_episode_whose_recalls_are_given_keeps_them_whatever_comes_later(open_memory: OpenMemory) -> None:
    rarely, always = open_memory(withhold_share=1e-12), open_memory(withhold_share=1.0)
    episode, _ = rarely.episodes.start("nothing is known of this")
    given = rarely.advice.patterns(Wanted("nothing is known of this"), episode_id=episode.id)

    later = always.advice.patterns(Wanted("nothing is known of this"), episode_id=episode.id)

    assert (given.message, later.message) == (NOTHING, NOTHING)
    always.learning.complete(episode.id, Success(evidence="user"))
    assert [each.withheld for each in always.store.digests.exposures()] == [False]


def test_without_the_setting_nothing_is_withheld(shop: Memory) -> None:
    episode, _ = shop.episodes.start(TASK)

    assert shop.advice.recall(Query(TASK), episode_id=episode.id).hits
    shop.learning.complete(episode.id, Failure(reason="no"))
    assert [each.withheld for each in shop.store.digests.exposures()] == [False]


def exposures(count: int, withheld: int, share: float, steps: int) -> list[Exposure]:
    return [
        Exposure(f"{withheld}{number}", withheld=bool(withheld), share=share, steps=steps + number % 2, retries=1)
        for number in range(count)
    ]


def test_lift_compares_with_and_without_and_gives_intervals() -> None:
    found = lift([*exposures(40, 0, 1.0, 4), *exposures(20, 1, 0.0, 8)], 10)

    assert (found.given, found.withheld, found.message) == (40, 20, "")
    success, steps, retries = found.differences
    assert (success.name, success.difference) == ("success", 1.0)
    assert 0.75 < success.low < 1.0 == success.high
    assert (steps.difference, steps.low < -4 < steps.high) == (-4.0, True)
    assert retries == Difference("retries", 1, 1, 0, 0, 0)


def test_lift_says_when_there_is_not_enough_data() -> None:
    found = lift([*exposures(40, 0, 1.0, 4), *exposures(9, 1, 0.0, 8)], 10)

    assert found.differences == ()
    assert found.message.startswith("not enough data: 40 episodes with recall and 9 without, 10 of each are needed")
