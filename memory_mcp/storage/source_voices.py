"""This module says whose word a decision is that was found in a record: never more than the record itself."""

from memory_mcp.models.decisions import Draft
from memory_mcp.models.voices import Voice, lowest
from memory_mcp.storage.database import Session


class SourceVoices:
    """The voices of one record, and of what the user said in it while it was recorded."""

    def __init__(self, session: Session, source_key: int) -> None:
        voice, kind = session.rows(
            "SELECT d.voice, coalesce(e.kind, d.kind) FROM documents d LEFT JOIN episodes e ON e.key = d.key"
            " WHERE d.key = ?",
            (source_key,),
        )[0]
        self._voice: Voice = voice
        self._asked: list[Voice] = [voice]
        if kind == "task":
            rows = session.rows(
                "SELECT voice FROM steps WHERE episode_key = ? AND tool = 'user' ORDER BY position", (source_key,)
            )
            self._asked += [row[0] or voice for row in rows]

    def of(self, draft: Draft) -> Voice:
        """Return the voice of what was found: of a task at the prompt that it stands in, else of the whole record."""
        at = draft.turn if draft.turn is not None and draft.turn < len(self._asked) else 0
        own = self._voice if len(self._asked) == 1 else self._asked[at]
        return lowest((draft.voice, own))
