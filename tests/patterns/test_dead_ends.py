"""When something is said before an action, and when not."""

from collections.abc import Sequence

import pytest

from memory_mcp.errors import InvalidInputError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step, StepError, StepSuccess, Success
from memory_mcp.models.recommendations import Check, DeadEnd
from memory_mcp.patterns.dead_ends import check, check_in, frequency, planned
from tests.fakes import FrozenClock

OK = StepSuccess("ok")
NO_PYTEST = StepError("/usr/bin/python: No module named pytest")
NO_WRAPT = StepError(
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    import astroid\n'
    "  File \"astroid/x.py\", line 3, in <module>\n    import wrapt\nModuleNotFoundError: No module named 'wrapt'"
)
ASSERTION = StepError("E   AssertionError: 3 != 4\n1 failed in 0.1s")


def bash(command: str, result: StepSuccess | StepError = OK) -> Step:
    return Step("bash", command, result=result)


def edit(file: str) -> Step:
    return Step("Edit", "edit", {"file_path": file, "old_string": "x = 1", "new_string": "x = 2"}, OK)


def record(memory: Memory, clock: FrozenClock, steps: Sequence[Step]) -> str:
    clock.moment += 1_000_000
    episode, _ = memory.episodes.start("repair it")
    memory.episodes.append(episode.id, steps)
    memory.learning.complete(episode.id, Success(evidence="user"))
    return episode.id


def said(memory: Memory, command: str, earlier: Sequence[Step] = ()) -> tuple[DeadEnd, ...]:
    return check(memory.store.digests, planned("", command, ""), earlier).dead_ends


FRESH = (
    bash("cd /testbed && python -m pytest tests/test_a.py 2>&1 | tail -5", NO_PYTEST),
    bash("pip install pytest -q"),
    bash("python -m pytest tests/test_a.py"),
)


def test_a_tool_that_was_missing_in_two_fresh_environments_is_told_with_its_cure(
    memory: Memory, clock: FrozenClock
) -> None:
    ids = [record(memory, clock, FRESH) for _ in range(2)]

    (dead_end,) = said(memory, "timeout 60 python -m pytest tests/test_other.py -q")

    assert (dead_end.error, dead_end.instead) == (
        "/usr/bin/python: No module named pytest", ("pip install pytest -q",),
    )  # fmt: skip
    assert frequency(dead_end) == "2 of 2 runs in 2 episodes"
    assert dead_end.episodes == tuple(reversed(ids))


def test_the_very_command_that_passed_last_elsewhere_is_not_named(memory: Memory, clock: FrozenClock) -> None:
    for _ in range(2):
        record(memory, clock, FRESH)

    assert said(memory, "python -m pytest tests/test_a.py") == ()


def test_one_episode_is_no_evidence(memory: Memory, clock: FrozenClock) -> None:
    record(memory, clock, FRESH)

    assert said(memory, "python -m pytest tests/test_other.py") == ()


def test_what_the_session_installed_is_no_longer_missing(memory: Memory, clock: FrozenClock) -> None:
    for _ in range(2):
        record(memory, clock, FRESH)

    assert said(memory, "python -m pytest tests/test_b.py", [bash("pip install pytest")]) == ()
    assert said(memory, "python -m pytest tests/test_b.py", [bash("python -m pytest tests/test_a.py")]) == ()
    assert said(memory, "pip install pytest && python -m pytest tests/test_b.py") == ()


def test_a_script_is_told_what_its_imports_lack_however_it_is_called(memory: Memory, clock: FrozenClock) -> None:
    for name in ("one.py", "two.py"):
        write = bash(f"cat > {name} <<'EOF'\nimport sys\nimport astroid\nEOF")
        run = bash(f"python {name}", NO_WRAPT)
        record(memory, clock, [write, run, bash("pip install wrapt"), bash(f"python {name}")])

    (dead_end,) = said(memory, 'python3 -c "import astroid; print(astroid)"')

    assert dead_end.error == "ModuleNotFoundError: No module named 'wrapt'"
    assert dead_end.instead == ("pip install wrapt",)
    assert said(memory, 'python -c "import json"') == ()
    assert said(memory, "python one.py") == ()


def test_all_runs_count_and_a_shape_that_seldom_fails_is_not_named(memory: Memory, clock: FrozenClock) -> None:
    fails = bash("make docs", StepError("make: *** [docs] Error 1"))
    for _ in range(2):
        record(memory, clock, [fails])
    assert frequency(said(memory, "make docs")[0]) == "2 of 2 runs in 2 episodes"

    for _ in range(3):
        record(memory, clock, [bash("make docs | tail -3")])
    record(memory, clock, [fails])

    assert sum(count.runs for _, count in memory.store.digests.runs.of_subjects([("make docs", "")])) == 6
    assert frequency(said(memory, "make docs")[0]) == "3 of 6 runs in 3 episodes"
    record(memory, clock, [bash("make docs"), bash("make docs"), fails])
    assert said(memory, "make docs") == ()


def test_what_passed_last_is_not_named(memory: Memory, clock: FrozenClock) -> None:
    fails = bash("make docs", StepError("make: *** [docs] Error 1"))
    for _ in range(2):
        record(memory, clock, [fails])
    assert said(memory, "make docs", [bash("make docs")]) == ()

    record(memory, clock, [bash("make docs")])

    assert said(memory, "make docs") == ()


@pytest.mark.parametrize("command", ["cat a.py", "grep -rn x . | head", "test -f a.py", "git status", "gh pr view 3"])
def test_a_read_or_a_search_is_never_warned_of(memory: Memory, clock: FrozenClock, command: str) -> None:
    failing = bash(command, StepError("fatal: it failed"))
    for _ in range(3):
        record(memory, clock, [failing])

    assert said(memory, command, [failing, failing]) == ()


def test_a_failure_of_this_session_is_named_until_something_is_edited(memory: Memory) -> None:
    failed = bash("pytest tests/test_a.py -q", ASSERTION)
    look = [bash("cat a.py"), bash("grep -n x a.py")]

    (dead_end,) = said(memory, "cd /testbed && pytest tests/test_a.py | tail", [failed, *look])

    assert (dead_end.error, dead_end.matched) == ("AssertionError: 3 != 4", "session")
    assert frequency(dead_end) == "1 of 1 run in this session"
    assert said(memory, "pytest tests/test_a.py", [failed, edit("src/a.py")]) == ()
    assert said(memory, "pytest tests/test_a.py", [failed, bash("sed -i s/1/2/ src/a.py")]) == ()
    assert said(memory, "pytest tests/test_b.py", [failed]) == ()


def test_a_file_that_is_not_run_changes_nothing_and_one_that_is_does(memory: Memory) -> None:
    failed = bash("python repro.py", StepError("ValueError: no"))
    other, own = (bash(f"cat > {name} <<'E'\nprint()\nE") for name in ("notes.py", "repro.py"))

    assert len(said(memory, "python repro.py", [failed, other])) == 1
    assert said(memory, "python repro.py", [failed, own]) == ()
    assert said(memory, "python repro.py", [failed, bash("python -c \"open('a.py', 'w').write('')\"")]) == ()


def test_what_failed_three_times_in_a_row_is_named_in_spite_of_edits_but_not_to_who_edits_and_tries_at_once(
    memory: Memory,
) -> None:
    tried = [bash("pytest tests/test_a.py", ASSERTION), edit("a.py")]
    elsewhere = [bash("cat b.py"), bash("cat c.py")]

    (dead_end,) = said(memory, "pytest tests/test_a.py", [*tried * 3, *elsewhere])

    assert frequency(dead_end) == "3 of 3 runs in this session"
    assert said(memory, "pytest tests/test_a.py", [*tried * 2, *elsewhere]) == ()
    assert said(memory, "pytest tests/test_a.py", tried * 3) == ()


def test_an_installation_since_is_named_where_something_was_missing_and_is_a_change_elsewhere(memory: Memory) -> None:
    install = bash("pip install wrapt")

    (dead_end,) = said(memory, "python a.py", [bash("python a.py", NO_WRAPT), install])

    assert frequency(dead_end) == "1 of 1 run in this session, before 'pip install wrapt'"
    assert said(memory, "python a.py", [bash("python a.py", StepError("TypeError: no")), install]) == ()


def test_code_that_catches_its_errors_is_not_warned_of_what_it_imports(memory: Memory) -> None:
    broken = StepError(
        "File \"a.py\", line 1, in <module>\n    import wrapt\nModuleNotFoundError: No module named 'wrapt'"
    )
    plain, careful = "import wrapt", "try:\n    import wrapt\nexcept ImportError:\n    print('no')"
    earlier = [bash(f'python -c "{plain}"', broken)]

    assert len(said(memory, f'python -c "{plain}; print(1)"', earlier)) == 1
    assert said(memory, f'python -c "{careful}"', earlier) == ()


def test_an_error_of_this_session_comes_with_what_ended_it_elsewhere(memory: Memory, clock: FrozenClock) -> None:
    failed = bash("pytest tests/test_a.py", StepError("E   KeyError: 'user'"))
    record(memory, clock, [failed, edit("shop/login.py"), bash("pytest tests/test_a.py")])

    (dead_end,) = said(memory, "pytest tests/test_a.py", [failed])

    assert dead_end.instead == ("shop/login.py: - x = 1 + x = 2",)


def test_an_edit_that_failed_in_two_episodes_is_found_by_its_file(memory: Memory, clock: FrozenClock) -> None:
    failed = Step("edit", "first try", {"file": "src/app.py"}, StepError("SyntaxError: unmatched ')'"))
    for _ in range(2):
        record(memory, clock, [failed])

    (dead_end,) = check(memory.store.digests, planned("", "", "src/app.py")).dead_ends

    assert (dead_end.error, dead_end.matched) == ("SyntaxError: unmatched ')'", "file")
    assert check(memory.store.digests, planned("", "", "src/other.py")) == Check("edit src/other.py")


def test_an_episode_that_still_runs_counts_its_own_steps_as_this_session(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend it")
    memory.episodes.append(episode.id, [bash("make", StepError("error: no rule"))])
    memory.learning.follow()

    (dead_end,) = check_in(memory.store, planned("", "make", ""), episode.id).dead_ends

    assert (dead_end.matched, dead_end.episodes) == ("session", (episode.id,))
    assert check_in(memory.store, planned("", "make", ""), None).dead_ends == ()
    assert check_in(memory.store, planned("", "make", ""), "0" * 32).dead_ends == ()


def test_a_check_needs_a_command_or_a_file() -> None:
    with pytest.raises(InvalidInputError, match="give the command, or the file"):
        planned("", " ", "")
