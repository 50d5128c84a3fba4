"""This module holds what the product is compared with: a similar episode, raw transcripts, what is most frequent."""

from collections import Counter
from collections.abc import Mapping, Sequence

from memory_cli.replay.asking import VOTERS, Prompt, voted
from memory_cli.replay.happenings import Happened, done_by
from memory_cli.replay.minds import Mind
from memory_cli.replay.runs import Run
from memory_cli.replay.transcripts import words
from memory_mcp.models.episodes import Step

OURS, SIMILAR, RAW, FREQUENT = "ours", "best similar episode", "BM25 over raw transcripts", "most frequent"
HOOKS, CHECK, PATTERNS = "ours, hooks alone", "ours, check_action alone", "ours, recommend_patterns alone"
VOTE, TASK = "vote of query_memory's top six", "files that the task names"
SAME_TEXT = "same text failed in half of its runs"
_MOST_LINES = 10

Known = Mapping[Run, Happened]


def lines_of(happened: Happened) -> list[str]:
    """Render what a run teaches whoever reads its errors: each with what ended it, and what was missing."""
    lines = [f"{cure.error}: {cure.text}" for cure in happened.cures]
    return [*lines, *(f"No module named {name}" for _, name in happened.missing)][:_MOST_LINES]


def similar_prompt(similar: Sequence[tuple[Run, float]], known: Known) -> Prompt:
    """Return what the best similar episode holds."""
    if not similar:
        return Prompt((), ())
    return Prompt(voted(similar[:1], known), tuple(lines_of(known[similar[0][0]])))


def raw_prompt(mind: Mind, task: str, known: Known) -> Prompt:
    """Return the files by vote of the best raw transcripts, and what the best one holds."""
    found = mind.transcripts.runs(task, VOTERS)
    if not found:
        return Prompt((), ())
    return Prompt(voted(found, known), tuple(lines_of(known[found[0][0]])))


def frequent_prompt(mind: Mind, known: Known) -> Prompt:
    """Return the files that most runs name, and the errors that most runs met."""
    lines = Counter(line for run in mind.known for line in dict.fromkeys(lines_of(known[run])))
    missing = Counter(name for run in mind.known for _, name in known[run].missing)
    told = [f"No module named {name}" for name, _ in missing.most_common(_MOST_LINES // 2)]
    told += [line for line, _ in lines.most_common(_MOST_LINES) if line not in told]
    return Prompt(voted([(run, 1.0) for run in mind.known], known), tuple(told[:_MOST_LINES]))


def similar_cure(similar: Sequence[tuple[Run, float]], error: str, known: Known) -> str:
    """Return what ended the most alike error of the best similar episode."""
    asked = set(words(error))
    cures = known[similar[0][0]].cures if similar else ()
    shared = [(len(asked & set(words(each.error))), -number) for number, each in enumerate(cures)]
    best, place = max(shared, default=(0, 0))
    return cures[-place].text if best else ""


def raw_cure(mind: Mind, step: Step, error: str, known: Known) -> str:
    """Return what was done after the step of a raw transcript that is most like the failing one."""
    for passage in mind.transcripts.passages(f"{step.action}\n{error}", 1):
        happened, steps = known[passage.run], passage.run.episode.steps
        after = [at for at in happened.checked if at > passage.position]
        return done_by(steps[after[0]]) if after else ""
    return ""


def frequent_cure(mind: Mind, known: Known) -> str:
    """Return what ended most errors."""
    cures = Counter(cure.text for run in mind.known for cure in known[run].cures)
    return cures.most_common(1)[0][0] if cures else ""
