"""This module turns what agents log of a session into episodes: prompts are the task, tool calls the steps."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from memory_mcp.actions.outputs import shortened
from memory_mcp.actions.tool_calls import is_recorded, made_step
from memory_mcp.episodes.last_messages import with_claim
from memory_mcp.episodes.shown_outcomes import outcome_shown
from memory_mcp.errors import LimitError
from memory_mcp.importers.records import EpisodeRecord
from memory_mcp.models import limits
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.episodes import Context, Episode, Step
from memory_mcp.models.prompts import Prompt, task_of

_MOST_STEPS = limits.STEPS_PER_EPISODE
_MOST_ITEMS = 100_000  # of one session, so that memory stays bounded
_MOST_PROMPTS = 1_000  # without a call between them
_NO_TASK = "a session without a prompt"


class LoggedSession(Struct):
    """A session as it is read, in its order.

    `asked` are the prompts since the last call; `open_calls` maps the ids of calls without an answer to their steps.
    """

    source_id: str
    client: str
    parent: str | None = None
    title: str = ""
    task: str = ""
    started_at: int = 0
    updated_at: int = 0
    asked: list[Prompt] = []
    items: list[Step | ToolCall] = []
    open_calls: dict[str, int] = {}
    said: str = ""
    directory: str = ""

    def see(self, at: int) -> None:
        """Notice a time."""
        self.started_at = min(self.started_at or at, at or self.started_at)
        self.updated_at = max(self.updated_at, at)

    def prompt(self, text: str, at: int) -> None:
        """Take a prompt of the user, which is kept once a call follows it."""
        text = text.strip()[: limits.TASK_CHARACTERS]
        if text:
            self._hold_message(at)
        if text and len(self.asked) < _MOST_PROMPTS:
            self.asked.append(Prompt(text, at))

    def call(self, call_id: str, call: ToolCall) -> None:
        """Take a call, whose answer may come later."""
        if is_recorded(call.tool):
            self._hold_prompts()
            self.said = ""  # what is said before a call is not the last message
            self._hold(call)
            self.open_calls[call_id] = len(self.items) - 1

    def answer(self, call_id: str, response: Any, *, failed: bool | None, at: int, duration_ms: float | None) -> None:
        """Take the answer to a call; the step is made at once, so that no long output is kept."""
        place = self.open_calls.pop(call_id, None)
        call = self.items[place] if place is not None else None
        if place is None or not isinstance(call, ToolCall):
            return
        told = duration_ms if duration_ms is not None and math.isfinite(duration_ms) and duration_ms >= 0 else None
        took = told if told is not None else (at - call.at) / 1_000 if at > call.at else None
        self.items[place] = made_step(
            ToolCall(call.tool, call.arguments, call.at, response, failed=failed, duration_ms=took)
        )

    def episodes(self) -> Iterator[EpisodeRecord]:
        """Return the episode of the session, or several that follow each other where it has too many steps."""
        self._hold_message(self.updated_at)
        steps = [made_step(each) if isinstance(each, ToolCall) else each for each in self._unanswered()]
        if not steps:  # a chat
            return
        parts = [steps[at : at + _MOST_STEPS] for at in range(0, len(steps), _MOST_STEPS)] or [[]]
        for number, part in enumerate(parts, 1):
            before = self._part_id(number - 1) if number > 1 else None
            yield EpisodeRecord(self._part_id(number), self._episode(part, number), self.parent, before, self.directory)

    def _hold_message(self, at: int) -> None:
        """Hold what the agent said last, if it has done anything since the message before."""
        said, self.said = self.said.strip(), ""
        did = next((item for item in reversed(self.items) if isinstance(item, ToolCall) or item.tool != "user"), None)
        if said and did is not None and did.tool != "assistant":
            self._hold(Step("assistant", shortened(said), recorded_at=at))

    def _hold_prompts(self) -> None:
        asked, self.asked = self.asked, []
        later: Sequence[Prompt] = asked
        if not self.task:
            self.task, later = task_of(asked)
        for prompt in later:
            self._hold(Step("user", prompt.text, recorded_at=prompt.at))

    def _hold(self, item: Step | ToolCall) -> None:
        if len(self.items) >= _MOST_ITEMS:
            raise LimitError(f"the session has more than {_MOST_ITEMS} steps; those beyond are left out")
        self.items.append(item)

    def _unanswered(self) -> Iterator[Step | ToolCall]:
        """Return the items; a call without an answer has no result."""
        for item in self.items:
            if isinstance(item, ToolCall):
                yield ToolCall(item.tool, item.arguments, item.at, interrupted=True)
            else:
                yield item

    def _part_id(self, number: int) -> str:
        return self.source_id if number == 1 else f"{self.source_id}#{number}"

    def _episode(self, steps: list[Step], number: int) -> Episode:
        outcome = outcome_shown(steps)
        if outcome is not None and steps[-1].tool == "assistant":
            outcome = with_claim(outcome, steps[-1].action)
        task = self.task or self.title or _NO_TASK
        return Episode(
            id="",
            project="",
            task=(task if number == 1 else f"{task} (part {number})")[: limits.TASK_CHARACTERS],
            task_type="",
            context=Context(tags=(self.client,)),
            started_at=steps[0].recorded_at if steps and number > 1 else self.started_at,
            updated_at=self.updated_at,
            completed_at=self.updated_at if outcome else None,
            steps=tuple(steps),
            outcome=outcome,
        )
