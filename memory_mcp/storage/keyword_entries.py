"""This module writes the entries of the keyword index, and those of an earlier format again."""

from memory_mcp.storage.database import Session
from memory_mcp.storage.engine_errors import derived
from memory_mcp.storage.search_index import KEYWORDS, follow, followed

KEYWORD_FORMAT = "keywords: format"  # the follower whose place is the format of the indexed text
MERGED = "keywords: merged"  # how far the index had followed when its parts were last merged into one
REMADE = "keywords: remade"  # the last document that has been indexed again in the newest format


@derived("keywords")
def write_keywords(session: Session, texts: dict[int, str], up_to: int) -> None:
    """Replace the keyword entries of documents and remember how far the index has followed."""
    _replace_keywords(session, texts)
    follow(session, KEYWORDS, up_to)


def remade(session: Session) -> int:
    """Return the last document that was indexed again in the newest format."""
    return followed(session, REMADE)


@derived("keywords")
def remake_keywords(session: Session, texts: dict[int, str], up_to: int) -> None:
    """Replace the keyword entries of documents by those of the newest format."""
    _replace_keywords(session, texts)
    follow(session, REMADE, up_to)


def finish_remaking(session: Session, number: int) -> None:
    """Remember the format that all entries have now."""
    follow(session, KEYWORD_FORMAT, number)
    session.run("DELETE FROM followers WHERE name IN (?, ?)", (REMADE, MERGED))


def count_unmerged(session: Session) -> int:
    """Return how many changes the index has followed since its parts were last merged into one."""
    now, then = followed(session, KEYWORDS), followed(session, MERGED)
    return now - then if then <= now else now  # it was emptied since


@derived("keywords")
def merge_keywords(session: Session, pages: int) -> bool:
    """Merge the parts of the index by about so many pages; once it is one part, remember that and return False.

    FTS5 looks a word up in every part, and many small writes leave a dozen of them.
    """
    before = session.value("SELECT total_changes()")
    session.run("INSERT INTO keywords (keywords, rank) VALUES ('merge', ?)", (-pages,))
    if session.value("SELECT total_changes()") - before > 1:  # the command itself counts as one
        return True
    follow(session, MERGED, followed(session, KEYWORDS))
    return False


def _replace_keywords(session: Session, texts: dict[int, str]) -> None:
    session.run_many("DELETE FROM keywords WHERE rowid = ?", [(key,) for key in texts])
    session.run_many("INSERT INTO keywords (rowid, text) VALUES (?, ?)", list(texts.items()))


def document_keys(session: Session, after: int, limit: int) -> list[tuple[int, str]]:
    """Return the next documents by key, with their kind."""
    rows = session.rows("SELECT key, kind FROM documents WHERE key > ? ORDER BY key LIMIT ?", (after, limit))
    return [(int(key), str(kind)) for key, kind in rows]
