"""Feedback and credit: one vote of each episode, only for what was recommended, shown by what was done."""

import pytest

from memory_mcp.learning.credit import acted_on, features_of
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Failure, Outcome, Step, StepError, StepResult, StepSuccess, Success
from memory_mcp.models.patterns import Tally
from memory_mcp.models.recommendations import Features, Wanted
from tests.fakes import FrozenClock

TASK = "SessionError: basket is gone"
GREEN = StepSuccess("3 passed in 0.1s")


def bash(command: str, result: StepResult = GREEN) -> Step:
    return Step("bash", command, result=result)


def edit(file: str) -> Step:
    return Step("edit", "keep the basket", {"file": file}, StepSuccess("ok"))


def mend(memory: Memory, clock: FrozenClock, error: str, file: str) -> str:
    """Record an episode that met an error in a test and mended it in a file."""
    clock.moment += 1_000_000
    episode, _ = memory.episodes.start(f"{error} in the shop, seen in {file}")
    test = f"pytest tests/test_{file.rsplit('/', 1)[-1]}"
    failed = StepError(f"E   {error}\n1 failed in 0.1s")
    memory.episodes.append(episode.id, [bash(test, failed), edit(file), bash(test)])
    memory.learning.complete(episode.id, Success(evidence="user"))
    return episode.id


@pytest.fixture
def shop(memory: Memory, clock: FrozenClock) -> Memory:
    """A memory with three mended errors of almost one name."""
    for place, name in (("cookie", "basket"), ("cache", "coupon"), ("till", "voucher")):
        mend(memory, clock, f"SessionError: {name} is gone from the {place}", f"shop/{place}.py")
    return memory


def order(memory: Memory) -> list[str]:
    return [each.pattern.id for each in memory.advice.patterns(Wanted(TASK, limit=10)).patterns]


def follow(memory: Memory, clock: FrozenClock, steps: list[Step], outcome: Outcome) -> list[str]:
    """Ask for patterns inside a new episode, do something, complete it; return the patterns' ids."""
    clock.moment += 1_000_000
    episode, _ = memory.episodes.start(f"another basket is lost, at {clock.moment}")
    given = memory.advice.patterns(Wanted(TASK, limit=10), episode_id=episode.id)
    clock.moment += 1
    memory.episodes.append(episode.id, steps)
    memory.learning.complete(episode.id, outcome)
    return [each.pattern.id for each in given.patterns]


def test_two_hundred_judgements_are_one_vote_and_move_no_further_than_one(shop: Memory) -> None:
    before = order(shop)
    last = before[-1]
    shop.advice.judge("helped", document_ids=[last])
    after_one = order(shop)

    for _ in range(199):
        given = shop.advice.patterns(Wanted(TASK, limit=10))
        shop.advice.judge("helped", recommendation_id=given.recommendation_id, document_ids=[last])

    assert order(shop) == after_one
    assert shop.store.patterns.followed([last]) == {last: Tally(1, 1.0)}


def test_one_shown_use_moves_the_rank(shop: Memory, clock: FrozenClock) -> None:
    before = order(shop)
    last = shop.store.patterns.get(before[-1])
    (file,) = features_of(last).files

    follow(shop, clock, [edit(file), bash("pytest tests/test_x.py")], Success(evidence="user"))

    assert shop.store.patterns.followed([last.id]) == {last.id: Tally(1, 1.0)}
    assert order(shop).index(last.id) < before.index(last.id)


def test_a_use_that_failed_makes_the_proof_weaker(shop: Memory, clock: FrozenClock) -> None:
    best = shop.advice.patterns(Wanted(TASK)).patterns[0]
    first = best.pattern.id
    (file,) = features_of(shop.store.patterns.get(first)).files

    follow(shop, clock, [edit(file)], Failure(reason="still lost", evidence="user"))

    assert shop.store.patterns.followed([first]) == {first: Tally(1, 0.0)}
    again = next(each for each in shop.advice.patterns(Wanted(TASK)).patterns if each.pattern.id == first)
    assert again.parts["proof"] < best.parts["proof"]


def test_the_latest_word_of_an_episode_stands(shop: Memory) -> None:
    episode, _ = shop.episodes.start("another one")
    given = shop.advice.patterns(Wanted(TASK, limit=10), episode_id=episode.id)
    pattern = given.patterns[0].pattern.id

    shop.advice.judge("helped", recommendation_id=given.recommendation_id, document_ids=[pattern])
    shop.advice.judge("hindered", recommendation_id=given.recommendation_id, document_ids=[pattern])

    assert shop.store.patterns.followed([pattern]) == {pattern: Tally(1, 0.0)}


def test_each_episode_has_a_vote_of_its_own(shop: Memory, clock: FrozenClock) -> None:
    for number in range(3):
        episode, _ = shop.episodes.start(f"another one {number}")
        given = shop.advice.patterns(Wanted(TASK, limit=10), episode_id=episode.id)
        pattern = given.patterns[0].pattern.id
        shop.advice.judge("helped", recommendation_id=given.recommendation_id, document_ids=[pattern])
        clock.moment += 1

    assert sum(each.uses for each in shop.store.patterns.followed(order(shop)).values()) == 3


def test_what_was_never_recommended_cannot_be_judged_into_a_rank(shop: Memory) -> None:
    pattern = shop.recommender.search(TASK, 1)[0][0].id

    judged = shop.advice.judge("helped", document_ids=[pattern])

    assert (judged.document_ids, judged.tallies) == ((), {})
    assert shop.store.recommendations.counts()["helped"] == 1


def test_a_recommendation_vouches_only_for_what_it_held(shop: Memory) -> None:
    given = shop.advice.patterns(Wanted(TASK, limit=1))
    other = shop.advice.patterns(Wanted(TASK, limit=10)).patterns[-1].pattern.id

    judged = shop.advice.judge("helped", recommendation_id=given.recommendation_id, document_ids=[other])

    assert (judged.document_ids, shop.store.patterns.followed([other])) == ((), {})


def test_a_claim_is_no_use_that_went_well(shop: Memory, clock: FrozenClock) -> None:
    first = order(shop)[0]
    (file,) = features_of(shop.store.patterns.get(first)).files

    follow(shop, clock, [edit(file)], Success())

    assert shop.store.patterns.followed([first]) == {}


def test_an_edit_of_another_file_credits_nothing(shop: Memory, clock: FrozenClock) -> None:
    ids = follow(
        shop, clock, [edit("docs/basket_cookie.md"), bash("pytest tests/test_cookie.py")], Success(evidence="user")
    )

    assert shop.store.patterns.followed(ids) == {}


def test_use_is_a_change_of_the_same_file_or_without_files_the_same_command() -> None:
    later = [edit("/work/shop/a.py"), bash("pytest a.py"), bash("pip install wrapt")]

    assert acted_on(Features(files=("shop/a.py",)), later)
    assert not acted_on(Features(files=("a/b.py",), shapes=("pytest a.py",)), later)
    assert not acted_on(Features(files=("b.py",)), later)
    assert acted_on(Features(shapes=("pip install wrapt",)), later)
    assert not acted_on(Features(shapes=("pip install pytz",)), later)
    assert not acted_on(Features(files=("a.py",)), [])
