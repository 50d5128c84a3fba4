"""This module records the tools that an agent used as the steps of its session's episode."""

from collections.abc import Sequence

from memory_mcp.actions.tool_calls import begun_episode, is_recorded, made_step, sub_agent
from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.errors import LimitError
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.recording import append, find_episode, open_episode, source_of
from memory_mcp.memory import Memory
from memory_mcp.models import limits
from memory_mcp.models.episodes import UNSAID, Episode, Failure, Step
from memory_mcp.models.prompts import Prompt, task_of
from memory_mcp.models.relationships import Relationship
from memory_mcp.storage.session_store import AgentSession

_NO_PROMPT = "a session of which no prompt was seen"
_TASK_SHOWN = 9_000  # characters of a task that is continued


def record_tool(memory: Memory, event: Event) -> None:
    """Record a tool call that has ended as a step; one that was recorded already changes nothing.

    The first step begins the session's episode. One that the agent begins by itself takes its place.
    """
    if event.call is None:
        return
    begun = begun_episode(event.call)
    if begun and memory.store.exists(begun):
        opened = open_episode(memory, event.session_id, with_steps=True)
        memory.store.sessions.enter(event.session_id, begun, source_of(event))
        if opened and not opened.steps and opened.id != begun:
            memory.episodes.delete(opened.id)
    if started := sub_agent(event.call):
        _name_part(memory, event, started)
    if not is_recorded(event.call.tool):
        return
    step = made_step(event.call)
    session = memory.store.sessions.find(event.session_id)
    episode = _continued(memory, event, session)
    if episode is None:
        task, later = task_of(session.prompts)
        _append_all(memory, _begin(memory, event, task or _NO_PROMPT), [*_asked(later), step])
        return
    if session.prompts:
        memory.store.sessions.ask(event.session_id, ())
    try:
        _append_all(memory, episode.id, [*_asked(session.prompts), step])
    except LimitError:  # of steps or bytes: a long session goes on in an episode that follows
        following = _begin(memory, event, f"{episode.task[:_TASK_SHOWN]} (continued)")
        memory.relationships.add([Relationship("follows", following, episode.id)])
        _append_all(memory, following, [step])


def _name_part(memory: Memory, event: Event, agent_id: str) -> None:
    """Give the task of a sub-agent to its episode, or keep it for its first step where it runs in the background."""
    asked = event.call.arguments.get("prompt") if event.call else None
    if not isinstance(asked, str) or not asked.strip():
        return
    task = asked.strip()[: limits.TASK_CHARACTERS]
    session_id = f"{event.session_id}:{agent_id}"
    episode = open_episode(memory, session_id)
    if episode is None:
        memory.store.sessions.ask(session_id, [Prompt(task, event.at)])
    elif episode.task == _NO_PROMPT:
        memory.episodes.update(episode.id, Changes(task=task))


def _continued(memory: Memory, event: Event, session: AgentSession) -> Episode | None:
    """Return the episode that a step belongs to: the one that is open, or the last one of this very session.

    What its steps alone had completed is opened again, since the session goes on; what somebody completed is not.
    """
    found = session.episode_id
    if found is None and source_of(event) is not None:
        latest = memory.store.sessions.latest_of(event.client, event.session_id)
        found = latest[0] if latest else None
    episode = find_episode(memory, found) if found else None
    if episode is None or episode.kind != "task":
        return None
    if episode.outcome is not None:
        said = episode.outcome.reason if isinstance(episode.outcome, Failure) else episode.outcome.verdict
        if UNSAID not in said:
            return None
        episode, _ = memory.episodes.reopen(episode.id)
    if episode.id != session.episode_id:
        memory.store.sessions.enter(event.session_id, episode.id)
    return episode


def _begin(memory: Memory, event: Event, task: str) -> str:
    latest = memory.store.sessions.latest_of(event.client, event.session_id)
    source = source_of(event, latest[1] + 1 if latest else 1)
    episode = memory.episodes.draft(task[: limits.TASK_CHARACTERS], source=source)
    memory.store.sessions.begin(event.session_id, episode)
    return episode.id


def _asked(prompts: Sequence[Prompt]) -> list[Step]:
    return [Step("user", prompt.text, recorded_at=prompt.at) for prompt in prompts]


def _append_all(memory: Memory, episode_id: str, steps: Sequence[Step]) -> None:
    for step in steps:
        append(memory, episode_id, step)
