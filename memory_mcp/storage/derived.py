"""This module finds damage in derived tables, and empties them so that they are filled again."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import apsw
from msgspec import Struct

from memory_mcp.errors import IndexDamagedError
from memory_mcp.storage import search_index, vocabulary
from memory_mcp.storage.codec import hold_vectors
from memory_mcp.storage.database import Session
from memory_mcp.storage.keyword_entries import KEYWORD_FORMAT
from memory_mcp.storage.schema import FIRST_SCHEMA

Part = Literal["followers", "keywords", "vectors"]  # in the order of mending
_TABLES: dict[Part, tuple[str, ...]] = {
    "keywords": ("keywords_data", "keywords_idx", "keywords_docsize", "keywords_config"),
    "vectors": ("vector_sets", "vectors"),
    "followers": ("followers",),
}
_DROPPED: dict[Part, tuple[str, ...]] = {
    "keywords": ("keyword_counts", "keywords", *_TABLES["keywords"]),
    "vectors": ("vectors", "vector_sets"),
    "followers": ("followers",),
}
_MADE: dict[Part, tuple[str, ...]] = {
    "keywords": ("VIRTUAL TABLE keywords ", "VIRTUAL TABLE keyword_counts "),
    "vectors": ("TABLE vector_sets ", "TABLE vectors ", "INDEX vectors_by_document "),
    "followers": ("TABLE followers ",),
}
_ERRORS = (apsw.CorruptError, apsw.SQLError)
_FORMATS = (4, 5)  # of FTS5
_SAMPLED_TERMS = 64
_READ = 4_096  # rows of vectors at once
REBUILDING = "keywords being made anew"  # a follower; its place is the sequence at which the rebuild began


class Fault(Struct, frozen=True):
    """Damage in one derived table."""

    part: Part
    table: str
    detail: str
    is_partial: bool = False  # single rows are wrong or missing
    is_structural: bool = False  # pages or table names are


class Look(NamedTuple):
    """What is looked for in one table."""

    part: Part
    table: str
    look: Callable[[Session], list[str]]
    is_partial: bool = False


def find_faults(session: Session) -> list[Fault]:
    """Check every row of every derived table."""
    return found_by(session, _LOOKS, (name for names in _TABLES.values() for name in names))


def found_by(session: Session, looks: Iterable[Look], structures: Iterable[str]) -> list[Fault]:
    """Look for damage; checks that need a damaged part are skipped.

    `structures` names the tables whose pages are all read.
    """
    checked = frozenset(structures)
    found = [fault for part in get_args(Part) for fault in _structure(session, part, checked)]
    damaged = {fault.part for fault in found}
    for part, table, look, is_partial in looks:
        if part in damaged or "followers" in damaged:
            continue
        try:
            details = look(session)
        except (*_ERRORS, IndexDamagedError) as error:
            found.append(Fault(part, table, str(error), is_structural=True))
            details = []
        found += [Fault(part, table, detail, is_partial) for detail in details]
        damaged |= {fault.part for fault in found if not fault.is_partial}
    return found


def find_record_faults(session: Session, most: int) -> list[str]:
    """Check the structure and references of every table of records; derived tables are left out."""
    left_out = {name for names in (*_TABLES.values(), *_DROPPED.values()) for name in names}
    tables = [
        str(row[0])
        for row in session.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        if row[0] not in left_out
    ]
    found: list[str] = []
    for table in tables:
        try:
            checked = session.rows(f"PRAGMA integrity_check('{table}')")
            found += [str(row[0]) for row in checked if row[0] != "ok"]
            lost = session.rows(f"PRAGMA foreign_key_check('{table}')")
            found += [f"a row of {row[0]} refers to nothing" for row in lost]
        except _ERRORS as error:
            found.append(f"{table}: {error}")
    return found[:most]


def reset(session: Session, part: Part, *, is_structural: bool = False) -> None:
    """Empty a part, so that it is filled again from the first change on.

    The transaction must not have met a damaged page, and a 'DROP' must not meet one: it could not commit any more.
    """
    if is_structural:
        _cut_out(session, part)
    else:
        for name in _DROPPED[part]:
            session.run(f"DROP TABLE IF EXISTS {name}")
    for statement in FIRST_SCHEMA:
        if any(f"CREATE {made}" in statement for made in _MADE[part]):
            session.run(statement)
    if part == "keywords":
        search_index.follow(session, search_index.KEYWORDS, 0)
        search_index.follow(session, REBUILDING, search_index.head(session))


def mend(session: Session, faults: Sequence[Fault], suspect: str | None = None) -> tuple[Part, ...]:
    """Mend damaged parts and return them; a suspect part without a fault is emptied too.

    Wrong rows are removed, and the records of wrong or missing rows are written into `changes`, to be indexed again.
    """
    structural = {fault.part for fault in faults if fault.is_structural}
    partial = {fault.part for fault in faults if fault.is_partial}
    whole = {fault.part for fault in faults if not fault.is_partial} | ({suspect} - partial)
    for part in get_args(Part):
        if part in whole:
            reset(session, part, is_structural=part in structural)
        elif part in partial:
            _refollow(session, part)
    return tuple(part for part in get_args(Part) if part in whole | partial)


def is_rebuilding(session: Session) -> bool:
    """Whether the keyword index was emptied and does not yet hold again what it held."""
    began = search_index.followed(session, REBUILDING)
    return began > search_index.followed(session, search_index.KEYWORDS)


def _cut_out(session: Session, part: Part) -> None:
    """Remove unreadable tables from the schema; their pages stay until a 'VACUUM'."""
    marks = ", ".join("?" * len(_DROPPED[part]))
    session.run("PRAGMA writable_schema = ON")
    session.run(f"DELETE FROM sqlite_schema WHERE tbl_name IN ({marks})", _DROPPED[part])
    session.run("PRAGMA writable_schema = RESET")


def _refollow(session: Session, part: Part) -> None:
    """Remove the wrong rows of single documents, and have those documents indexed again."""
    if part == "keywords":
        session.run(f"DELETE FROM keywords WHERE rowid IN ({_LEFT_OVER})")
        keys = _lacking_keywords(session)
    else:
        wrong = _wrong_vectors(session)
        session.run_many("DELETE FROM vectors WHERE key = ?", [(row[0],) for row in wrong])
        keys = sorted({*(row[1] for row in wrong), *_lacking_vectors(session)})
    session.run_many(
        "INSERT INTO changes (document_key, kind, id) SELECT key, kind, id FROM documents WHERE key = ?",
        [(key,) for key in keys],
    )


def _structure(session: Session, part: Part, checked: frozenset[str]) -> Iterator[Fault]:
    present = {row[0] for row in session.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for table in _TABLES[part]:
        if table not in present:
            yield Fault(part, table, "it is missing", is_structural=True)
        if table not in present or table not in checked:
            continue
        try:
            for (told,) in session.rows(f"PRAGMA quick_check('{table}')"):
                if told != "ok":
                    yield Fault(part, table, str(told), is_structural=True)
        except _ERRORS as error:
            yield Fault(part, table, str(error), is_structural=True)
    if part == "keywords" and "keywords_config" in present:
        try:
            version = session.value("SELECT v FROM keywords_config WHERE k = 'version'")
        except apsw.CorruptError:
            return  # reported above
        if version not in _FORMATS:
            yield Fault(part, "keywords_config", f"its format is {version}", is_structural=True)


def _inverted_index(session: Session) -> list[str]:
    return [str(row[0]) for row in session.rows("PRAGMA integrity_check('keywords')") if row[0] != "ok"]


def _sizes(session: Session) -> list[str]:
    """Compare the sizes of documents with the sums that the index keeps, the first numbers of its first record."""
    sizes = [numbers_of(row[0]) for row in session.rows("SELECT sz FROM keywords_docsize")]
    believed = numbers_of(session.value("SELECT block FROM keywords_data WHERE id = 1"))
    present = [len(sizes), sum(size[0] for size in sizes if size)]
    if all(len(size) == 1 for size in sizes) and (believed[:2] == present or not any(present)):
        return []
    return [f"it counts {believed[:2]} documents and words, and there are {present}"]


def numbers_of(block: object) -> list[int]:
    """Read the numbers in a blob as SQLite writes them: seven bits in a byte, the highest bit on all but the last."""
    found: list[int] = []
    if not isinstance(block, bytes):
        return found
    number = 0
    for byte in block:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            found.append(number)
            number = 0
    return found


def _sampled_terms(session: Session) -> list[str]:
    """Look up a sample of words; a lost page shows as fewer documents than a full read counts."""
    terms = int(session.value("SELECT count(*) FROM keyword_counts"))
    if not terms:
        has_words = session.value("SELECT 1 FROM keywords_docsize WHERE sz <> x'00' LIMIT 1")
        return ["it holds no word"] if has_words else []
    sampled = session.rows(
        "SELECT term, doc FROM (SELECT term, doc, row_number() OVER () AS place FROM keyword_counts)"
        " WHERE place % :every = 0 LIMIT :most",
        {"every": max(terms // _SAMPLED_TERMS, 1), "most": _SAMPLED_TERMS},
    )
    counts = vocabulary.document_counts(session, [term for term, _ in sampled])
    lost = sum(counts.get(term) != expected for term, expected in sampled)
    return [f"{lost} of {len(sampled)} words are not found by it"] if lost else []


def _unindexed(session: Session) -> list[str]:
    lacking = len(_lacking_keywords(session))
    left_over = session.value(f"SELECT count(*) FROM ({_LEFT_OVER})")
    found = [f"{lacking} records are not in it"] if lacking else []
    return found + ([f"{left_over} records in it are erased"] if left_over else [])


def _sets(session: Session) -> list[str]:
    head = search_index.head(session)
    wrong = Counter(row[2] for row in _wrong_vectors(session))
    return [
        f"the set of {each.model} has {each.dimension} dimensions and has followed change {each.followed} of {head}, "
        f"and {wrong[each.key]} of its {count} rows do not fit it"
        for each, count, _ in search_index.list_vector_sets(session)
        if each.followed > head or each.dimension < 1 or (count and count == wrong[each.key])
    ]


def _vector_rows(session: Session) -> list[str]:
    wrong = len(_wrong_vectors(session))
    lacking = len(_lacking_vectors(session))
    found = [f"{wrong} rows do not hold vectors of their set"] if wrong else []
    return found + ([f"{lacking} records have none"] if lacking else [])


def followers_ahead(session: Session) -> list[str]:
    """Tell which followers have seen changes that there are not."""
    head = search_index.head(session)
    return [
        f"{name} says that it has followed change {followed} of {head}"
        for name, followed in session.rows("SELECT name, followed FROM followers WHERE name != ?", (KEYWORD_FORMAT,))
        if not isinstance(followed, int) or followed > head
    ]


_LEFT_OVER = "SELECT id FROM keywords_docsize WHERE id NOT IN (SELECT key FROM documents)"


def _wrong_vectors(session: Session) -> list[tuple[int, int, int]]:
    """Return (key, key of the document, key of the set) of every row that does not hold vectors of its set."""
    dimensions: dict[int, int] = dict(session.rows("SELECT key, dimension FROM vector_sets"))
    found: list[tuple[int, int, int]] = []
    last = 0
    while True:
        rows = session.rows(
            "SELECT key, document_key, set_key, vector FROM vectors WHERE key > ? ORDER BY key LIMIT ?", (last, _READ)
        )
        found += [(row[0], row[1], row[2]) for row in rows if not hold_vectors([row[3]], dimensions.get(row[2], 0))]
        if len(rows) < _READ:
            return found
        last = rows[-1][0]


def _lacking_keywords(session: Session) -> list[int]:
    """Return the records that the index has passed but does not hold."""
    return [
        row[0]
        for row in session.rows(
            "SELECT key FROM documents WHERE key NOT IN (SELECT id FROM keywords_docsize)"
            " AND key NOT IN (SELECT document_key FROM damaged)"
            " AND key NOT IN (SELECT document_key FROM changes WHERE sequence > ?)",
            (search_index.followed(session, search_index.KEYWORDS),),
        )
    ]


def _lacking_vectors(session: Session) -> list[int]:
    """Return the records that a complete vector set has passed but does not hold."""
    found: set[int] = set()
    for each, _, _ in search_index.list_vector_sets(session):
        if each.ready:
            rows = session.rows(
                "SELECT key FROM documents WHERE key NOT IN (SELECT document_key FROM vectors WHERE set_key = ?)"
                " AND key NOT IN (SELECT document_key FROM damaged)"
                " AND key NOT IN (SELECT document_key FROM changes WHERE sequence > ?)",
                (each.key, each.followed),
            )
            found |= {row[0] for row in rows}
    return sorted(found)


_LOOKS = (
    Look("followers", "followers", followers_ahead),
    Look("keywords", "keywords_data", _inverted_index),
    Look("keywords", "keywords_docsize", _sizes),
    Look("keywords", "keywords_idx", _sampled_terms),
    Look("keywords", "keywords_docsize", _unindexed, is_partial=True),
    Look("vectors", "vector_sets", _sets),
    Look("vectors", "vectors", _vector_rows, is_partial=True),
)
