"""Facts and files through a real store: what is known at a moment, and what nothing is known of."""

from memory_mcp.facts.project_facts import Knowledge
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Failure, Success
from memory_mcp.models.recommendations import NOTHING, Wanted
from tests.facts.runs import MISSING_STEPS, episode, groups_of, passed, run
from tests.fakes import FrozenClock

CART = (
    run("cat shop/cart.py", "class Cart:\n    pass"),
    run("sed -n 1,9p shop/till.py", "class Till:\n    pass"),
    run("sed -i 's/1/2/' shop/cart.py"),
    passed("tests/test_cart.py"),
)


def record(memory: Memory, clock: FrozenClock, task: str, *, failed: bool = False) -> str:
    """Record an episode that missed a module and mended the cart."""
    clock.moment += 1_000_000
    started, _ = memory.episodes.start(task, task_type="bug_fix")
    memory.episodes.append(started.id, [*episode(MISSING_STEPS).steps, *CART])
    outcome = Failure(reason="no", evidence="user") if failed else Success(evidence="user")
    memory.learning.complete(started.id, outcome)
    return started.id


def test_a_playbook_begins_with_facts_and_files_and_takes_steps_from_what_was_proved(
    memory: Memory, clock: FrozenClock
) -> None:
    record(memory, clock, "the cart of the shop loses items when a guest logs in")

    playbook = memory.advice.playbook(Wanted("the cart of the shop forgets items of a guest"))

    assert [fact.do for fact in playbook.facts] == [
        "pip install wrapt",
        "python -m pytest tests",
    ]
    assert playbook.files[0].file == "shop/cart.py"
    assert [step.do for step in playbook.steps] == ["python -m pytest tests/test_cart.py -q"]
    assert playbook.pitfalls == ()


def test_a_task_that_was_done_before_gets_all_of_its_steps(memory: Memory, clock: FrozenClock) -> None:
    task = "the cart of the shop loses items when a guest logs in"
    record(memory, clock, task)

    assert [step.do for step in memory.advice.playbook(Wanted(task)).steps] == [
        "sed -i s/1/2/ shop/cart.py",
        "python -m pytest tests/test_cart.py -q",
    ]


def test_a_recipe_that_failed_again_and_again_of_late_says_so(memory: Memory, clock: FrozenClock) -> None:
    task = "the cart of the shop loses items when a guest logs in"
    record(memory, clock, task)
    for _ in range(5):
        record(memory, clock, task, failed=True)

    playbook = memory.advice.playbook(Wanted(task))

    assert playbook.caution == f"The last 5 of 6 runs of '{task}' failed: do not follow them blindly."


def test_nothing_is_told_for_a_task_that_nothing_similar_is_known_of(memory: Memory, clock: FrozenClock) -> None:
    for number, task in enumerate(("rewrite the cart page", "translate the invoice", "the landing of a plane is late")):
        record(memory, clock, f"{task} {number}")

    playbook = memory.advice.playbook(Wanted("rewrite the landing page in Spanish"))

    assert (playbook.facts, playbook.files, playbook.steps, playbook.message) == ((), (), (), NOTHING)


def test_erasing_an_episode_takes_its_facts_along(memory: Memory, clock: FrozenClock) -> None:
    erased = record(memory, clock, "the cart of the shop loses items when a guest logs in")
    assert {fact.topic for fact in memory.facts.list()} == {"setup", "test"}

    memory.episodes.delete(erased)
    memory.learning.follow()

    assert memory.facts.list() == []


def test_a_survey_that_does_not_decode_shows_nothing_until_it_is_learnt_again(
    memory: Memory, clock: FrozenClock
) -> None:
    record(memory, clock, "the cart of the shop loses items when a guest logs in")
    before = memory.facts.list()
    with memory.store.database.write() as session:
        session.run("UPDATE digests SET survey = '{'")
    assert memory.facts.list() == []

    memory.learning.relearn()

    assert memory.facts.list() == before


def test_a_trap_in_a_file_that_git_no_longer_has_is_not_told() -> None:
    gone = "AttributeError: module 'collections' has no attribute 'Mapping'"
    edits = [run(f"sed -i 's/collections.Mapping/Mapping/' {file}") for file in ("shop/cart.py", "shop/old.py")]
    looked = run("find . -name '*.py'", "./shop/till.py\n./shop/pay.py\n./shop/cart.py\n./shop/old.py")
    around = [looked, run("python x.py", gone, 1), *edits, run("python x.py", "ok")]
    groups = groups_of(("mend the cart", around), ("translate the invoice to French", around))

    def traps(*tracked: str) -> list[str]:
        return [fact.text for fact in Knowledge(groups, frozenset(tracked)).facts() if fact.topic == "trap"]

    (everywhere,) = traps()
    (left,) = traps("shop/cart.py", "shop/till.py")

    assert everywhere.endswith("in `shop/cart.py` and `shop/old.py`.")
    assert left.endswith("to `Mapping` in `shop/cart.py`.")
    assert traps("shop/pay.py", "shop/till.py") == []
    assert traps("docs/of/another.md") == [everywhere]


def test_among_many_tasks_files_of_similar_ones_and_those_that_often_change_fill_the_list() -> None:
    words = [
        f"{first}{second}" for first in ("cart", "till", "stock", "price", "order", "label") for second in "abcdefghij"
    ]
    edited = [
        (word, ("docs/changes.md", f"shop/{word}.py", "docs/tax.md" if word.startswith("till") else ""))
        for word in words
    ]
    groups = groups_of(
        *(
            (f"mend {word} in house {word * 2}", [run(f"sed -i 's/1/2/' {file}") for file in files if file])
            for word, files in edited
        )
    )
    similar = {each.episode_id: 1.0 for group in groups for each in group.members if "till" in each.task}

    named = Knowledge(groups).files("mend the tilla drawer", similar)

    assert [each.file for each in named] == ["shop/tilla.py", "docs/changes.md", "docs/tax.md"]
    assert {each.why for each in named[1:]} == {("10 similar tasks changed it",)}
    assert Knowledge(groups).files("rewrite the landing page in Spanish", {}) == []
    assert [each.file for each in Knowledge(groups[:9]).files("mend the carta drawer", {})][:1] == ["shop/carta.py"]
