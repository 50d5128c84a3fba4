"""The facts that several episodes bear out, how they are counted, and what contradicts them."""

from collections.abc import Sequence

import pytest

from memory_mcp.facts.choosing import chosen
from memory_mcp.facts.counting import Group
from memory_mcp.facts.deriving import facts_of
from memory_mcp.facts.rules import rules_of
from memory_mcp.models.episodes import Step
from memory_mcp.models.facts import Fact
from memory_mcp.models.patterns import Heuristic
from tests.facts.runs import NO_PYTEST, NO_WRAPT, ROOT, groups_of, passed, run

MISSES = (run("python x.py", NO_WRAPT, 1), run("pip install wrapt -q"), run("python x.py", "ok"))
TASKS = ("mend the cart", "translate the invoice to French", "speed up the search page")


def texts(groups: Sequence[Group], topic: str) -> list[str]:
    return [fact.text for fact in facts_of(groups) if fact.topic == topic]


def changing(*files: str) -> list[Step]:
    return [step for file in files for step in (run(f"cat {file}", "x"), run(f"sed -i 's/a/b/' {file}"))]


def test_a_missing_module_is_told_with_its_cure_and_counted_over_tasks() -> None:
    groups = groups_of(
        (TASKS[0], MISSES), (TASKS[0], MISSES), (TASKS[1], MISSES), (TASKS[2], [run("python y.py", "ok")])
    )

    (fact,) = [fact for fact in facts_of(groups) if fact.topic == "setup"]

    assert fact == Fact(
        "setup",
        "wrapt",
        "A fresh environment lacks the module `wrapt` (2 of 3 tasks, 3 runs):"
        " `pip install wrapt` brought it (2 of 2 tasks).",
        "pip install wrapt",
        support=2,
        of=3,
        first_seen=0,
        last_seen=2,
        episodes=("e2", "e1", "e0"),
    )


def test_repeats_and_near_duplicates_of_a_task_count_once() -> None:
    long = "checkout loses the basket when the session of a guest expires on the payment page of the shop"
    groups = groups_of((long, MISSES), (long.upper(), MISSES), (f"{long} again", MISSES), ("something else", MISSES))

    assert [len(group.members) for group in groups] == [3, 1]
    assert [fact.support for fact in facts_of(groups)] == [2]


def test_of_an_install_of_several_packages_only_the_one_that_holds_the_module_is_told() -> None:
    groups = groups_of((TASKS[0], [MISSES[0], run("pip install numpy wrapt pytz"), MISSES[2]]))

    assert [fact.do for fact in facts_of(groups)] == ["pip install wrapt"]


def test_a_package_that_does_not_exist_is_told_with_the_one_that_does() -> None:
    steps = [
        run("python x.py", "ModuleNotFoundError: No module named 'erfa'", 1),
        run("pip install erfa", "ERROR: No matching distribution found for erfa", 1),
        run("pip install pyerfa", "Successfully installed pyerfa-2.0"),
        run("python x.py", "ok"),
    ]

    assert texts(groups_of((TASKS[0], steps)), "setup") == [
        (
            "A fresh environment lacks the module `erfa` (1 of 1 task): `pip install pyerfa` brought it (1 of 1 task);"
            " there is no package `erfa`."
        )
    ]
    assert texts(groups_of((TASKS[0], steps)), "trap") == []


def test_what_one_task_missed_and_nothing_brought_is_no_fact() -> None:
    groups = groups_of((TASKS[0], [run("python x.py", "ModuleNotFoundError: No module named 'src'", 1)]))

    assert facts_of(groups) == []


def test_a_complete_environment_contradicts_what_was_missing_before() -> None:
    missed = [(task, MISSES) for task in TASKS]
    ready = [(f"later task {word}", [passed()]) for word in ("about apples", "on the nature of ships")]

    assert texts(groups_of(*missed, ready[0]), "setup")
    assert texts(groups_of(*missed, *ready), "setup") == []
    assert len(texts(groups_of(*missed, *ready, ("a new machine", MISSES)), "setup")) == 1


def test_the_test_command_that_works_is_told_and_the_one_that_never_did() -> None:
    unittest = run("python -m unittest tests.test_cart", "Ran 0 tests in 0.000s\n\nNO TESTS RAN", 5)
    steps = [unittest, run(f"cd {ROOT} && python -m pytest tests", NO_PYTEST), run("pip install pytest"), passed()]
    groups = groups_of((TASKS[0], steps), (TASKS[1], [unittest, passed("tests/test_pay.py")]))

    (works,) = texts(groups, "test")
    assert works == (
        "Tests run with `python -m pytest tests/test_X.py` from the root of the project:"
        " they ran in 2 of 2 tasks (1 had to install `pytest` first)."
    )
    assert texts(groups, "trap") == [
        "`python -m unittest` ran no tests in 2 of 2 tasks: Ran 0 tests in 0.000s: NO TESTS RAN",
    ]


def test_a_command_that_never_started_in_other_tasks_says_so_with_the_reason() -> None:
    stuck = run(
        f"cd {ROOT} && python -m pytest tests/test_pay.py 2>&1 | tail -3",
        "  File \"/opt/_pytest/config.py\", line 9, in getini\nTypeError: config option 'testpaths' expects a list",
    )
    groups = groups_of((TASKS[0], [passed()]), (TASKS[1], [stuck]), (TASKS[2], [stuck]))

    (text,) = texts(groups, "test")

    assert text == (
        "Tests run with `python -m pytest tests/test_X.py` from the root of the project: they ran in 1 of 3 tasks;"
        " in 2 tasks, the newest among them, they never started:"
        " `TypeError: config option 'testpaths' expects a list`."
    )


def test_a_choice_of_tests_that_finds_none_says_nothing_against_the_command() -> None:
    nothing = run("python -m pytest tests/test_cart.py -k odd", "collected 3 items / 3 deselected / 0 selected", 5)
    groups = groups_of((TASKS[0], [passed()]), (TASKS[1], [nothing]))

    assert [text for text in texts(groups, "test") if "never started" in text] == []


def test_a_test_file_that_its_name_tells_is_no_proof() -> None:
    groups = groups_of((TASKS[0], [*changing("shop/cart.py"), passed("tests/test_cart.py")]))

    assert texts(groups, "proof") == []


def test_the_tests_of_a_changed_file_that_its_name_does_not_tell_are_its_proof() -> None:
    groups = groups_of((TASKS[0], [*changing("shop/nodes/cart.py"), passed("tests/test_nodes.py")]))

    (fact,) = [fact for fact in facts_of(groups) if fact.topic == "proof"]

    assert fact.do == "python -m pytest tests/test_nodes.py"
    assert fact.text == (
        "After a change of `shop/nodes/cart.py` run `python -m pytest tests/test_nodes.py`"
        " (1 of 1 runs that changed it and tested)."
    )


def test_a_test_of_another_name_that_one_task_ran_is_no_proof() -> None:
    groups = groups_of((TASKS[0], [*changing("shop/cart.py"), passed("tests/test_invoice.py")]))

    assert texts(groups, "proof") == []


def test_an_error_that_the_tests_of_different_tasks_end_in_is_a_trap() -> None:
    red = run(
        "python -m pytest tests/test_cli.py",
        "E   TypeError: no keyword 'mix'\nFAILED tests/test_cli.py::test_a\n1 failed in 1s",
        1,
    )
    groups = groups_of((TASKS[0], [*changing("shop/cart.py"), red]), (TASKS[1], [*changing("shop/pay.py"), red]))

    assert texts(groups, "trap") == [
        (
            "Tests in `tests/test_cli.py` end in `TypeError: no keyword 'mix'`, whatever is changed"
            " (2 of 2 tasks that ran them)."
        )
    ]
    mended = [*changing("tests/test_cli.py"), passed("tests/test_cli.py")]
    later = groups_of(
        (TASKS[0], [*changing("shop/cart.py"), red]), (TASKS[1], [*changing("shop/pay.py"), red]), (TASKS[2], mended)
    )
    assert texts(later, "trap") == []  # the file passed since: it was not "whatever is changed"


PLATFORM = "platform linux -- Python 3.11.5, pytest-9.0.3, pluggy-1.6.0"


def red(file: str, error: str) -> Step:
    """Run a file whose test ends in an error."""
    output = f"{PLATFORM}\nE   {error}\nFAILED {file}::test_a\n1 failed in 1s"
    return run(f"python -m pytest {file}", output, 1)


@pytest.mark.parametrize("error", ["ValueError: bad frequency H", "TypeError: 'NoneType' object is not subscriptable"])
def test_an_error_that_says_little_in_the_tests_of_two_files_is_no_trap(error: str) -> None:
    groups = groups_of(
        (TASKS[0], [*changing("shop/cart.py"), red("tests/test_cart.py", error)]),
        (TASKS[1], [*changing("shop/pay.py"), red("tests/test_pay.py", error)]),
    )

    assert [text for text in texts(groups, "trap") if "whatever" in text] == []


def test_test_classes_that_lack_what_their_setup_makes_are_one_trap_with_the_version_of_the_runner() -> None:
    lacks = "AttributeError: '{}' object has no attribute '{}'"
    groups = groups_of(
        (TASKS[0], [*changing("shop/cart.py"), red("tests/a.py", lacks.format("TestA", "x"))]),
        (TASKS[1], [*changing("shop/pay.py"), red("tests/b.py", lacks.format("TestB", "y"))]),
    )

    assert texts(groups, "trap") == [
        (
            "Tests in `tests/a.py` and `tests/b.py` end in `AttributeError: 'TestA' object has no attribute 'x'`"
            " and the like under pytest 9.0.3, whatever is changed (2 of 2 tasks that ran them)."
        )
    ]


def test_a_test_that_failed_before_any_change_is_told_even_of_one_run() -> None:
    groups = groups_of((TASKS[0], [red("tests/test_cart.py", "KeyError: no"), *changing("shop/cart.py")]))

    assert texts(groups, "trap") == [
        "`tests/test_cart.py::test_a` failed before any source was changed (1 run of 1 that ran its file)."
    ]


def test_the_versions_under_which_the_code_ran_are_told_with_the_packages_that_were_asked_for() -> None:
    steps = [run("pip install numpy pandas", "Successfully installed numpy-2.4.4 pandas-3.0.2 six-1.17"), passed()]
    header = run("python -m pytest tests/test_cart.py", f"{PLATFORM}\n3 passed in 0.1s")
    groups = groups_of((TASKS[0], [*steps, header]), (TASKS[1], [header]))

    assert texts(groups, "setup") == [
        (
            "Code runs under Python 3.11.5 and pytest 9.0.3 (2 of 2 tasks); the packages that `pip` brought:"
            " numpy 2.4.4, pandas 3.0.2."
        )
    ]


def test_versions_that_no_run_shows_together_are_not_told_together() -> None:
    alone = run("python --version", "Python 3.11.5")
    header = run("python -m pytest tests/test_cart.py", f"{PLATFORM}\n3 passed in 0.1s")

    assert texts(groups_of((TASKS[0], [header]), (TASKS[1], [header]), (TASKS[2], [alone])), "setup") == [
        "Code runs under Python 3.11.5 and pytest 9.0.3 (2 of 2 tasks)."
    ]
    assert texts(groups_of((TASKS[0], [header]), (TASKS[1], [alone])), "setup") == [
        "Code runs under Python 3.11.5 (2 of 2 tasks)."
    ]


GONE = "AttributeError: `np.Inf` was removed in the NumPy 2.0 release. Use `np.inf` instead."


def around(*files: str) -> list[Step]:
    failed = run("python x.py", f"Traceback (most recent call last):\n{GONE}", 1)
    edits = [step for file in files for step in (run(f"cat {file}", "x"), run(f"sed -i 's/np\\.Inf/np.inf/g' {file}"))]
    return [failed, *edits, run("python x.py", "ok")]


def test_an_edit_for_the_environment_is_a_trap_with_its_remedy_and_no_change_of_the_task() -> None:
    both = around("shop/cart.py", "shop/pay.py")
    groups = groups_of(*((task, [*both, *changing("shop/till.py")]) for task in TASKS))

    assert texts(groups, "trap") == [
        (
            f"`{GONE.replace('`', '')}` comes from the environment (3 of 3 tasks):"
            " all of them changed `np.Inf` to `np.inf` in `shop/cart.py` and `shop/pay.py`."
        )
    ]
    assert texts(groups, "together") == []
    assert [fact.subject for fact in facts_of(groups) if fact.topic == "file"] == ["shop/till.py"]


def test_an_import_that_the_way_around_needs_is_part_of_it() -> None:
    gone = "AttributeError: module 'collections' has no attribute 'Mapping'"
    steps = [
        run("python x.py", gone, 1),
        run("cat shop/cart.py", "x"),
        run("sed -i 's/from shop.compat import text/from shop.compat import text, Mapping/' shop/cart.py"),
        run("sed -i 's/(data, collections.Mapping)/(data, Mapping)/' shop/cart.py"),
    ]
    groups = groups_of(*((task, [*steps, *changing("shop/till.py")]) for task in TASKS[:2]))

    assert texts(groups, "trap") == [
        (
            f"`{gone}` comes from the environment (2 of 2 tasks):"
            " all of them changed `collections.Mapping` to `Mapping` in `shop/cart.py`."
        )
    ]
    assert groups[0].members[0].survey.changed == ("shop/till.py",)


def test_what_a_task_is_about_and_other_edits_of_the_same_file_are_changes() -> None:
    asked = groups_of(*((f"{task}: np.Inf is gone", around("shop/cart.py")) for task in TASKS))
    more = groups_of(*((task, [*around("shop/cart.py"), *changing("shop/cart.py")]) for task in TASKS))

    assert texts(asked, "trap") == []
    assert asked[0].members[0].survey.changed == ("shop/cart.py",)
    assert more[0].members[0].survey.changed == ("shop/cart.py",)


def test_an_error_that_nothing_is_known_to_end_is_no_trap() -> None:
    steps = [run("pip install -e ."), run("python x.py", "ImportError: cannot import name 'odd' from 'inspect'", 1)]

    assert texts(groups_of((TASKS[0], steps), (TASKS[1], steps)), "trap") == []


def test_an_install_after_which_something_broke_is_a_trap_with_what_ended_it() -> None:
    error = "ImportError: cannot import name 'formatargspec' from 'inspect'"
    steps = [
        run("pip install -e ."),
        run("python x.py", f"site-packages/wrapt/x.py\n{error}", 1),
        run('pip install "wrapt>=1.15"'),
        run("python x.py", "ok"),
    ]

    assert texts(groups_of((TASKS[0], steps), (TASKS[1], [run("pip install -e .")])), "trap") == [
        f'After `pip install -e .`, `{error}` appears (1 of 2 tasks); it was gone after `pip install "wrapt>=1.15"`.'
    ]


def test_a_file_that_two_runs_looked_for_in_vain_is_told() -> None:
    absent = run("python -m pytest tests/cart_test.py", "ERROR: file or directory not found: tests/cart_test.py", 4)
    groups = groups_of((TASKS[0], [absent]), (TASKS[0], [absent]))

    assert "There is no `tests/cart_test.py`; 2 runs looked for it." in texts(groups, "trap")


def shown(file: str, *names: str) -> Step:
    """Show how a file differs: in these functions."""
    hunks = "\n".join(f"@@ -1,3 +1,4 @@ import x\n def {name}(self):\n+    pass" for name in names)
    return run(f"git diff {file}", f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n{hunks}")


def test_what_runs_of_one_task_changed_is_told_where_the_task_does_not_name_it() -> None:
    cart = [*changing("shop/cart.py"), shown("shop/cart.py", "add", "total")]
    other = [*changing("shop/cart.py"), shown("shop/cart.py", "add"), *changing("shop/odd.py")]
    task = "the basket loses items"

    assert texts(groups_of((task, cart), (task, cart), (task, other)), "file") == [
        "For 'the basket loses items' 3 of 3 runs changed `shop/cart.py`, there `add`, `total` (2)."
    ]
    assert texts(groups_of(("the cart loses items", cart), ("the cart loses items", cart)), "file") == []
    assert texts(groups_of((task, cart)), "file") == []  # one run is its own story
    assert texts(groups_of((task, changing("shop/cart.py")), (task, changing("shop/cart.py"))), "file") == []


def test_a_run_that_wrote_who_knows_what_makes_a_count_a_lower_bound() -> None:
    cart = [*changing("shop/cart.py"), shown("shop/cart.py", "add")]
    odd = run("python - <<'EOF'\nfor name in names:\n    open(name, 'w').write('x')\nEOF")
    groups = groups_of(("lost items", cart), ("lost items", cart), ("lost items", [*changing("shop/pay.py"), odd]))

    assert "For 'lost items' at least 2 of 3 runs changed `shop/cart.py`, there `add`." in texts(groups, "file")


def test_a_file_that_several_tasks_changed_is_told_with_them() -> None:
    groups = groups_of(*((task, changing("shop/cart.py")) for task in TASKS[:2]), (TASKS[2], changing("shop/odd.py")))

    assert [text.partition(":")[0] for text in texts(groups, "file")] == ["`shop/cart.py` was changed in 2 of 3 tasks"]


def test_a_file_that_changes_with_most_tasks_is_told_as_such() -> None:
    words = ("cart", "invoice", "search", "login", "till", "refund", "stock", "voucher", "price", "order")
    runs = [
        (f"mend the {word} of shop number {word * 3}", changing(f"{word}.py", "docs/changes.rst")) for word in words
    ]
    rare = [(f"polish {word} in house {word * 2}", changing(f"{word}2.py")) for word in words[:2]]

    assert "`docs/changes.rst` changes with most tasks: 10 of 12." in texts(groups_of(*rare, *runs), "together")
    assert "docs/changes.rst" not in " ".join(texts(groups_of(*runs[:4], *rare), "together"))


def test_files_that_change_together_more_often_than_by_chance_are_told() -> None:
    words = ("cart", "invoice", "search", "login", "till", "refund", "stock", "voucher")
    both = [(f"mend the {word} of shop number {word * 3}", changing("a.py", "a.lock.sql")) for word in words[:4]]
    neither = [(f"mend the {word} of shop number {word * 3}", changing(f"{word}.py")) for word in words[4:]]
    always = [(task, [*steps, *changing("CHANGES.sql")]) for task, steps in (*both, *neither)]

    told = [fact.subject for fact in facts_of(groups_of(*always)) if fact.topic == "together"]

    assert sorted(told) == ["CHANGES.sql", "a.lock.sql + a.py", "a.py + a.lock.sql"]


def test_files_that_no_longer_change_together_are_no_longer_told() -> None:
    words = ("cart", "invoice", "search", "login", "till", "refund", "stock", "voucher", "price", "order", "label")
    both = [(f"mend the {word} of shop number {word * 3}", changing("a.py", "b.py")) for word in words[:6]]
    later = [(f"mend the {word} of shop number {word * 3}", changing("a.py")) for word in words[6:]]
    others = [(f"polish {word} in house {word * 2}", changing(f"{word}.py")) for word in words]

    told = [fact.subject for fact in facts_of(groups_of(*others, *both, *later)) if fact.topic == "together"]

    assert "a.py + b.py" in [fact.subject for fact in facts_of(groups_of(*others, *both))]
    assert "a.py + b.py" not in told


def test_rules_are_facts_about_files_with_all_cases_as_their_denominator() -> None:
    words = ("cart", "invoice", "search", "login", "till", "refund")
    both = [(f"mend the {word} of shop number {word * 3}", changing("a.py", "b.py")) for word in words[:3]]
    alone = [(f"mend the {word} of shop number {word * 3}", changing("a.py")) for word in words[3:4]]
    others = [(f"mend the {word} of shop number {word * 3}", changing(f"{word}.py")) for word in words[4:]]

    rules = rules_of(facts_of(groups_of(*both, *alone, *others)))

    assert Heuristic("when you change a.py", "change b.py too", 3, 4, 3) in rules


def test_a_task_gets_what_is_missing_in_one_sentence_and_only_proofs_of_its_files() -> None:
    pytz = [run("python y.py", "No module named 'pytz'", 1), run("pip install pytz"), run("python y.py", "ok")]
    proofs = [
        *(*changing("shop/nodes/cart.py"), passed("tests/test_nodes.py")),
        *(*changing("shop/rules/pay.py"), passed("tests/test_rules.py")),
    ]
    facts = facts_of(groups_of((TASKS[0], [*MISSES, *pytz, *proofs])))

    told = chosen(facts, ["shop/rules/pay.py"])

    assert [fact.do for fact in told if fact.topic == "setup"] == ["pip install pytz wrapt"]
    assert [fact.subject for fact in told if fact.topic == "proof"] == ["shop/rules/pay.py"]


def test_the_command_of_what_is_missing_brings_every_module_that_is_said_to_be_brought() -> None:
    lacking = run("python y.py", "No module named 'pandas'", 1)
    without = [(task, [*MISSES, lacking]) for task in TASKS[:2]]
    bought = ("a later task of another kind", [*MISSES, run("pip install 'pandas>=2'")])

    (apart,) = [fact for fact in facts_of(groups_of(*without)) if fact.topic == "setup"]
    (together,) = [fact for fact in facts_of(groups_of(*without, bought)) if fact.topic == "setup"]

    assert apart.do == "pip install wrapt"
    assert apart.text == (
        "A fresh environment lacks `wrapt` (2 of 2 tasks): `pip install wrapt` brings it;"
        " it also lacks `pandas` (2 of 2 tasks), which no run was seen to install."
    )
    assert together.do == "pip install wrapt pandas"
    assert together.text == (
        "A fresh environment lacks `wrapt` (3 of 3 tasks), `pandas` (2 of 3 tasks):"
        " `pip install wrapt pandas` brings them."
    )


@pytest.mark.parametrize("topic", ["setup", "test", "trap", "proof", "file", "together"])
def test_nothing_is_known_of_a_project_without_runs(topic: str) -> None:
    assert texts([], topic) == []
