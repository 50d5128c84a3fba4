"""This module makes copies of a store while it is in use, lists them, and checks them."""

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Literal

import apsw
from msgspec import Struct

from memory_mcp.clock import Clock, iso
from memory_mcp.errors import NotFoundError, StoreError
from memory_mcp.storage.connecting import APPLICATION_ID
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.leftovers import clear, unfinished
from memory_mcp.storage.migrations import MIGRATIONS, statements
from memory_mcp.storage.open_file import immutable_uri
from memory_mcp.storage.recognition import difference, odd_header

Origin = Literal["backup", "before migration", "before restore"]
_BEFORE = re.compile(r"\.before-\d+-(\d+)$")
_CHUNK = 1 << 20
_HEADER_BYTES = 100
_READING = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


class Copy(Struct, frozen=True):
    """A copy of a store: when it was made, why, and its SHA-256 where one was kept; `made_at` is microseconds UTC."""

    path: str
    origin: Origin
    made_at: int
    size_bytes: int
    sha256: str | None


class Verified(Struct, frozen=True):
    """What checking a copy found; no fault means that it can be restored."""

    path: str
    schema: int | None
    faults: tuple[str, ...]


def create(database: Database, directory: Path, clock: Clock, origin: Origin = "backup") -> Copy:
    """Copy a store, consistent although others write meanwhile, with its checksum beside it.

    Raises:
        StoreError: there is no room, or the directory cannot be written.

    """
    stamp = iso(clock.now()).replace("-", "").replace(":", "")
    prefix = "memory" if origin == "backup" else origin.replace(" ", "-")
    target = directory / f"{prefix}-{stamp}-{clock.now() % 1_000_000:06d}.db"
    clear(directory)
    with unfinished(directory) as part:
        database.backup_to(part)
        try:
            beside = target.with_suffix(".db.sha256")
            beside.write_text(f"{digest_of(part)}  {target.name}\n", encoding="ascii")
            beside.chmod(0o600)
            part.replace(target)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}") from error
    return _described(target, origin, None)


def list_copies(store: Path, directory: Path) -> list[Copy]:
    """Return the copies of a store, newest first: backups, and what was kept before migrations and restores."""
    found = [
        _described(path, "before restore" if path.name.startswith("before-restore") else "backup", None)
        for path in directory.glob("*.db")
        if not path.name.startswith(".")
    ]
    found += [
        _described(path, "before migration", int(made[1]))
        for path in store.parent.glob(f"{store.name}.before-*")
        if (made := _BEFORE.search(path.name))
    ]
    return sorted(found, key=lambda copy: (-copy.made_at, copy.path))


def find(name: str, store: Path, directory: Path) -> Copy:
    """Return a copy by its path or the name of its file.

    Raises:
        NotFoundError: there is no such copy.

    """
    for copy in list_copies(store, directory):
        if name in {copy.path, Path(copy.path).name, Path(copy.path).stem}:
            return copy
    path = Path(name)
    with suppress(OSError):  # an impossible file name
        if path.is_file():
            return _described(path, "backup", None)
    raise NotFoundError(f"there is no copy {name}; 'memory-cli backup list' shows those there are")


def verify(copy: Copy) -> Verified:
    """Check a copy: its checksum, if one was kept, its schema, which must be exactly ours, and its structure."""
    path = Path(copy.path)
    faults: list[str] = []
    schema = None
    try:
        if copy.sha256 is not None and digest_of(path) != copy.sha256:
            faults.append("it does not match its checksum")
        with path.open("rb") as stream:
            odd = odd_header(stream.read(_HEADER_BYTES))
        if has_log(path):
            odd = "a write-ahead log lies beside it, so it is in use or was not closed; copy it with 'backup create'"
        if odd:
            return Verified(copy.path, None, (*faults, odd))
        connection = apsw.Connection(immutable_uri(path), flags=_READING)
        try:
            connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
            schema = int(connection.pragma("user_version"))
            faults += _odd_content(Session(connection), schema)
        finally:
            connection.close()
    except OSError as error:
        faults.append(f"it cannot be read: {error.strerror}")
    except apsw.Error as error:
        faults.append(f"it cannot be read: {error}")
    return Verified(copy.path, schema, tuple(faults))


def _odd_content(session: Session, schema: int) -> list[str]:
    """Return the faults inside a copy; its pages are checked only if its schema is ours."""
    if session.value("PRAGMA application_id") != APPLICATION_ID:
        return ["it is no store of memory-mcp"]
    if schema > MIGRATIONS[-1].number:
        return []  # of a newer version, whose schema is unknown here
    odd = difference(session, statements(schema))
    if odd:
        return [f"it does not match schema {schema}: {odd}"]
    rows = session.rows("PRAGMA integrity_check(5)")
    return [str(row[0]) for row in rows if row[0] != "ok"]


def has_log(path: Path) -> bool:
    """Whether a write-ahead log or journal, part of the data, lies beside a database."""
    sides = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    return any(side.exists() and side.stat().st_size for side in sides)


def _described(path: Path, origin: Origin, made_at: int | None) -> Copy:
    stat = path.stat()
    beside = path.with_suffix(".db.sha256")
    digest = None
    if origin != "before migration" and beside.is_file():
        digest = beside.read_text(encoding="ascii", errors="replace").partition(" ")[0].strip()
    return Copy(str(path), origin, made_at if made_at is not None else stat.st_mtime_ns // 1_000, stat.st_size, digest)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
