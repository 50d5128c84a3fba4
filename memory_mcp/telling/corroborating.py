"""This module finds the notes of agents that a later, independent success bears out."""

from collections.abc import Sequence

from memory_mcp.actions.steps import action_of
from memory_mcp.models.addressing import speaks_to_agents
from memory_mcp.models.episodes import Step
from memory_mcp.models.voices import TALK
from memory_mcp.storage.store import Store
from memory_mcp.telling.uses import code_in, names_in

_MOST_NOTES, _MOST_EPISODES = 50, 20  # the newest of each, looked at when a session begins or ends
_LONGEST = 300  # characters: a longer note says more than one success can bear out


def corroborate(store: Store) -> int:
    """Keep which notes were borne out since the last time, and return how many."""
    notes = store.trust.unshown_notes(_MOST_NOTES)
    if not notes:
        return 0
    found = 0
    for episode_id in store.trust.shown_successes(min(note.created_at for note in notes), _MOST_EPISODES):
        episode = store.episodes.get(episode_id)
        for note in notes:
            if note.created_at < episode.started_at and bears_out(note.text, episode.steps):
                store.trust.corroborate(note.key, episode_id)
                found += 1
    return found


def bears_out(text: str, steps: Sequence[Step]) -> bool:
    """Whether steps that succeeded used everything that a short note names: its commands, files and identifiers.

    A note that names nothing cannot be borne out, and one that gives agents orders is not looked at.
    """
    names = names_in(text)
    if len(text) > _LONGEST or not names or not code_in(text) or speaks_to_agents(text):
        return False
    done = [step for step in steps if step.tool not in TALK and not step.failed]
    said = "\n".join(f"{step.action}\n{step.parameters}" for step in done)
    shapes = {action_of(step).shape for step in done}
    return all(name in said or name in shapes for name in names)
