"""This module reads the postings of the keyword index: which records hold a term, and how long each record is."""

from collections.abc import Iterable

from memory_mcp.errors import IndexDamagedError
from memory_mcp.storage.database import Session
from memory_mcp.storage.derived import REBUILDING, numbers_of
from memory_mcp.storage.documents import keys_json
from memory_mcp.storage.engine_errors import derived
from memory_mcp.storage.keyword_entries import KEYWORD_FORMAT, REMADE
from memory_mcp.storage.search_index import KEYWORDS

# Of this connection alone, so it is no part of the file and of no schema.
_PLACES = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.keyword_places USING fts5vocab (main, keywords, instance)"


@derived("keywords")
def holders(session: Session, stem: str) -> str:
    """Return the keys of the documents that hold a stemmed term, ascending, as often as each holds it; with commas.

    One text instead of rows: apsw gives the interpreter away at each row and has to get it back.
    """
    session.rows(_PLACES)
    return session.value("SELECT group_concat(doc) FROM temp.keyword_places WHERE term = ?", (stem,)) or ""


@derived("keywords")
def lengths(session: Session, keys: Iterable[int]) -> tuple[str, str]:
    """Return those of the documents that are indexed, with commas, and their lengths in words as hexadecimal varints.

    A length is laid out as SQLite writes numbers: seven bits in a byte, the highest bit on all but the last.
    """
    row = session.row(
        "SELECT group_concat(id), group_concat(hex(sz), '') FROM keywords_docsize"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (keys_json(keys),),
    )
    return (row[0] or "", row[1] or "") if row else ("", "")


@derived("keywords")
def totals(session: Session) -> tuple[int, int]:
    """Return how many documents the index holds, and how many words all of them together.

    Raises:
        IndexDamagedError: its record of that cannot be read.

    """
    numbers = numbers_of(session.value("SELECT block FROM keywords_data WHERE id = 1"))
    if len(numbers) < 2 or not all(numbers[:2]):  # noqa: PLR2004 - both
        raise IndexDamagedError("keywords", f"it counts {numbers[:2]} documents and words")
    return numbers[0], numbers[1]


@derived("followers")
def state(session: Session) -> dict[str, int]:
    """Return how far the index has followed, and what else tells that records of it were written anew."""
    names = (KEYWORDS, KEYWORD_FORMAT, REMADE, REBUILDING)
    rows = session.rows("SELECT name, followed FROM followers WHERE name IN (?, ?, ?, ?)", names)
    return {str(name): int(followed) for name, followed in rows}
