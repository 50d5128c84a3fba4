"""This module asks the product what hooks and tools would have said: at a prompt, before a step, after an error."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from memory_cli.replay.happenings import Happened
from memory_cli.replay.minds import Mind
from memory_cli.replay.runs import Run
from memory_mcp.hooks.briefing import session_briefing
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.prompt_recall import prompt_recall
from memory_mcp.models.episodes import Step
from memory_mcp.models.patterns import title_of
from memory_mcp.models.recall import Query
from memory_mcp.models.recommendations import Check, Playbook, Wanted
from memory_mcp.patterns import dead_ends
from memory_mcp.patterns.wording import advice
from memory_mcp.retrieval.prompts import within_limit
from memory_mcp.tokens import tokens

VOTERS = 6  # hits whose files are counted
_MOST_FILES = 5


class Prompt(Struct, frozen=True):
    """What is said at a prompt: files, the most likely first, and lines of text; `spoken` are those told unasked."""

    files: tuple[str, ...]
    lines: tuple[str, ...]
    spoken: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """What it costs to read."""
        return tokens("\n".join(self.lines)) if self.lines else 0


def similar_runs(mind: Mind, task: str) -> list[tuple[Run, float]]:
    """Return the known runs that `query_memory` finds for a task, with their relevance."""
    answer = mind.memory.recall.search(Query(within_limit(task), limit=VOTERS, kinds=("episode",)))
    return [(mind.names[hit.id], hit.relevance) for hit in answer.hits if hit.id in mind.names]


def voted(runs: Sequence[tuple[Run, float]], known: Mapping[Run, Happened]) -> tuple[str, ...]:
    """Return the files that runs name, by the sum of their weights times the logarithm of how often they do.

    Of seven ways to read files out of similar transcripts this one named the right file most often.
    """
    votes: dict[str, float] = defaultdict(float)
    for run, weight in runs:
        for file, times in known[run].mentioned.items():
            votes[file] += weight * math.log1p(times)
    return tuple(sorted(votes, key=lambda file: -votes[file])[:_MOST_FILES])


def at_prompt(mind: Mind, run: Run, episode_id: str) -> Prompt:
    """Return what a session would have been told at its beginning and for its prompt."""
    memory, episode = mind.memory, run.episode
    wanted = Wanted(within_limit(episode.task), episode.context, episode.task_type)
    event = Event("user-prompt", "UserPromptSubmit", run.name, run.started_at, prompt=episode.task)
    texts = (session_briefing(memory).text, prompt_recall(memory, event, episode_id)[0])
    spoken = tuple(line for text in texts for line in text.splitlines())
    playbook = memory.advice.playbook(wanted)
    patterns = memory.advice.patterns(wanted).patterns
    lines = [*spoken, *lines_of(playbook)]
    lines += [line for each in patterns for line in (title_of(each.pattern.definition), *advice(each.pattern))]
    files = [each.file for each in playbook.files] + [file for step in playbook.steps for file in step.files]
    return Prompt(tuple(dict.fromkeys(files)), tuple(lines), spoken)


def lines_of(playbook: Playbook) -> Iterator[str]:
    """Render a playbook, in the order in which it is read."""
    for fact in playbook.facts:
        yield fact.text
    for named in playbook.files:
        yield f"{named.file}: {', '.join(named.why)}"
    if playbook.caution:
        yield playbook.caution
    for step in playbook.steps:
        yield f"{step.do} ({step.note})" if step.note else step.do
    for pitfall in playbook.pitfalls:
        yield f"{pitfall.action} failed: {pitfall.error}. {' ; '.join(pitfall.instead)}"


class Live:
    """A run as it is recorded step by step, like any session's; it is erased when it is over."""

    def __init__(self, mind: Mind, run: Run) -> None:
        self._mind = mind
        self._run = run
        mind.clock.moment = max(mind.clock.moment, run.started_at)
        started, _ = mind.memory.episodes.start(
            run.episode.task, task_type=run.episode.task_type, context=run.episode.context
        )
        self.episode_id = started.id

    def check(self, step: Step) -> Check:
        """Ask before a step, as `check_action` does."""
        plan = msgspec.structs.replace(step, result=None, latency_ms=None)
        return dead_ends.check_in(self._mind.memory.store, plan, self.episode_id)

    def append(self, steps: Sequence[Step]) -> None:
        """Record steps."""
        self._mind.clock.moment = max(self._mind.clock.moment, steps[-1].recorded_at)
        self._mind.memory.episodes.append(self.episode_id, steps)

    def checked_cure(self, step: Step) -> str:
        """Return what `check_action` tells of a step that has just failed."""
        return " ; ".join(line for each in self.check(step).dead_ends for line in each.instead)

    def pattern_cure(self, error: str) -> str:
        """Return what the best of the recommended patterns tells of an error."""
        found = self._mind.memory.advice.patterns(Wanted(error, limit=1)).patterns if error else ()
        return " ; ".join(line for each in found for line in advice(each.pattern))

    def forget(self) -> None:
        """Erase the run: what comes next must not know it before its time."""
        self._mind.memory.episodes.delete(self.episode_id)


def said_by(check: Check) -> str:
    """Return a warning in a line."""
    return " / ".join(
        f"failed {dead_ends.frequency(each)}: {each.error}. {' ; '.join(each.instead)}" for each in check.dead_ends
    )
