"""This module writes the rows of episodes and of their steps."""

from collections.abc import Sequence
from typing import Any

from memory_mcp.models.episodes import Context, Episode, outcome_type
from memory_mcp.models.voices import Door, Voice, voice_of_deeds, voice_of_step
from memory_mcp.storage import checksums, codec, documents
from memory_mcp.storage.database import Row, Session

_STEP_COLUMNS = ", ".join(codec.STEP_COLUMNS)
_STEP_MARKS = ", ".join("?" * len(codec.STEP_COLUMNS))


def update(session: Session, key: int, episode: Episode, *, with_steps: bool) -> None:
    """Replace the row and the tags of an episode, and its steps if wanted; those keep their voices."""
    rows = [codec.dump_step(step) for step in episode.steps] if with_steps else []
    columns = columns_of(episode, rows)
    if not with_steps:
        del columns["step_count"], columns["size_bytes"]
    assignments = ", ".join(f"{name} = ?" for name in columns)
    session.run(f"UPDATE episodes SET {assignments} WHERE key = ?", (*columns.values(), key))
    documents.replace_tags(session, key, episode.context.tags)
    session.run("UPDATE documents SET is_global = ? WHERE key = ?", (int(episode.is_global), key))
    if with_steps:
        voices: dict[int, Voice] = dict(session.rows("SELECT position, voice FROM steps WHERE episode_key = ?", (key,)))
        session.run("DELETE FROM steps WHERE episode_key = ?", (key,))
        insert_steps(session, key, 0, rows, voices)


def columns_of(episode: Episode, steps: Sequence[Row]) -> dict[str, Any]:
    """Return the columns of an episode's row, but for its voices."""
    covered = codec.episode_columns(episode)
    return {
        **covered,
        "checksum": checksums.EPISODE.checksum(covered),
        "updated_at": episode.updated_at,
        "kind": episode.kind,
        "task_key": codec.task_key(episode.task),
        "outcome_type": outcome_type(episode.outcome) if episode.outcome else None,
        "evidence": episode.outcome.evidence if episode.outcome else None,
        "reward": episode.reward.total if episode.reward else None,
        "step_count": len(steps),
        "size_bytes": codec.text_bytes(steps),
    }


def spoken(episode: Episode) -> tuple[str, Context]:
    """Return what an episode tells of its task, whose word that is is kept."""
    return episode.task, episode.context


def insert_steps(session: Session, key: int, start: int, rows: Sequence[Row], by: "Door | dict[int, Voice]") -> None:
    """Insert steps that came through a door, or as whose word they were kept before."""
    session.run_many(
        f"INSERT INTO steps (episode_key, position, {_STEP_COLUMNS}, voice) VALUES (?, ?, {_STEP_MARKS}, ?)",
        [
            (key, position, *row, voice_of_step(by, row[0]) if isinstance(by, Door) else by.get(position, ""))
            for position, row in enumerate(rows, start)
        ],
    )


def retell(session: Session, key: int, actor: str) -> None:
    """Make all steps of an episode the word of the source that they have just been read from."""
    kind, source_id = session.rows("SELECT source_kind, source_id FROM documents WHERE key = ?", (key,))[0]
    door = Door(actor, kind or "", source_id or "")
    steps = session.rows("SELECT position, tool FROM steps WHERE episode_key = ?", (key,))
    session.run_many(
        "UPDATE steps SET voice = ? WHERE episode_key = ? AND position = ?",
        [(voice_of_step(door, tool), key, position) for position, tool in steps],
    )
    session.run("UPDATE episodes SET steps_voice = ? WHERE key = ?", (voice_of_deeds(door), key))
