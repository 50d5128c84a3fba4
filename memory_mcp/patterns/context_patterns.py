"""This module extracts context patterns: where an episode worked, which other files and checks that took."""

from collections import Counter
from pathlib import PurePosixPath

from memory_mcp.models.patterns import Approach, ContextPattern, Finding
from memory_mcp.patterns.observations import Observation

_MOST_PLACES = 3
_MOST_COMPANIONS = 12
_BESIDE = ("test", "tests", "docs", "doc", "spec", "specs", ".github")
_TEXTS = {".md", ".rst", ".txt", ".lock", ".toml", ".cfg", ".ini", ".yml", ".yaml", ".json", ".css", ".html"}


def context_patterns(seen: Observation) -> list[Finding]:
    """Return the main files that an episode changed, each with the other changed files and the checks that passed.

    An episode that changed one file and checked nothing has no approach to tell.
    """
    if seen.share is None:
        return []
    changed: Counter[str] = Counter()
    scratch = {file for action in seen.actions if action.shape.startswith("rm ") for file in action.files}
    for at, action in enumerate(seen.actions):
        if action.kind == "edit" and not seen.episode.steps[at].failed:
            parameters = seen.episode.steps[at].parameters
            weight = sum(value for name in ("added", "removed") if isinstance(value := parameters.get(name), int))
            changed.update(dict.fromkeys(set(action.files) - scratch, 1 + weight))
    checks = tuple(
        dict.fromkeys(
            action.text
            for at, action in enumerate(seen.actions)
            if action.kind in {"test", "build"} and not seen.episode.steps[at].failed
        )
    )
    context = seen.episode.context
    found = []
    for file in _main_files(changed):
        companions = tuple(sorted(other for other in changed if other != file))[:_MOST_COMPANIONS]
        if companions or checks:
            place = ContextPattern(file, seen.episode.task_type, context.domain, context.language, context.framework)
            found.append(Finding(place, (seen.evidence(Approach(companions, checks[:3]), seen.share),)))
    return found


def _main_files(changed: Counter[str]) -> list[str]:
    """Return the most changed sources; tests and texts go with them and lead only where nothing else changed."""
    sources = {file: count for file, count in changed.items() if not _is_beside(file)} or changed
    return sorted(sources, key=lambda file: (-sources[file], file))[:_MOST_PLACES]


def _is_beside(file: str) -> bool:
    path = PurePosixPath(file)
    is_test = path.stem.startswith("test_") or path.stem.endswith(("_test", ".test", ".spec"))
    return is_test or path.suffix.lower() in _TEXTS or any(part in _BESIDE for part in path.parts[:-1])
