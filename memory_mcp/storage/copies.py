"""This module makes copies of a store while it is in use, checks them, and brings one back."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import apsw
from msgspec import Struct

from memory_mcp.clock import Clock, iso
from memory_mcp.errors import DamagedError, NotAStoreError, NotFoundError, StoreError
from memory_mcp.storage.connecting import APPLICATION_ID
from memory_mcp.storage.database import Database
from memory_mcp.storage.migrations import migrate

Origin = Literal["backup", "before migration", "before restore"]
_BEFORE = re.compile(r"\.before-\d+-(\d+)$")
_CHUNK = 1 << 20
_RESTORE_PATIENCE_S = 10.0


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
    part = target.with_suffix(".part")
    try:
        database.backup_to(part)
        digest = _digest(part)
        target.with_suffix(".db.sha256").write_text(f"{digest}  {target.name}\n", encoding="ascii")
        target.with_suffix(".db.sha256").chmod(0o600)
        part.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return _described(target, origin, None)


def list_copies(store: Path, directory: Path) -> list[Copy]:
    """Return the copies of a store, newest first: backups, and what was kept before migrations and restores."""
    found = [
        _described(path, "before restore" if path.name.startswith("before-restore") else "backup", None)
        for path in directory.glob("*.db")
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
    if path.is_file():
        return _described(path, "backup", None)
    raise NotFoundError(f"there is no copy {name}; 'memory-cli backup list' shows those there are")


def verify(copy: Copy) -> Verified:
    """Check a copy: its checksum where one was kept, that it is a store, its structure."""
    faults = []
    schema = None
    if copy.sha256 is not None and _digest(Path(copy.path)) != copy.sha256:
        faults.append("it does not match its checksum")
    try:
        connection = apsw.Connection(f"{Path(copy.path).absolute().as_uri()}?immutable=1", flags=_READING)
        try:
            if connection.pragma("application_id") != APPLICATION_ID:
                faults.append("it is no store of memory-mcp")
            schema = int(connection.pragma("user_version"))
            rows = connection.execute("PRAGMA integrity_check(5)").fetchall()
            faults += [str(row[0]) for row in rows if row[0] != "ok"]
        finally:
            connection.close()
    except apsw.Error as error:
        faults.append(f"it cannot be read: {error}")
    return Verified(copy.path, schema, tuple(faults))


def restore(
    store: Path, copy: Copy, directory: Path, clock: Clock, progress: Callable[[int, int], None]
) -> Copy | None:
    """Make a store what a copy holds, also while others have it open; return the copy of what was there before.

    None where there was nothing that could be copied. An older copy is brought to the newest schema first.

    Raises:
        DamagedError: the copy is not what was written.
        NewerSchemaError: it is of a newer version.
        StoreError: the store could not be written; what was there is still there.

    """
    found = verify(copy)
    if found.faults:
        raise DamagedError(f"{copy.path} is no good: {'; '.join(found.faults)}; nothing was changed")
    before = _kept(store, directory, clock)
    scratch = directory / f".restoring-{os.getpid()}.db"
    try:
        _write_private(scratch, Path(copy.path))
        prepared = Database(scratch, busy_timeout_s=_RESTORE_PATIENCE_S)
        try:
            migrate(prepared, clock)
        finally:
            prepared.close()
        _overwrite(store, scratch, progress)
    finally:
        for each in directory.glob(f"{scratch.name}*"):
            each.unlink(missing_ok=True)
    return before


_READING = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def _kept(store: Path, directory: Path, clock: Clock) -> Copy | None:
    """Copy what is there before it is replaced; a file that cannot be read is set aside as it is."""
    if not store.exists() or not store.stat().st_size:
        return None
    try:
        database = Database(store, busy_timeout_s=_RESTORE_PATIENCE_S)
        try:
            return create(database, directory, clock, "before restore")
        finally:
            database.close()
    except (DamagedError, NotAStoreError):
        aside = store.with_name(f"{store.name}.damaged-{clock.now()}")
        store.rename(aside)
        for suffix in ("-wal", "-shm"):
            side = store.with_name(store.name + suffix)
            if side.exists():
                side.rename(aside.with_name(aside.name + suffix))
        return None


def _overwrite(store: Path, source: Path, progress: Callable[[int, int], None]) -> None:
    """Write the pages of one database into another in one transaction, so that who has it open sees all or nothing."""
    database = Database(store, busy_timeout_s=_RESTORE_PATIENCE_S)
    try:
        database.restore_from(source, progress)
    finally:
        database.close()


def _write_private(target: Path, source: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as stream, os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
        while chunk := stream.read(_CHUNK):
            out.write(chunk)


def _described(path: Path, origin: Origin, made_at: int | None) -> Copy:
    stat = path.stat()
    beside = path.with_suffix(".db.sha256")
    digest = beside.read_text(encoding="ascii").split()[0] if origin != "before migration" and beside.exists() else None
    return Copy(str(path), origin, made_at if made_at is not None else stat.st_mtime_ns // 1_000, stat.st_size, digest)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
