"""This module counts events that got no word, in a file: a commit for each would cost the agent more than the count."""

import contextlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_LARGEST = 1 << 20  # bytes; what comes after is not counted until a booking empties the file
_FIELDS = 4


class SilenceFile:
    """One line per event: project, day, door, moment. A booking takes its project's lines into the ledger."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, project_key: int, day: int, door: str, moment: str) -> None:
        """Append a line; a file that cannot be written counts nothing."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            file = os.open(self._path, flags, 0o600)
            try:
                if os.fstat(file).st_size < _LARGEST:
                    os.write(file, f"{project_key} {day} {door} {moment}\n".encode())
            finally:
                os.close(file)

    @contextlib.contextmanager
    def taken(self, project_key: int) -> Iterator[dict[tuple[int, str, str], int]]:
        """Take a project's lines out of the file while they are booked; an error puts them back."""
        lines = self._take()
        own = [line for line in lines if line[0] == str(project_key)]
        try:
            yield dict(Counter((int(day), door, moment) for _, day, door, moment in own if day.isdecimal()))
        except BaseException:
            self._put(lines)
            raise
        self._put([line for line in lines if line[0] != str(project_key)])

    def _take(self) -> list[list[str]]:
        """Move the file away and read it, so that two processes never count one line twice."""
        own = self._path.with_name(f"{self._path.stem}.{os.getpid()}.taken")
        try:
            if not stat.S_ISREG(self._path.lstat().st_mode):
                return []
            self._path.rename(own)
            text = own.read_bytes()[:_LARGEST].decode("ascii", "replace")
            own.unlink()
        except OSError:
            return []
        return [fields for line in text.splitlines() if len(fields := line.split()) == _FIELDS]

    def _put(self, lines: list[list[str]]) -> None:
        for project_key, day, door, moment in lines:
            if project_key.isdecimal() and day.isdecimal():
                self.add(int(project_key), int(day), door, moment)
