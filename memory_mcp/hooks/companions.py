"""This module says which files were changed whenever a file was, so that an agent does not forget one of them."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

_LOOKED_AT = 12  # changes of the file, the newest
_SWEEPING = 8  # files that a change touches; more is a clean-up that ties nothing together
# Of the companions named before each change of click, llm and sqlite-utils that touched at most eight files, 0.79 were
# then changed; with one imagined change instead of two 0.74 or a third less of them, with none 0.71.
_IMAGINED = 2  # further changes in which the other file was not changed
_LEAST_SHARE = 0.75
_MOST = 2


_TEXTS = (".md", ".rst", ".txt", ".lock", ".toml", ".cfg", ".ini", ".yml", ".yaml", ".json", ".css", ".html", ".svg")


class Companion(Struct, frozen=True):
    """A file that was changed in `times` of the newest `of` changes of another one."""

    file: str
    times: int
    of: int


def companions(file: str, changes: Sequence[Sequence[str]]) -> list[Companion]:
    """Return the files that nearly always went with a source; `changes` are sets of files that hold it, newest first.

    That a test goes with what it tests, and a text with what it describes, is no news.
    """
    if not is_source(file):
        return []
    telling = [each for each in changes if len(each) <= _SWEEPING][:_LOOKED_AT]
    counts = Counter(other for each in telling for other in set(each) - {file})
    sure = [
        Companion(other, times, len(telling))
        for other, times in counts.items()
        if times >= _LEAST_SHARE * (len(telling) + _IMAGINED)
    ]
    return sorted(sure, key=lambda each: (-each.times, each.file))[:_MOST]


def is_source(file: str) -> bool:
    """Whether a file is code, and no test."""
    parts = file.lower().split("/")
    is_test = any(part in {"test", "tests", "spec", "specs"} for part in parts[:-1]) or "test" in parts[-1]
    return not is_test and "." in parts[-1] and not parts[-1].endswith(_TEXTS)
