"""This module makes, lists, renames and merges projects."""

from itertools import chain, count

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import ConflictError, NotFoundError
from memory_mcp.models.identities import on_one_line
from memory_mcp.storage import layers
from memory_mcp.storage.database import Database, Session

_SHOWN = "p.parent_key IS NULL"  # excludes layers and projects that were folded in or merged
_RECORDS = "(SELECT count(*) FROM documents d WHERE d.project_key = p.key AND d.kind IN ('episode', 'note'))"


class Project(Struct, frozen=True):
    """A project: its name, its number of episodes and notes without layers, and the project around it, if any."""

    key: int
    name: str
    records: int
    inside: str | None = None


def list_projects(session: Session) -> list[Project]:
    """Return every project, the oldest first."""
    rows = session.rows(
        f"SELECT p.key, p.name, {_RECORDS},"
        " (SELECT o.name FROM inner_projects i JOIN projects o ON o.key = i.project_key WHERE i.inner_key = p.key)"
        f" FROM projects p WHERE {_SHOWN} ORDER BY p.key"
    )
    return [Project(*row) for row in rows]


def find_project(session: Session, name: str) -> int | None:
    """Return the key of a project, or None."""
    key = session.value(f"SELECT p.key FROM projects p WHERE p.name = ? AND {_SHOWN}", (name,))
    return None if key is None else int(key)


def get_project(session: Session, name: str) -> int:
    """Return the key of a project.

    Raises:
        NotFoundError: there is none of this name.

    """
    key = find_project(session, name)
    if key is None:
        raise no_project(name)
    return key


def no_project(name: str) -> NotFoundError:
    """Return the error for a name that no project has."""
    return NotFoundError(f"there is no project {name}; 'memory-cli project list' shows all names")


def make_project(session: Session, name: str, beside: str, now: int) -> int:
    """Make a project and return its key; a name that is taken gets `beside` in parentheses, or a number."""
    chosen = free_name(session, name, beside)
    return session.insert("INSERT INTO projects (name, created_at) VALUES (?, ?)", (chosen, now))


def free_name(session: Session, name: str, beside: str) -> str:
    """Return a name that no project has, on one line."""
    plain = on_one_line(name)
    unique = f"{plain} ({on_one_line(beside)})" if beside and beside != name else plain
    candidates = chain((plain, unique), (f"{unique} ({number})" for number in count(2)))
    return next(each for each in candidates if not session.value("SELECT 1 FROM projects WHERE name = ?", (each,)))


def name_of(session: Session, key: int) -> str:
    """Return the name of a project."""
    return str(session.value("SELECT name FROM projects WHERE key = ?", (key,)))


def count_records(session: Session, key: int) -> int:
    """Count the episodes and notes of a project, without those of its layers."""
    return int(session.value(f"SELECT {_RECORDS} FROM projects p WHERE p.key = ?", (key,)))


def rename(session: Session, key: int, name: str) -> None:
    """Give a project another name, and its layers with it.

    Raises:
        ConflictError: another project has it.

    """
    layers_of = session.rows("SELECT key, branch FROM projects WHERE parent_key = ? AND branch IS NOT NULL", (key,))
    named = [(name, key), *((f"{name}@{branch}", layer) for layer, branch in layers_of)]
    for chosen, renamed in named:
        if session.value("SELECT 1 FROM projects WHERE name = ? AND key <> ?", (chosen, renamed)):
            raise ConflictError(f"there is a project {chosen} already; 'memory-cli project merge' makes one of two")
        session.run("UPDATE projects SET name = ? WHERE key = ?", (chosen, renamed))
        _touch(session, renamed)


def merge(session: Session, key: int, target: int) -> int:
    """Move everything of a project into another and return how many records; it then ends like a folded layer.

    What other processes still write to it is moved later, as with a layer.
    """
    moved = layers.move(session, key, target)
    for layer, branch in session.rows("SELECT key, branch FROM projects WHERE parent_key = ?", (key,)):
        moved += _merge_layer(session, layer, branch, target)
    session.run("UPDATE OR IGNORE aliases SET project_key = ? WHERE project_key = ?", (target, key))
    session.run("DELETE FROM aliases WHERE project_key = ?", (key,))
    session.run("UPDATE OR IGNORE trusted_names SET project_key = ? WHERE project_key = ?", (target, key))
    session.run("DELETE FROM trusted_names WHERE project_key = ?", (key,))
    session.run("UPDATE OR IGNORE inner_projects SET project_key = ? WHERE project_key = ?", (target, key))
    session.run("DELETE FROM inner_projects WHERE project_key = :key OR inner_key = :key", {"key": key})
    session.run("DELETE FROM inner_projects WHERE project_key = inner_key")
    session.run("DELETE FROM likenesses WHERE project_key = :key OR like_key = :key", {"key": key})
    ended = free_name(session, f"{name_of(session, key)} (merged {key})", "")
    session.run("UPDATE projects SET name = ?, parent_key = ? WHERE key = ?", (ended, target, key))
    return moved


def _merge_layer(session: Session, layer: int, branch: str | None, target: int) -> int:
    """Move a layer below another project, into the layer that the branch has there, if any."""
    there = session.value("SELECT key FROM projects WHERE parent_key = ? AND branch = ?", (target, branch))
    if there is not None:
        moved = layers.move(session, layer, there)
        ended = free_name(session, f"{name_of(session, layer)} (merged {layer})", "")
        session.run("UPDATE projects SET name = ?, parent_key = ?, branch = NULL WHERE key = ?", (ended, target, layer))
        return moved
    name = f"{name_of(session, target)}@{branch}" if branch else name_of(session, layer)
    chosen = free_name(session, name, "") if branch else name
    session.run("UPDATE projects SET name = ?, parent_key = ? WHERE key = ?", (chosen, target, layer))
    return 0


def _touch(session: Session, key: int) -> None:
    """Raise the revision of a project's records, so that caches read them with its new name."""
    session.run("UPDATE documents SET revision = revision + 1 WHERE project_key = ?", (key,))


def ensure(database: Database, project: str, clock: Clock) -> int:
    """Return the key of a project by its name; one that is not there is made.

    Raises:
        NotFoundError: it is not there, and the file is read-only.

    """
    find = "SELECT key FROM projects WHERE name = ?"
    with database.read() as session:
        key = session.value(find, (project,))
    if key is None and database.is_read_only:
        raise NotFoundError(f"{database.path} is read-only and holds nothing of project {project}")
    if key is None:
        with database.write() as session:
            session.run(
                "INSERT OR IGNORE INTO projects (name, created_at, unclaimed) VALUES (?, ?, 2)", (project, clock.now())
            )
            key = session.value(find, (project,))
    return int(key)
