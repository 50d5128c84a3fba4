"""This module keeps what the user asks for in an agent's session, and finds the episode that the session is in."""

from memory_mcp.errors import NotFoundError
from memory_mcp.hooks.events import UNNAMED, Event
from memory_mcp.memory import Memory
from memory_mcp.models import limits
from memory_mcp.models.episodes import Episode, Source, Step, live_kind
from memory_mcp.models.prompts import Prompt

_MOST_PROMPTS = 20  # that wait for a first step; the first one and the latest are kept


def record_prompt(memory: Memory, event: Event) -> str | None:
    """Add a prompt to the episode that is open; without one, keep it until a step is made for it.

    Return the episode that the session is in, if any, also one that its tests have completed.
    """
    prompt = event.prompt.strip()[: limits.TASK_CHARACTERS]
    episode = open_episode(memory, event.session_id)
    if not prompt:
        return episode.id if episode else None
    if episode is not None:
        if prompt != episode.task:
            append(memory, episode.id, Step("user", prompt, recorded_at=event.at))
        return episode.id
    session = memory.store.sessions.find(event.session_id)
    asked = session.prompts
    if Prompt(prompt, event.at) not in asked:
        kept = (*asked[:1], *asked[1:][2 - _MOST_PROMPTS :])
        memory.store.sessions.ask(event.session_id, (*kept, Prompt(prompt, event.at)))
    return session.episode_id


def open_episode(memory: Memory, session_id: str, *, with_steps: bool = False) -> Episode | None:
    """Return the episode that a session is in, unless it is completed or erased.

    Without its steps: reading them all for each further one would make a long session ever slower.
    """
    found = memory.store.sessions.find(session_id).episode_id
    episode = find_episode(memory, found, with_steps=with_steps) if found else None
    return episode if episode and episode.outcome is None else None


def find_episode(memory: Memory, episode_id: str, *, with_steps: bool = False) -> Episode | None:
    """Return an episode of this project, unless it has been erased."""
    try:
        return memory.store.episodes.get(episode_id, with_steps=with_steps)
    except NotFoundError:
        return None


def source_of(event: Event, part: int = 1) -> Source | None:
    """Return the source of what a session shows, under the id that the import of its transcript would use."""
    if event.session_id.startswith(UNNAMED):
        return None
    return Source(live_kind(event.client), event.session_id if part == 1 else f"{event.session_id}#{part}")


def append(memory: Memory, episode_id: str, step: Step) -> None:
    """Append a step, once: a queue may be handled again after a crash."""
    if not memory.store.sessions.has_step(episode_id, step):
        memory.episodes.append(episode_id, [step])
