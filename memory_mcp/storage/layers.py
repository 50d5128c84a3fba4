"""This module keeps a branch's records in a layer above its project, until they are folded in."""

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Wall, Writer


class Layer(Struct, frozen=True):
    """A branch with a layer: the commit at which it began, and how many episodes and notes it holds."""

    branch: str
    begun_at_commit: str
    records: int


def wall_of(database: Database, key: int, project: str, branch: str | None) -> Wall:
    """Return the wall of a project, or of the layer that a branch of it has."""
    if branch is None:
        return Wall(key, project)
    with database.read() as session:
        row = session.row("SELECT key, name FROM projects WHERE parent_key = ? AND branch = ?", (key, branch))
    return Wall(key, project) if row is None else Wall(row[0], row[1], key, project)


def list_layers(session: Session, base_key: int) -> list[Layer]:
    """Return the layers of a project."""
    rows = session.rows(
        "SELECT p.branch, coalesce(p.begun_at_commit, ''),"
        " (SELECT count(*) FROM documents d WHERE d.project_key = p.key AND d.kind IN ('episode', 'note'))"
        " FROM projects p WHERE p.parent_key = ? AND p.branch IS NOT NULL ORDER BY p.branch",
        (base_key,),
    )
    return [Layer(*row) for row in rows]


def begin(session: Session, base_key: int, base: str, layer: Layer, clock: Clock) -> None:
    """Give a branch a layer of its own.

    Raises:
        IllegalMoveError: it has one.

    """
    if session.value("SELECT 1 FROM projects WHERE parent_key = ? AND branch = ?", (base_key, layer.branch)):
        raise IllegalMoveError(f"branch {layer.branch} of {base} has a layer already")
    session.run(
        "INSERT INTO projects (name, created_at, parent_key, branch, begun_at_commit) VALUES (?, ?, ?, ?, ?)",
        (f"{base}@{layer.branch}", clock.now(), base_key, layer.branch, layer.begun_at_commit),
    )


def fold(session: Session, writer: Writer, base_key: int, base: str, branch: str) -> int:
    """Move the records of a layer into its project and return how many; learning looks at them again.

    What both have imported from the same source stays once. The layer ends.

    Raises:
        NotFoundError: the branch has no layer.

    """
    key = _key(session, base_key, base, branch)
    moved = move(session, key, base_key)
    _end(session, key, base, branch)
    documents.note(session, writer, f"fold {branch}", base)
    return moved


def fold_late(session: Session, base_key: int) -> int:
    """Move what processes wrote into layers that had ended, since they had begun in them; return how much."""
    ended = session.rows("SELECT key FROM projects WHERE parent_key = ? AND branch IS NULL", (base_key,))
    return sum(move(session, key, base_key) for (key,) in ended)


def move(session: Session, key: int, base_key: int) -> int:
    """Move every record of one project into another and return how many; what both imported stays once."""
    session.run(
        "DELETE FROM documents WHERE project_key = :layer AND source_id IS NOT NULL AND EXISTS"
        " (SELECT 1 FROM documents o WHERE o.project_key = :base AND o.source_kind = documents.source_kind"
        " AND o.source_id = documents.source_id)",
        {"layer": key, "base": base_key},
    )
    _forget_learnt(session, key)
    moved = session.run(
        "UPDATE documents SET project_key = ?, revision = revision + 1 WHERE project_key = ?", (base_key, key)
    )
    session.run(
        "INSERT INTO ledger_days SELECT ?, day, door, moment, tellings, silent, records, repeats, bytes, tokens"
        " FROM ledger_days WHERE project_key = ? ON CONFLICT (project_key, day, door, moment) DO UPDATE SET"
        " tellings = tellings + excluded.tellings, silent = silent + excluded.silent,"
        " records = records + excluded.records, repeats = repeats + excluded.repeats,"
        " bytes = bytes + excluded.bytes, tokens = tokens + excluded.tokens",
        (base_key, key),
    )
    session.run("DELETE FROM ledger_days WHERE project_key = ?", (key,))
    for table in ("handoffs", "recommendations", "feedback", "audit_events", "tellings"):
        session.run(f"UPDATE {table} SET project_key = ? WHERE project_key = ?", (base_key, key))
    session.run("UPDATE OR REPLACE agent_sessions SET project_key = ? WHERE project_key = ?", (base_key, key))
    return moved


def drop(session: Session, writer: Writer, base_key: int, base: str, branch: str) -> int:
    """Erase a layer with all its records and return how many there were.

    Raises:
        NotFoundError: the branch has no layer.

    """
    key = _key(session, base_key, base, branch)
    _forget_learnt(session, key)
    for table in ("feedback", "handoffs", "recommendations", "agent_sessions", "tellings", "ledger_days"):
        session.run(f"DELETE FROM {table} WHERE project_key = ?", (key,))
    dropped = session.run("DELETE FROM documents WHERE project_key = ?", (key,))
    _end(session, key, base, branch)
    documents.note(session, writer, f"drop layer {branch}", base)
    return dropped


def _key(session: Session, base_key: int, base: str, branch: str) -> int:
    key = session.value("SELECT key FROM projects WHERE parent_key = ? AND branch = ?", (base_key, branch))
    if key is None:
        raise NotFoundError(f"branch {branch} of {base} has no layer; 'memory-cli project list' shows those there are")
    return int(key)


def _forget_learnt(session: Session, key: int) -> None:
    """Remove what was learnt within a layer: patterns are learnt anew where its episodes go."""
    session.run("DELETE FROM documents WHERE project_key = ? AND kind = 'pattern'", (key,))
    for table in ("digests", "failures", "runs", "pattern_identities"):
        session.run(f"DELETE FROM {table} WHERE project_key = ?", (key,))


def _end(session: Session, key: int, base: str, branch: str) -> None:
    session.run("UPDATE projects SET branch = NULL, name = ? WHERE key = ?", (f"{base}@{branch} (ended {key})", key))
