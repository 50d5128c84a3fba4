"""This module finds what was pasted into a prompt from a log, a patch or a merge, and which nobody asks by."""

import re

from memory_mcp.expressions import expression

_LOGGED = expression(
    r"\W*(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d\b|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING)\b[\]:|\s]|(?:level|ts|time|msg)=\S|(?:\d{1,3}\.){3}\d{1,3} - )"
)
_PATCH_HEAD = expression(r"diff --git |index [0-9a-f]{7,}\.\.|@@ -\d|--- (?:a/|/dev/null)|\+\+\+ (?:b/|/dev/null)")
# "Merge pull request #12 from owner/branch": a forge writes all of it but the branch, which tells what was merged.
_FORGE = expression(
    r"^Merge (?:pull request #\d+ from [\w.-]+/|(?:remote-tracking )?branch(?:es)? (?=['\"]))"
    r"|(?<=['\"]) into '?(?:main|master)'?$",
    re.MULTILINE,
)


def without_forge(text: str) -> str:
    """Return a text without the words that a forge writes into the subject of every merge."""
    return _FORGE.sub("", text) if "Merge " in text else text


def cut(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines that were written, and those of logs and patches apart, without the heads of a patch."""
    written: list[str] = []
    pasted: list[str] = []
    in_patch = False
    for line in lines:
        if _PATCH_HEAD.match(line):
            in_patch = True
        elif in_patch and line[:1] in {"+", "-", " "}:
            pasted.append(line[1:])
        else:
            in_patch = False
            (pasted if _LOGGED.match(line) else written).append(line)
    return written, pasted
