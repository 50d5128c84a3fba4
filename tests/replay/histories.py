"""This module makes up histories of runs in which everything can be counted by hand."""

from memory_cli.replay.runs import Found, Run, in_order
from memory_cli.replay.walking import Plan, Seen, walk
from memory_mcp.config.settings import Settings
from memory_mcp.models.episodes import Context, Episode, Step, StepError, StepSuccess, Success

HOUR = 3_600_000_000
START = 1_750_000_000_000_000
NO_PYTZ = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'pytz'"
SUBJECTS = ("the basket forgets its discount", "invoices print twice", "thumbnails are upside down", "mail is lost")


def ran(command: str, output: str = "", *, failed: bool = False) -> Step:
    return Step("bash", command, result=StepError(output or "error: it failed") if failed else StepSuccess(output))


def edited(file: str, text: str = "x = 1") -> Step:
    return Step("Edit", file, {"file": file, "new_string": text}, StepSuccess("done"))


def found(name: str, task: str, *steps: Step, at: int = 0, ties: tuple[str, ...] = ()) -> Found:
    """Make a run that begins so many hours after the start and takes a minute."""
    begun = START + at * HOUR
    timed = tuple(Step(each.tool, each.action, each.parameters, each.result, None, begun) for each in steps)
    over = begun + HOUR // 60
    episode = Episode("", "", task, "", Context(), begun, over, timed, Success(), over)
    return Found(name, "shop", ties, episode)


def ordered(*members: Found, hindsight: bool = False) -> list[Run]:
    return in_order(members, hindsight=hindsight).get("shop", [])


def walked(*members: Found, hindsight: bool = False) -> list[Seen]:
    runs = ordered(*members, hindsight=hindsight)
    plan = Plan(frozenset(run.name for run in runs), hindsight)
    return list(walk(runs, plan, Settings(), lambda: None))


def counted(seen: Seen, measure: str) -> dict[str, tuple[float, float]]:
    """Return what each arm reached in a measure, as (part, whole)."""
    return {each.arm: (each.part, each.whole) for each in seen.counts if each.measure == measure}
