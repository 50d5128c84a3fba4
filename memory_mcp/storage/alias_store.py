"""This module stores the aliases of projects: paths, roots and remotes by which their directories are known."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from memory_mcp.models.identities import AliasKind, Evidence, Known, Stamp
from memory_mcp.storage import documents
from memory_mcp.storage.database import Session

_MOST_COMMITS = 50


class Owner(Struct, frozen=True):
    """The project that owns a path, and the stamp of the directory when it was last seen."""

    key: int
    name: str
    stamp: Stamp = Stamp()


class Unclaimed(Struct, frozen=True):
    """A project that no directory owns; `is_old` if it is from before there were aliases."""

    key: int
    name: str
    is_old: bool


class Alias(Struct, frozen=True):
    """Something that a project is known by."""

    kind: AliasKind
    value: str
    seen_at: int


class Likeness(Struct, frozen=True):
    """The project that another one looks like, and whether an agent was told."""

    name: str
    is_told: bool


def has_aliases(session: Session) -> bool:
    """Whether the file has a table of aliases; a read-only file of an earlier schema has none."""
    return bool(session.value("SELECT 1 FROM sqlite_schema WHERE name = 'aliases'"))


def find_owner(session: Session, path: str) -> Owner | None:
    """Return the project that owns a path, or None."""
    row = session.row(
        "SELECT p.key, p.name, a.stamp FROM aliases a JOIN projects p ON p.key = a.project_key"
        " WHERE a.kind = 'path' AND a.value = ?",
        (path,),
    )
    return Owner(row[0], row[1], Stamp.parse(row[2])) if row else None


def known(session: Session, evidence: Evidence, gone: Collection[str], adoptable: Collection[int]) -> list[Known]:
    """Return every project that shares evidence with a directory; `gone` are paths that no longer exist."""
    keys = {
        int(row[0])
        for row in session.rows(
            "SELECT project_key FROM aliases WHERE kind = 'path' AND value = :path OR kind = 'root' AND value = :root"
            " OR kind = 'remote' AND value IN (SELECT value FROM json_each(:remotes))",
            {"path": evidence.path, "root": evidence.root, "remotes": documents.texts_json(evidence.remotes)},
        )
    }
    return [_known(session, key, evidence.path, gone) for key in sorted(keys)] + [
        Known(each.key, each.name, is_adoptable=each.key in adoptable) for each in unclaimed(session, evidence.names)
    ]


def _known(session: Session, key: int, path: str, gone: Collection[str]) -> Known:
    name = str(session.value("SELECT name FROM projects WHERE key = ?", (key,)))
    rows = session.rows("SELECT kind, value, stamp FROM aliases WHERE project_key = ?", (key,))
    here = next((Stamp.parse(stamp) for kind, value, stamp in rows if (kind, value) == ("path", path)), None)
    return Known(
        *(key, name),
        roots=frozenset(value for kind, value, _ in rows if kind == "root"),
        remotes=frozenset(value for kind, value, _ in rows if kind == "remote"),
        here=here,
        is_gone=all(value in gone for kind, value, _ in rows if kind == "path"),
    )


def paths_with_root(session: Session, root: str) -> list[str]:
    """Return the paths of all projects that have this root."""
    rows = session.rows(
        "SELECT p.value FROM aliases r JOIN aliases p ON p.project_key = r.project_key AND p.kind = 'path'"
        " WHERE r.kind = 'root' AND r.value = ?",
        (root,),
    )
    return [str(row[0]) for row in rows]


def unclaimed(session: Session, names: Iterable[str]) -> list[Unclaimed]:
    """Return the projects with one of these names that no directory owns."""
    state = "unclaimed" if has_aliases(session) else "1"
    rows = session.rows(
        f"SELECT key, name, {state} FROM projects WHERE name IN (SELECT value FROM json_each(?)) AND {state}",
        (documents.texts_json(names),),
    )
    return [Unclaimed(key, name, state == 1) for key, name, state in rows]


def commits_of(session: Session, key: int) -> list[str]:
    """Return the commits named in a project's records, newest first."""
    if not session.value("SELECT 1 FROM sqlite_schema WHERE name = 'snapshots'"):
        return []  # a file before schema 3 that has not been migrated
    rows = session.rows(
        "SELECT head, taken_at AS at FROM snapshots JOIN documents d ON d.key = episode_key"
        " WHERE d.project_key = :key AND head <> ''"
        " UNION SELECT source_id, created_at FROM documents WHERE project_key = :key AND source_kind = 'git'"
        " ORDER BY at DESC LIMIT :most",
        {"key": key, "most": _MOST_COMMITS},
    )
    return [str(row[0]) for row in rows]


def record(session: Session, key: int, evidence: Evidence, apart: Collection[str], now: int) -> None:
    """Store a directory's evidence as a project's aliases, except remotes that stay with other projects (`apart`)."""
    before = find_owner(session, evidence.path)
    if before is None or before.key != key or evidence.stamp.content:
        session.run("DELETE FROM aliases WHERE kind = 'path' AND value = ?", (evidence.path,))
        _own(session, key, "path", evidence.path, now, str(evidence.stamp))
    session.run("UPDATE projects SET unclaimed = 0 WHERE key = ? AND unclaimed", (key,))
    if evidence.root:
        _own(session, key, "root", evidence.root, now)
    for remote in evidence.remotes:
        if remote not in apart:
            _own(session, key, "remote", remote, now)


def disown(session: Session, key: int, evidence: Evidence) -> None:
    """Remove a directory's root and remotes from a project that has no other directory."""
    if not session.value("SELECT 1 FROM aliases WHERE project_key = ? AND kind = 'path'", (key,)):
        session.run(
            "DELETE FROM aliases WHERE project_key = :key AND (kind = 'root' AND value = :root"
            " OR kind = 'remote' AND value IN (SELECT value FROM json_each(:remotes)))",
            {"key": key, "root": evidence.root, "remotes": documents.texts_json(evidence.remotes)},
        )


def _own(session: Session, key: int, kind: AliasKind, value: str, now: int, stamp: str = "") -> None:
    session.run(
        "INSERT INTO aliases (project_key, kind, value, stamp, seen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, value, project_key) DO UPDATE SET stamp = excluded.stamp, seen_at = excluded.seen_at",
        (key, kind, value, stamp, now),
    )


def list_aliases(session: Session, key: int) -> list[Alias]:
    """Return what a project owns: its paths, roots and remotes."""
    rows = session.rows(
        "SELECT kind, value, seen_at FROM aliases WHERE project_key = ? ORDER BY kind, seen_at DESC, value", (key,)
    )
    return [Alias(*row) for row in rows]


def find_inner(session: Session, key: int, name: str) -> Owner | None:
    """Return the project of a name inside another project, or None."""
    row = session.row(
        "SELECT p.key, p.name FROM inner_projects i JOIN projects p ON p.key = i.inner_key"
        " WHERE i.project_key = ? AND i.name = ?",
        (key, name),
    )
    return Owner(*row) if row else None


def find_outer(session: Session, key: int) -> tuple[Owner, str] | None:
    """Return the project around an inner project and the inner name, or None."""
    row = session.row(
        "SELECT p.key, p.name, i.name FROM inner_projects i JOIN projects p ON p.key = i.project_key"
        " WHERE i.inner_key = ?",
        (key,),
    )
    return (Owner(row[0], row[1]), str(row[2])) if row else None


def add_inner(session: Session, key: int, name: str, inner_key: int) -> None:
    """Store a project as the inner project of a name."""
    session.run("INSERT INTO inner_projects (project_key, name, inner_key) VALUES (?, ?, ?)", (key, name, inner_key))


def is_trusted(session: Session, key: int, directory: str, name: str) -> bool:
    """Whether the user trusts this name in the file of a directory."""
    return bool(
        session.value(
            "SELECT 1 FROM trusted_names WHERE project_key = ? AND directory = ? AND name = ?", (key, directory, name)
        )
    )


def trust(session: Session, key: int, directory: str, name: str, now: int) -> None:
    """Trust a name in the file of a directory, in place of the name trusted before."""
    session.run(
        "INSERT OR REPLACE INTO trusted_names (project_key, directory, name, trusted_at) VALUES (?, ?, ?, ?)",
        (key, directory, name, now),
    )


def set_likeness(session: Session, key: int, like_key: int | None) -> None:
    """Store which project this one looks like, or None for no likeness."""
    session.run("DELETE FROM likenesses WHERE project_key = ?", (key,))
    if like_key is not None and like_key != key:
        session.run("INSERT INTO likenesses (project_key, like_key) VALUES (?, ?)", (key, like_key))


def find_likeness(session: Session, key: int) -> Likeness | None:
    """Return the project that this one looks like, or None."""
    row = session.row(
        "SELECT p.name, l.told_at IS NOT NULL FROM likenesses l JOIN projects p ON p.key = l.like_key"
        " WHERE l.project_key = ?",
        (key,),
    )
    return Likeness(row[0], bool(row[1])) if row else None


def tell_likeness(session: Session, key: int, now: int) -> None:
    """Record that an agent was told of the likeness."""
    session.run("UPDATE likenesses SET told_at = ? WHERE project_key = ?", (now, key))
