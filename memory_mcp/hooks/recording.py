"""This module records an agent's session: a prompt opens an episode, tools are its steps."""

from memory_mcp.actions.tool_calls import begun_episode, is_recorded, made_step
from memory_mcp.errors import LimitError, NotFoundError
from memory_mcp.hooks.events import Event
from memory_mcp.memory import Memory
from memory_mcp.models import limits
from memory_mcp.models.episodes import Episode, Step
from memory_mcp.models.relationships import Relationship

_NO_PROMPT = "a session of which no prompt was seen"
_TASK_SHOWN = 9_000  # characters of a task that is continued


def record_prompt(memory: Memory, event: Event) -> str:
    """Open an episode for a prompt, or go on in the one that is open; return its id."""
    prompt = event.prompt.strip()[: limits.TASK_CHARACTERS]
    episode = open_episode(memory, event.session_id)
    if episode is None:
        return _begin(memory, event.session_id, prompt or _NO_PROMPT)
    if prompt and prompt != episode.task:
        _append(memory, episode.id, Step("user", prompt, recorded_at=event.at))
    return episode.id


def record_tool(memory: Memory, event: Event) -> None:
    """Record a tool call that has ended as a step; one that was recorded already changes nothing.

    An episode that the agent has begun by itself takes the place of the one that its prompt opened.
    """
    if event.call is None:
        return
    begun = begun_episode(event.call)
    if begun and memory.store.exists(begun):
        opened = open_episode(memory, event.session_id, with_steps=True)
        memory.store.sessions.enter(event.session_id, begun)
        if opened and not opened.steps and opened.id != begun:
            memory.episodes.delete(opened.id)
    if not is_recorded(event.call.tool):
        return
    step = made_step(event.call)
    episode = open_episode(memory, event.session_id)
    if episode is None:
        _append(memory, _begin(memory, event.session_id, _NO_PROMPT), step)
        return
    try:
        _append(memory, episode.id, step)
    except LimitError:  # of steps or bytes: a long session goes on in an episode that follows
        following = _begin(memory, event.session_id, f"{episode.task[:_TASK_SHOWN]} (continued)")
        memory.relationships.add([Relationship("follows", following, episode.id)])
        _append(memory, following, step)


def open_episode(memory: Memory, session_id: str, *, with_steps: bool = False) -> Episode | None:
    """Return the episode that a session is in, unless somebody has completed or erased it meanwhile.

    Without its steps: reading them all for each further one would make a long session ever slower.
    """
    found = memory.store.sessions.find(session_id).episode_id
    if found is None:
        return None
    try:
        episode = memory.store.episodes.get(found, with_steps=with_steps)
    except NotFoundError:
        return None
    return episode if episode.outcome is None else None


def _begin(memory: Memory, session_id: str, task: str) -> str:
    episode = memory.episodes.draft(task)
    memory.store.sessions.begin(session_id, episode)
    return episode.id


def _append(memory: Memory, episode_id: str, step: Step) -> None:
    """Append a step, once: a queue may be handled again after a crash."""
    if not memory.store.sessions.has_step(episode_id, step):
        memory.episodes.append(episode_id, [step])
