"""Small habits of a project that its episodes show, and the traps of what is installed."""

from collections.abc import Sequence

import pytest

from memory_mcp.facts.choosing import may_be_of
from memory_mcp.facts.deriving import facts_of
from memory_mcp.models.episodes import Step
from tests.facts.runs import ROOT, groups_of, passed, run

TASKS = ("mend the cart of the shop", "print invoices in two colours", "speed up the search page")
TTY = "OSError: [Errno 6] No such device or address: '/dev/tty'"
SEEN = [
    run(f"cd {ROOT} && cat {file}", f"def {name}():") for file, name in (("shop/pay.py", "refund"), ("shop/x.py", "y"))
]


def traps(*runs: Sequence[Step]) -> list[str]:
    """Return the traps that runs, one of each task, show."""
    groups = groups_of(*((TASKS[at % len(TASKS)], steps) for at, steps in enumerate(runs)))
    return [fact.text for fact in facts_of(groups) if fact.topic in {"trap", "together"}]


def test_a_command_that_ran_with_one_more_option_is_told_from_two_runs_on() -> None:
    steps = [run("shopctl fix a.sql --dialect ansi", TTY, 1), run("shopctl fix a.sql --dialect ansi -f", "ok")]

    assert traps(steps, steps) == [f"`shopctl fix` ended in `{TTY}` in 2 runs, and ran with `-f`."]
    assert traps(steps) == []


@pytest.mark.parametrize(
    ("failed", "passed_"),
    [
        ("shopctl fix a.sql -x", "shopctl fix a.sql -f"),  # it may have been the one that is gone
        ("shopctl fix a.sql", "shopctl lint a.sql -f"),
        ("python -m pytest tests", "python -m pytest tests -k cart"),
        ("git push", "git push -f"),
    ],
)
def test_what_differs_otherwise_is_no_cure_by_an_option(failed: str, passed_: str) -> None:
    steps = [run(failed, TTY, 1), run(passed_, "ok")]

    assert [text for text in traps(steps, steps) if "ran with" in text] == []


def test_a_name_that_runs_imported_from_the_wrong_module_is_told_with_its_file() -> None:
    wrong = run("python x.py", f"ImportError: cannot import name 'refund' from 'shop.x' ({ROOT}/shop/x.py)", 1)
    other = run("python x.py", "ImportError: cannot import name 'refund' from 'odd' (/opt/lib/odd.py)", 1)

    assert traps([*SEEN, wrong], [*SEEN, wrong]) == [
        "`shop.x` has no `refund` (2 runs tried to import it): `shop/pay.py` defines it."
    ]
    assert traps([*SEEN, wrong]) == []
    assert traps([*SEEN, other], [*SEEN, other]) == []


def test_where_commits_tell_of_their_change_is_told_over_the_commits_that_runs_looked_at() -> None:
    def commit(name: str, *files: str) -> str:
        lines = "\n".join(f" {file} | 2 +-" for file in files)
        return f"commit {name * 10}\nAuthor: A\n\n    x\n\n{lines}\n {len(files)} files changed, 2 insertions(+)\n"

    told = [commit("abc1", "shop/a.py", "CHANGES.rst"), commit("abc2", "shop/b.py", "CHANGES.rst")]
    three = run("git log --stat", "\n".join([*told, commit("abc3", "shop/c.py", "CHANGES.rst", "tests/c.py")]))
    cut = run("git log --stat", commit("abc4", "shop/a.py", "CHANGES.rst").replace("2 files", "7 files"))

    assert traps([three, three, cut]) == [
        "A change comes with an entry in `CHANGES.rst`: 3 of 3 commits that runs looked at."
    ]
    assert traps([run("git log --stat", "\n".join(told))]) == []
    notes = run("git log --stat", "\n".join(commit(f"ab{at}d", "a.py", f"docs/whatsnew/v{at}.rst") for at in range(3)))
    assert "an entry in `docs/whatsnew/`" in traps([notes])[0]


def test_what_is_gone_from_an_installed_package_is_told_of_two_tasks_that_do_not_speak_of_it() -> None:
    gone = "AttributeError: module 'numpy' has no attribute 'product'"
    steps = [run("pip install numpy", "Successfully installed numpy-2.4.4"), run("python x.py", gone, 1), passed()]

    assert traps(steps, steps) == [f"`{gone}` comes from what is installed (2 of 2 tasks); `pip` brings numpy 2.4.4."]
    assert traps(steps) == []
    asked = groups_of(*((f"{task} without product", steps) for task in TASKS))
    assert [fact for fact in facts_of(asked) if fact.topic == "trap"] == []


def test_what_a_file_of_the_project_misses_in_a_package_is_told_even_of_one_task() -> None:
    error = "ImportError: cannot import name 'derivative' from 'scipy.misc'"
    raised = (
        f'Traceback\n  File "{ROOT}/try.py", line 1, in <module>\n  File "{ROOT}/shop/pay.py", line 3, in <module>\n'
    )
    own = f'Traceback\n  File "{ROOT}/try.py", line 1, in <module>\n'
    library = f'{raised}  File "/opt/lib/python3.11/site-packages/wrapt/x.py", line 3, in <module>\n'

    def met(trace: str) -> list[str]:
        steps = [*SEEN, run("cat > try.py <<'EOF'\nimport shop\nEOF\npython try.py", f"{trace}{error}", 1), passed()]
        groups = groups_of((TASKS[0], steps), (TASKS[0], steps))
        return [fact.text for fact in facts_of(groups) if fact.topic == "trap"]

    assert met(raised) == [f"`{error}` comes from what is installed (1 of 1 task, 2 runs), raised in `shop/pay.py`."]
    assert met(own) == met(library) == []


def test_names_that_several_tasks_came_upon_are_told_with_the_one_file_that_defines_them() -> None:
    lines = ("Basket:", "Voucher:", "Discount:", "_Own:", "Util:")
    shown = "\n".join((*(f"class {line}" for line in lines), "    def add_item(self): ...", "def test():"))
    util = run(f"cd {ROOT} && cat shop/util.py", shown)
    twice = run(f"cd {ROOT} && cat shop/two.py", "class Discount:")
    groups = groups_of((TASKS[0], [util]), (TASKS[1], [util, twice]))

    assert [fact.text for fact in facts_of(groups)] == [
        "Names that several tasks came upon: `Basket`, `Voucher`, `add_item` in `shop/util.py`."
    ]
    assert facts_of(groups_of((TASKS[0], [util]), (TASKS[0], [util]))) == []


def test_installs_that_timed_out_are_counted_also_where_a_later_try_brought_them() -> None:
    late = run("pip install numpy", "The last command timed out after 60 seconds", 1)
    again = run("pip install numpy", "Successfully installed numpy-2.4.4")

    assert traps([late, again], [late]) == [
        "Installs timed out after 60 s in 2 of 2 tasks: `pip install numpy`; in 1 of these runs another try brought it."
    ]


def test_a_library_that_an_error_asks_for_is_missing() -> None:
    asks = run("python -m pytest tests", "E   RuntimeError: from_date requires the python-dateutil library", 1)
    groups = groups_of((TASKS[0], [asks, run("pip install python-dateutil"), passed()]))

    (fact,) = [fact for fact in facts_of(groups) if fact.topic == "setup"]
    assert fact.do == "pip install python-dateutil"


@pytest.mark.parametrize(
    ("task", "may"),
    [
        ("a task that names no version", True),
        ("[version 2.20.0] it fails; pandas 1.5.3 is installed", True),
        ("3.0: it fails. Between releases 3.0.0rc8 and 3.0.0rc9 it started", False),
        ("it fails with shop==3.1.2", False),
        ("it fails since shop v2.1", True),
    ],
)
def test_a_trap_of_one_version_is_withheld_from_tasks_of_another(task: str, *, may: bool) -> None:
    assert may_be_of("shop 2.20.0", task) == may
