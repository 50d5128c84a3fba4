"""This module brings the paths of an episode to one form: relative to the root of its project."""

from collections import Counter
from collections.abc import Iterable, Sequence

from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed

_PATH = expression(
    r"(?<![\w@%:.~$*+-])(?<!\w/)(?:\.{1,2}/|/)?(?:[\w@+-][\w.@+-]*/)+[\w@+-][\w.@+-]*\.[A-Za-z][A-Za-z0-9]{0,4}\b"
    r"|(?<![\w@%:.~$*/+-])[\w+-]+\.(?:py|pyx|js|jsx|ts|tsx|mjs|go|rs|java|kt|rb|php|c|h|cc|cpp|hpp|cs|swift|scala)\b"
    r"(?!\.\w)(?!\()"
)
_SOURCES = [
    ".py",
    ".pyx",
    ".pxd",
    ".js",
    ".jsx",
    ".ts",
    ".tsx",
    ".mjs",
    ".vue",
    ".go",
    ".rs",
    ".java",
    ".kt",
    ".rb",
    ".php",
    ".c",
    ".h",
    ".cc",
    ".cpp",
    ".hpp",
    ".cs",
    ".swift",
    ".scala",
    ".sql",
    ".sh",
    ".ex",
    ".exs",
    ".erl",
    ".clj",
    ".hs",
    ".ml",
    ".lua",
    ".dart",
    ".r",
    ".jl",
    ".m",
    ".pl",
    ".css",
    ".scss",
    ".html",
]
_OUTSIDE = ("site-packages/", "dist-packages/", "node_modules/", "miniconda", ".git/", "__pycache__/", "/lib/python")
_LONGEST = 200


def paths_in(text: str) -> list[str]:
    """Return the file paths that a text names, as they stand there."""
    return [path for path in _PATH.findall(text) if len(path) <= _LONGEST]


def root_of(deeds: Sequence[Deed]) -> str:
    """Return the absolute directory in which the project lies, empty where nothing shows it.

    It is what an absolute path has before a relative one that the same episode named, or where most commands ran.
    """
    texts = [f"{deed.text}\n{deed.output}" for deed in deeds]
    named = {path for text in texts for path in paths_in(text)}
    relative = {path.removeprefix("./") for path in named if not path.startswith(("/", ".."))}
    votes: Counter[str] = Counter(deed.directory for deed in deeds if deed.directory.startswith("/"))
    for path in named:
        if path.startswith("/"):
            parts = path.split("/")
            votes.update("/".join(parts[:at]) for at in range(2, len(parts)) if "/".join(parts[at:]) in relative)
    for place in [each for each in votes if is_outside(each + "/") or each.startswith("/tmp")]:  # noqa: S108
        del votes[place]
    return votes.most_common(1)[0][0] if votes else ""


def relative(path: str, root: str, directory: str = "") -> str:
    """Return a path relative to the project's root, empty for one that lies outside."""
    if path.startswith("/"):
        if not root or not path.startswith(f"{root}/"):
            return ""
        path = path[len(root) + 1 :]
    elif directory and directory != root:
        inside = directory.removeprefix(f"{root}/") if root else directory
        if root and inside.startswith(("/", "~")):
            return ""
        path = f"{inside}/{path.removeprefix('./')}" if not inside.startswith(("/", "~")) else path
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == "..":
            return ""
        elif part not in {".", ""}:
            parts.append(part)
    path = "/".join(parts)
    return "" if is_outside(path) or not path else path


def is_outside(path: str) -> bool:
    """Whether a path lies in what others installed, or in git's own directory."""
    return any(part in path for part in _OUTSIDE)


def is_code(path: str) -> bool:
    """Whether a path ends as sources do."""
    return path.endswith(tuple(_SOURCES))


_TEST_PARTS = {"test", "tests", "testing", "spec", "specs", "__tests__", "e2e"}
_BESIDE_PARTS = {"doc", "docs", "examples", "example", "benchmarks", "build", "dist", "tutorials", "gallery"}


def is_test(path: str) -> bool:
    """Whether a path is that of a test."""
    *folders, name = path.split("/")
    stem = name.split(".")[0]
    return (
        stem.startswith(("test_", "unittest_"))
        or stem.endswith(("_test", "_spec"))
        or ".test." in name
        or ".spec." in name
        or stem in {"conftest", "tests"}
        or any(folder in _TEST_PARTS for folder in folders)
    )


def is_beside(path: str) -> bool:
    """Whether a path lies beside the product: documentation, examples, benchmarks, what was built."""
    return any(folder in _BESIDE_PARTS for folder in path.split("/")[:-1])


def sources_among(paths: Iterable[str]) -> list[str]:
    """Return the paths that are sources of the product."""
    return [path for path in paths if is_code(path) and not is_test(path) and not is_beside(path)]
