"""This module says which files of the hot cache may be trusted, and removes the others."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.storage.file_lock import FileLock

_FORMAT = 2  # raise it when the meaning of the written data changes
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_LOCK = "writer.lock"  # the only file that is never removed: it is what keeps writers apart
_REMOVED = ("data.mdb", "lock.mdb", "stamp")


class Stamp(Struct, frozen=True):
    """What the files were made for; made for anything else they are removed, never read."""

    format: int
    boot: str
    store: tuple[int, int]


class CacheFiles:
    """The files of one cache in one directory, for its owner only.

    What is not synced may be torn by a crash of the machine, so the stamp names the boot. Where the system does not
    name its boots, commits are synced instead, and LMDB's own order of writing protects them.
    """

    def __init__(self, directory: Path, store: Path) -> None:
        self.directory = directory
        self.know_the_boot = _BOOT.exists()
        self._store = store
        self._data = directory / "data.mdb"
        self._seen: os.stat_result | None = None

    def lock(self) -> FileLock:
        """Make the directory, and open the lock that writers take.

        Raises:
            OSError: it cannot be made.

        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(self.directory / _LOCK)

    def data_bytes(self) -> int:
        """Return the size of the data, 0 where there is none."""
        try:
            return self._data.stat().st_size
        except OSError:
            return 0

    def obstacle(self) -> str | None:
        """Return what keeps the files from being made, None if nothing does."""
        place = next(each for each in (self.directory, *self.directory.parents) if each.exists())
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return None
        return f"{place} is no directory that can be written"

    def remember(self) -> None:
        """Note which file it is that was opened just now."""
        self._seen = self._data.stat()

    def are_replaced(self) -> bool:
        """Whether another file, or none, lies where the remembered one lay."""
        try:
            return self._seen is None or not os.path.samestat(self._data.stat(), self._seen)
        except OSError:
            return True

    def distrust(self) -> str | None:
        """Return why the files that are there must not be used, None if nothing speaks against them."""
        if not self._data.exists():
            return None
        stamp = self.directory / "stamp"
        if not stamp.exists() or not (self.directory / "lock.mdb").exists():
            return "some of its files were removed"
        try:
            old, new = msgspec.json.decode(stamp.read_bytes(), type=Stamp), self._expected()
        except msgspec.DecodeError:
            return "its stamp could not be read"
        if old.format != new.format:
            return f"it had format {old.format}"
        if old.boot != new.boot:
            return "the machine was started anew"
        return None if old == new else "it was made for another store"

    def stamp(self) -> None:
        """Write what the files are good for."""
        descriptor = os.open(self.directory / "stamp", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self._expected()))

    def remove(self) -> bool:
        """Remove all but the lock; say whether there was anything."""
        had = self._data.exists()
        for name in _REMOVED:
            (self.directory / name).unlink(missing_ok=True)
        return had

    def _expected(self) -> Stamp:
        boot = _BOOT.read_text(encoding="ascii").strip() if self.know_the_boot else "synced"
        store = self._store.stat()
        return Stamp(_FORMAT, boot, (store.st_dev, store.st_ino))
