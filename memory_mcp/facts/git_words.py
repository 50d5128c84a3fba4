"""This module reads what git itself says of the work tree: which files differ, and which a run hands in."""

import re

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.patches import paths_of

_MODIFIED = expression(r"^\s+(?:modified|new file|deleted|renamed|typechange):\s+(?:\S+ -> )?(\S+)$", re.MULTILINE)
_SHORT = expression(r"^ ?[MADRT]{1,2} +(?:\S+ -> )?(\S+)$", re.MULTILINE)
_STAT = expression(r"^ (\S+) +\| +(?:\d+ [+-]+|Bin )", re.MULTILINE)
_TOTAL = expression(r"^ (\d+) files? changed", re.MULTILINE)
_DIFF = expression(r"^diff --git a/\S+ b/(\S+)$", re.MULTILINE)
_HEAD = ("On branch ", "HEAD detached", "Not currently on any branch")
_QUIET = {"--quiet", "-q", "--cached", "--staged", "--exit-code", "--check"}


def different(deed: Deed) -> frozenset[str] | None:
    """Return all tracked files that differ, where a step shows them whole; None where it does not."""
    if len(deed.commands) != 1 or deed.commands[0].program != "git" or deed.failed or deed.timed_out:
        return None
    words = deed.commands[0].words
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if deed.commands[0].written:
        return None
    if verb == "status":
        return _by_status(words, deed.output)
    if verb == "diff" and not _QUIET & set(words):
        return _by_diff(words[words.index("diff") + 1 :], deed.output)
    return None


def _by_status(words: tuple[str, ...], output: str) -> frozenset[str] | None:
    if any(word in {"-s", "--short", "--porcelain"} for word in words):
        return frozenset(_SHORT.findall(output))
    after = words[words.index("status") + 1 :]
    if not output.lstrip().startswith(_HEAD) or any(not word.startswith("-") for word in after):
        return None  # cut, or of some files only
    return frozenset(_MODIFIED.findall(output))


def _by_diff(options: tuple[str, ...], output: str) -> frozenset[str] | None:
    if any(not word.startswith("-") for word in options) or set(options) - {"--stat", "--name-only"}:
        return None
    if "--name-only" in options:
        return frozenset(line for line in output.splitlines() if line and " " not in line)
    if "--stat" in options:
        found, total = _STAT.findall(output), _TOTAL.search(output)
        return frozenset(found) if total and int(total[1]) == len(found) else None
    return frozenset(_DIFF.findall(output)) if output.startswith("diff --git ") else None


def handed_in(command: SimpleCommand) -> tuple[str, ...]:
    """Return the files that a command hands in by name: `git add a.py`, `git commit a.py`, `git diff a.py > patch`."""
    words = command.words
    if command.program != "git" or len(words) < 2:  # noqa: PLR2004 - git and its verb
        return ()
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if verb not in {"add", "diff", "commit"} or (verb == "diff" and not command.written):
        return ()
    after = words[words.index(verb) + 1 :]
    if verb == "commit" and "--" not in after:
        return ()
    return tuple(path for path in paths_of(after) if path != ".")
