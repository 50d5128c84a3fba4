"""This module names places in the history of a store, so that what was taken from one is not used for another."""

from msgspec import Struct

from memory_mcp.storage.database import Session


class Mark(Struct, frozen=True, array_like=True):
    """A place in the store's history: a sequence, and the record that changed there."""

    sequence: int = 0
    id: str = ""

    def fits(self, session: Session) -> bool:
        """Whether a store has this place in its history; a copy from before has not."""
        return self == Mark() or session.value("SELECT id FROM changes WHERE sequence = ?", (self.sequence,)) == self.id


def mark_of(session: Session) -> Mark:
    """Return the newest place in a snapshot's history."""
    row = session.row("SELECT sequence, id FROM changes ORDER BY sequence DESC LIMIT 1")
    return Mark(*row) if row else Mark()


def mark_at(session: Session, sequence: int) -> Mark:
    """Return the place of a sequence that has been."""
    return Mark(sequence, session.value("SELECT id FROM changes WHERE sequence = ?", (sequence,)))
