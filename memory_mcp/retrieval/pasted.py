"""This module finds the lines of a prompt that were pasted from a log or a patch, which nobody asks by."""

from memory_mcp.expressions import expression

_LOGGED = expression(
    r"\W*(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d\b|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING)\b[\]:|\s]|(?:level|ts|time|msg)=\S|(?:\d{1,3}\.){3}\d{1,3} - )"
)
_PATCH_HEAD = expression(r"diff --git |index [0-9a-f]{7,}\.\.|@@ -\d|--- (?:a/|/dev/null)|\+\+\+ (?:b/|/dev/null)")


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
