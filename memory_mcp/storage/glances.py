"""This module looks for damage in a few rows of each derived table, in a time that does not grow with the store."""

from memory_mcp.errors import IndexDamagedError
from memory_mcp.storage import derived, search_index, vocabulary
from memory_mcp.storage.codec import hold_vectors
from memory_mcp.storage.database import Row, Session
from memory_mcp.storage.derived import Fault, Look

# https://www.sqlite.org/fts5.html: how FTS5 numbers the pages of a segment
_PAGE_BITS, _PAGE_MASK, _INNER_MASK = 37, (1 << 31) - 1, 63 << 31
FEW = 200  # so many records are all looked at
_RECORDS = 64
_MOST_LAG = 1_000
_TERMS, _STARTS, _FOLLOWING = 256, 8, 4
_SMALL = ("keywords_config", "keywords_idx", "vector_sets", "followers")  # 4 MB of text fill 80 pages of the largest


def find_faults(session: Session) -> list[Fault]:
    """Look into all of a small store, and elsewhere at rows from random places on; what is wide-spread is found."""
    if search_index.count_documents(session) <= FEW:
        return derived.find_faults(session)
    return derived.found_by(session, _LOOKS, _SMALL)


def _words(session: Session) -> list[str]:
    """Read words from some of the pages on, and some in a row from the first one on, and look those up."""
    for (start,) in session.rows("SELECT substr(term, 2) FROM keywords_idx ORDER BY random() LIMIT ?", (_STARTS,)):
        term = start.decode("utf-8", "replace") if isinstance(start, bytes) else ""
        session.rows("SELECT doc FROM keyword_counts WHERE term >= ? LIMIT ?", (term, _FOLLOWING))
    expected: dict[str, int] = dict(session.rows("SELECT term, doc FROM keyword_counts LIMIT ?", (_TERMS,)))
    if not expected:
        has_words = session.value("SELECT 1 FROM keywords_docsize WHERE sz <> x'00' LIMIT 1")
        return ["it holds no word"] if has_words else []
    sampled = list(expected)[:: max(len(expected) // _STARTS, 1)]
    counts = vocabulary.document_counts(session, sampled)
    lost = sum(counts.get(term) != expected[term] for term in sampled)
    return [f"{lost} of {len(sampled)} words are not found by it"] if lost else []


def _pages(session: Session) -> list[str]:
    """Look whether a few pages on which words begin can be found by their first word."""
    rows = _from_anywhere(session, "keywords_data", "id", "id, block")
    named = [(row[0] >> _PAGE_BITS, row[0] & _PAGE_MASK) for row in rows if _begins_a_word(*row)]
    lost = sum(
        session.value("SELECT 1 FROM keywords_idx WHERE segid = ? AND pgno >> 1 = ?", place) is None for place in named
    )
    return [f"{lost} of {len(named)} pages are not in it"] if lost else []


def _begins_a_word(page_id: int, block: object) -> bool:
    """Whether a row is a page, but not the first one of its segment, that ends in a list of words."""
    is_later = page_id >> _PAGE_BITS > 0 and page_id & _PAGE_MASK > 1 and not page_id & _INNER_MASK
    return is_later and isinstance(block, bytes) and int.from_bytes(block[2:4]) < len(block)


def _sizes(session: Session) -> list[str]:
    """Compare the number of documents with the one that the index keeps, and a few sizes with the sum of all."""
    believed = derived.numbers_of(session.value("SELECT block FROM keywords_data WHERE id = 1"))
    present = search_index.count_keywords(session)
    rows = _from_anywhere(session, "keywords_docsize", "id", "id, sz")
    sizes = [derived.numbers_of(row[1]) for row in rows]
    if any(len(size) != 1 for size in sizes):
        return ["sizes of documents cannot be read"]
    least = sum(size[0] for size in sizes)
    if (believed[:1] == [present] and sum(believed[1:2]) >= least) or not (any(believed[:2]) or present):
        return []
    return [f"it counts {believed[:2]} documents and words, and there are {present} and at least {least}"]


def _indexed(session: Session) -> list[str]:
    """Compare a few records with the rows of the index, both ways."""
    rows = _from_anywhere(session, "keywords_docsize", "id", "id")
    left_over = sum(session.value("SELECT 1 FROM documents WHERE key = ?", (row[0],)) is None for row in rows)
    followed = search_index.followed(session, search_index.KEYWORDS)
    lacking = sum(
        session.value("SELECT 1 FROM keywords_docsize WHERE id = ?", (key,)) is None
        for key in _followed_records(session, followed)
    )
    found = [f"{lacking} of {_RECORDS} records are not in it"] if lacking else []
    return found + ([f"{left_over} of {len(rows)} records in it are erased"] if left_over else [])


def _sets(session: Session) -> list[str]:
    head = search_index.head(session)
    return [
        f"a set of {dimension} dimensions has followed change {followed} of {head}"
        for dimension, followed in session.rows("SELECT dimension, followed FROM vector_sets")
        if not isinstance(followed, int) or not isinstance(dimension, int) or followed > head or dimension < 1
    ]


def _vectors(session: Session) -> list[str]:
    """Look at a few vectors, and whether a few records have them, through both indexes of the table."""
    dimensions: dict[int, int] = dict(session.rows("SELECT key, dimension FROM vector_sets"))
    rows = _from_anywhere(session, "vectors", "key", "set_key, vector, document_key")
    wrong = sum(not hold_vectors([row[1]], dimensions.get(row[0], 0)) for row in rows)
    lacking = 0
    for set_key, followed in session.rows("SELECT key, followed FROM vector_sets WHERE ready_at IS NOT NULL"):
        for key in _followed_records(session, followed):
            by_set = session.value(
                "SELECT 1 FROM vectors INDEXED BY sqlite_autoindex_vectors_1 WHERE set_key = ? AND document_key = ?",
                (set_key, key),
            )
            by_record = session.value(
                "SELECT 1 FROM vectors INDEXED BY vectors_by_document WHERE document_key = ? AND set_key = ?",
                (key, set_key),
            )
            lacking += by_set is None or by_record is None
    found = [f"{wrong} of {len(rows)} rows do not hold vectors of their set"] if wrong else []
    return found + ([f"{lacking} of {_RECORDS} records have none"] if lacking else [])


def _from_anywhere(session: Session, table: str, key: str, columns: str) -> list[Row]:
    """Read some rows that follow each other, from a random place on, and the first ones."""
    return session.rows(
        f"SELECT {columns} FROM {table} WHERE {key} IN (SELECT {key} FROM {table} ORDER BY {key} LIMIT {_RECORDS // 2})"
        f" OR {key} IN (SELECT {key} FROM {table} WHERE {key} >= (SELECT abs(random() % max(max({key}), 1))"
        f" FROM {table}) ORDER BY {key} LIMIT {_RECORDS // 2})"
    )


def _followed_records(session: Session, followed: int) -> list[int]:
    """Return some records that a follower who has seen so many changes must know; none while it lags far behind."""
    if not isinstance(followed, int):
        raise IndexDamagedError("vectors", "it is not known what it has followed")
    if search_index.head(session) - followed > _MOST_LAG:
        return []
    changed = frozenset(search_index.changed_keys(session, followed))
    return [
        key
        for (key,) in _from_anywhere(session, "documents", "key", "key")
        if key not in changed and session.value("SELECT 1 FROM damaged WHERE document_key = ?", (key,)) is None
    ]


_LOOKS = (
    Look("followers", "followers", derived.followers_ahead),
    Look("keywords", "keywords_data", _words),
    Look("keywords", "keywords_idx", _pages),
    Look("keywords", "keywords_docsize", _sizes),
    Look("keywords", "keywords_docsize", _indexed, is_partial=True),
    Look("vectors", "vector_sets", _sets),
    Look("vectors", "vectors", _vectors, is_partial=True),
)
