"""This module compares the tables, indexes, triggers and views of a file with our schema."""

from collections.abc import Iterable

import apsw

from memory_mcp.storage.database import Session

_STATISTICS = frozenset(("sqlite_stat1", "sqlite_stat4"))  # what ANALYZE makes
_PAGE_BYTES = (16, 18)
_RESERVED = 20
_AUTO_VACUUM = (52, 56)
_ENCODING = (56, 60)
_UTF_8 = 1
_HEADER_BYTES = 100

Shape = dict[tuple[str, str], str]


def difference(session: Session, statements: Iterable[str], *, own_additions: bool = False) -> str | None:
    """Return the first difference between a file's schema and the one that these statements make, or None.

    With `own_additions` the user's own tables, indexes and views may stand beside ours; triggers may not, since they
    would act on what we write.
    """
    ours, found = _shape_made_by(statements), _shape(session)
    for kind, name in sorted(found.keys() | ours.keys()):
        if (kind, name) not in found:
            return f"its {kind} {name} is missing"
        if (kind, name) not in ours:
            if own_additions and kind != "trigger":
                continue
            return f"its {kind} {name} is not ours"
        if found[kind, name] != ours[kind, name]:
            return f"its {kind} {name} differs from that of memory-mcp"
    return None


def odd_header(header: bytes) -> str | None:
    """Return how the first 100 bytes of a database differ from ours, or None.

    Processes with the store open remember its page size, layout and encoding, so these must not change.
    """
    if len(header) < _HEADER_BYTES:
        return "it is no database"
    page_bytes = int.from_bytes(header[slice(*_PAGE_BYTES)])
    ours = int(apsw.Connection(":memory:").pragma("page_size"))
    if page_bytes != ours:
        return f"its pages have {page_bytes} bytes, ours {ours}"
    if header[_RESERVED] or any(header[slice(*_AUTO_VACUUM)]):
        return "its pages are laid out in another way than ours"
    if int.from_bytes(header[slice(*_ENCODING)]) != _UTF_8:
        return "its texts are not encoded in UTF-8"
    return None


def _shape_made_by(statements: Iterable[str]) -> Shape:
    connection = apsw.Connection(":memory:")
    try:
        session = Session(connection)
        for statement in statements:
            session.run(statement)
        return _shape(session)
    finally:
        connection.close()


def _shape(session: Session) -> Shape:
    """Map what a schema holds to its text; white space does not count."""
    rows = session.rows("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    return {
        (str(kind), str(name)): f"{table}: {' '.join(str(sql or '').split())}"
        for kind, name, table, sql in rows
        if name not in _STATISTICS
    }
