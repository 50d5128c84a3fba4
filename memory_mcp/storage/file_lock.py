"""This module locks a file between processes, and knows whether the last holder died in the middle of something."""

import os
import sys
import threading
import time
from pathlib import Path

_TRY_AGAIN_S = 0.002


class FileLock:
    """An exclusive lock that the system frees when its process dies; one holder at a time, threads included."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        self._mine = threading.Lock()

    def acquire(self, patience_s: float) -> bool:
        """Take the lock, or return False when others held it all the time."""
        deadline = time.monotonic() + patience_s
        if not self._mine.acquire(timeout=max(patience_s, 0.0)):
            return False
        while not _try_lock(self._descriptor):
            if time.monotonic() >= deadline:
                self._mine.release()
                return False
            time.sleep(_TRY_AGAIN_S)
        return True

    def release(self) -> None:
        """Give the lock back."""
        _unlock(self._descriptor)
        self._mine.release()

    def begin(self) -> bool:
        """Mark the file while something delicate is under way; say whether a holder before died in the middle."""
        died = os.fstat(self._descriptor).st_size > 0
        if not died:
            os.write(self._descriptor, b"!")
        return died

    def end(self) -> None:
        """Take the mark away."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def is_replaced(self) -> bool:
        """Whether another file, or none, lies at the path by now."""
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self._descriptor))
        except OSError:
            return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # the locked byte lies behind all content, since Windows forbids reading locked bytes

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
