"""Small runs of an agent, as surveys read them."""

from collections.abc import Sequence

from memory_mcp.actions.outputs import result_of
from memory_mcp.facts.counting import Group, grouped
from memory_mcp.facts.surveying import survey
from memory_mcp.models.episodes import Context, Episode, Step
from memory_mcp.models.surveys import Survey, Surveyed

ROOT = "/testbed"
NO_WRAPT = f"""  File "{ROOT}/shop/cart.py", line 3, in <module>
    import wrapt
ModuleNotFoundError: No module named 'wrapt'"""
NO_PYTEST = "/opt/bin/python: No module named pytest"


def run(command: str, output: str = "", exit_code: int = 0) -> Step:
    """Build the step of a command with its output."""
    return Step("bash", command, result=result_of(output, exit_code=exit_code, failed=None, command=command))


def passed(tests: str = "tests/test_cart.py", count: int = 3) -> Step:
    """Build a green test run."""
    return run(f"cd {ROOT} && python -m pytest {tests} -q 2>&1 | tail -5", f"...\n{count} passed in 0.12s")


def episode(steps: Sequence[Step], task: str = "mend the cart") -> Episode:
    """Build a completed episode."""
    return Episode(
        id="e1",
        project="here",
        task=task,
        task_type="bug_fix",
        context=Context(),
        started_at=1,
        updated_at=1,
        steps=tuple(steps),
        completed_at=1,
    )


def surveyed(*steps: Step, task: str = "mend the cart") -> Survey:
    """Survey an episode of these steps."""
    return survey(episode(steps, task))


def groups_of(*runs: tuple[str, Sequence[Step]], shares: Sequence[float | None] = ()) -> list[Group]:
    """Group the surveys of runs, given as (task, steps), one a day."""
    found = [
        Surveyed(f"e{number}", task, number, survey(episode(steps, task)), shares[number] if shares else None)
        for number, (task, steps) in enumerate(runs)
    ]
    return grouped(found)


MISSING_STEPS = (run("python x.py", NO_WRAPT, 1), run("pip install wrapt -q"), run("python x.py", "ok"))
