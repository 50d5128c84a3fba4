"""This module derives what a fresh environment of a project lacks, what brings it, and which installs go wrong."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group, Support, commonest, fact, said, support, tasks
from memory_mcp.facts.environment import TIMED_OUT
from memory_mcp.facts.joining import joined
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Missing, Refused, Surveyed, Trouble

_OWN_PART = expression(r"^(?:src/|lib/)?([A-Za-z_]\w*)/")
_NAMED_MODULE = expression(r"(?:from '|module ')([A-Za-z_][\w.]*)'")
_NO_PACKAGE = expression(r"(?:No matching distribution found for|satisfies the requirement) ([\w.-]+)")
_VERSION = expression(r"[<>=!~\[;]")
_SYMBOLS = expression(r"[^a-z0-9]")
_SHORT = 2
_PLAIN_PACKAGE = expression(r"^pip install [\w.-]+$")
_SETTLED = 2  # tasks in a row that ran without installing anything: what was missing before is there now
_LEAST_RUNS = 2
_MOST_NAMED = 4
_OWN_SHARE = 0.2  # of the files seen, from which a folder is the project's own package


def setup_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return what is missing in a fresh environment, the most frequent first."""
    current = _unsettled(groups)
    counts = commonest(current, lambda each: (missing.name for missing in each.survey.missing))
    own = own_packages(groups)
    found = [each for name in counts if (each := _missing_fact(current, name, own)) is not None]
    ordered = sorted(found, key=lambda each: (-each.support, -len(each.episodes), each.subject))
    return joined(ordered, _installed(groups))


def install_traps(groups: Sequence[Group]) -> list[Fact]:
    """Return the installs that failed, and those after which something else broke."""
    own = own_packages(groups)
    return [*_refusals(groups), *_troubles(groups, own)]


def _installed(groups: Sequence[Group]) -> set[str]:
    """Return the names of the packages that runs installed by name."""
    lines = [line.split() for group in groups for each in group.members for line in each.survey.installs]
    words = [word for line in lines if line[:2] == ["pip", "install"] for word in line[2:]]
    return {_VERSION.split(word.strip("\"'"))[0] for word in words if not word.startswith("-")}


def _unsettled(groups: Sequence[Group]) -> list[Group]:
    """Return the tasks since the environment was last seen to be complete, all where it never was for long."""
    ordered = sorted(groups, key=lambda group: group.last_seen)
    in_a_row, start = 0, 0
    for at, group in enumerate(ordered):
        latest = group.members[-1].survey
        if latest.missing:
            in_a_row = 0
        elif any(each.survey.ready for each in group.members):
            in_a_row += 1
            if in_a_row >= _SETTLED:
                start = at + 1
    return ordered[start:]


def _missing_fact(groups: Sequence[Group], name: str, own: set[str]) -> Fact | None:
    counted = support(groups, lambda each: _missed(each, name) is not None, lambda each: each.survey.ran_code)
    cures = commonest(
        groups, lambda each: [_narrowed(miss.cure, name) for miss in [_missed(each, name)] if miss and miss.cure]
    )
    tried = commonest(groups, lambda each: miss.failed if (miss := _missed(each, name)) else ())
    if not cures and ("." in name or (not tried and counted.tasks < _LEAST_RUNS)):
        return None
    is_program = all(
        miss.kind == "program" for group in groups for each in group.members if (miss := _missed(each, name))
    )
    cure = _best(groups, cures)
    if name in own and cure:
        text = f"The project itself (`{name}`) is not installed in a fresh environment ({said(counted)})"
    else:
        text = f"A fresh environment lacks the {'program' if is_program else 'module'} `{name}` ({said(counted)})"
    if cure:
        text += f": `{cure}` brought it ({cures[cure]} of {tasks(counted.tasks)})"
    absent = sorted({word for each in _refused(groups) if (word := _no_package(each)) and _names_module(word, name)})
    if absent:
        text += f"; there is no package {' or '.join(f'`{word}`' for word in absent)}"
    return fact("setup", name, text + ".", counted, cure)


def _narrowed(cure: str, name: str) -> str:
    """Leave of an install of several packages the one that holds the module."""
    words = cure.split()
    if words[:2] != ["pip", "install"] or any(word.startswith(("-e", "-r", "--")) or word == "." for word in words):
        return cure
    fitting = [word for word in words[2:] if _names_module(word, name)]
    return f"pip install {fitting[0]}" if fitting else cure


def _names_module(word: str, name: str) -> bool:
    package = _SYMBOLS.sub("", _VERSION.split(word.strip('"'))[0].lower())
    module = _SYMBOLS.sub("", name.lower())
    return bool(package) and (module in package or (len(package) > _SHORT and module.startswith(package)))


def _best(groups: Sequence[Group], cures: Mapping[str, int]) -> str:
    """Return the cure of most tasks; one that something else broke after counts for less."""
    broken = commonest(groups, lambda each: (trouble.after for trouble in each.survey.troubles))
    return min(cures, key=lambda cure: (2 * broken[cure] - cures[cure], len(cure), cure), default="")


def _refused(groups: Sequence[Group]) -> Iterator[Refused]:
    return (refused for group in groups for each in group.members for refused in each.survey.refused)


def _no_package(refused: Refused) -> str:
    found = _NO_PACKAGE.search(refused.reason)
    return found[1] if found else ""


def _missed(each: Surveyed, name: str) -> Missing | None:
    return next((missing for missing in each.survey.missing if missing.name == name), None)


def _refusals(groups: Sequence[Group]) -> Iterator[Fact]:
    """Yield the installs that failed; those that only took too long are told together."""
    slow = commonest(groups, lambda each: each.survey.slow)
    if slow:
        counted = support(groups, lambda each: bool(each.survey.slow), _has_tried)
        if counted.runs >= _LEAST_RUNS:
            yield fact("trap", "installs", _slow_text(groups, counted, list(slow)[:_MOST_NAMED]), counted)
    for line in commonest(groups, lambda each: (tried for tried, why in _refused_lines(each) if why != TIMED_OUT)):
        counted = support(groups, partial(_was_refused, line=line), partial(_tried, line=line))
        reason = commonest(groups, partial(_reasons, line=line)).most_common(1)[0][0]
        if counted.runs >= _LEAST_RUNS and not _NO_PACKAGE.search(reason):  # a wrong name is told with the right one
            yield fact("trap", line, f"`{line}` failed in {said(counted)}: {reason.rstrip('.')}.", counted)


def _refused_lines(each: Surveyed) -> list[tuple[str, str]]:
    return [(refused.command, refused.reason) for refused in each.survey.refused]


def _slow_text(groups: Sequence[Group], counted: Support, lines: Sequence[str]) -> str:
    """Say which installs timed out, after how long, and in how many runs another try brought the same package."""
    runs = [each.survey for group in groups for each in group.members if each.survey.slow]
    limits = {survey.limit_s for survey in runs} - {0}
    after = f" after {limits.pop()} s" if len(limits) == 1 else ""
    text = f"Installs timed out{after} in {said(counted)}: {', '.join(f'`{line}`' for line in lines)}"
    again = sum(any(_asks_for(line) & _asks_for(slow) for slow in each.slow for line in each.installs) for each in runs)
    return text + (f"; in {again} of these runs another try brought it." if again else "; give them more time.")


def _asks_for(line: str) -> set[str]:
    """Return the packages that an install names."""
    return {_VERSION.split(word.strip("\"'"))[0] for word in line.split()[2:] if not word.startswith("-")}


def _has_tried(each: Surveyed) -> bool:
    return bool(each.survey.installs or each.survey.refused or each.survey.slow)


def _was_refused(each: Surveyed, line: str) -> bool:
    return bool(_reasons(each, line))


def _tried(each: Surveyed, line: str) -> bool:
    return line in each.survey.installs or any(refused.command == line for refused in each.survey.refused)


def _reasons(each: Surveyed, line: str) -> list[str]:
    return [refused.reason for refused in each.survey.refused if refused.command == line]


def _troubles(groups: Sequence[Group], own: set[str]) -> Iterator[Fact]:
    seen = commonest(groups, lambda each: ((trouble.error, trouble.after) for trouble in each.survey.troubles))
    for error, after in seen:
        module = _NAMED_MODULE.search(error)
        if module is None or module[1].split(".")[0] in own:
            continue
        if _PLAIN_PACKAGE.match(after) and module[1].split(".")[0] not in after:
            continue  # what was installed last has nothing to do with it
        counted = support(groups, partial(_had_trouble, error=error), partial(_has_installed, line=after))
        cures = commonest(groups, partial(_ends_of, error=error))
        if not cures:
            continue  # a trap without a way out helps nobody
        text = f"After `{after}`, " if after else ""
        cure = cures.most_common(1)[0][0]
        text += f"`{error}` appears ({said(counted)}); it was gone after `{cure}`"
        yield fact("trap", error, text + ".", counted, cure)


def _has_installed(each: Surveyed, line: str) -> bool:
    return not line or line in each.survey.installs


def _had_trouble(each: Surveyed, error: str) -> bool:
    return _trouble(each, error) is not None


def _ends_of(each: Surveyed, error: str) -> list[str]:
    trouble = _trouble(each, error)
    return [trouble.cure] if trouble and _differs(trouble) else []


def _trouble(each: Surveyed, error: str) -> Trouble | None:
    return next((trouble for trouble in each.survey.troubles if trouble.error == error), None)


def _differs(trouble: Trouble) -> bool:
    """Whether the cure installs something else than what was installed before."""
    plain = [[word for word in line.split() if not word.startswith("--")] for line in (trouble.cure, trouble.after)]
    return bool(trouble.cure) and plain[0] != plain[1]


def own_packages(groups: Sequence[Group]) -> set[str]:
    """Return the names of the project's own packages: the first folders in which many of its files lie."""
    paths = {path for group in groups for each in group.members for path in (*each.survey.seen, *each.survey.changed)}
    folders = Counter(found[1] for path in paths if (found := _OWN_PART.match(path)))
    return {folder for folder, files in folders.items() if files >= max(_LEAST_RUNS, _OWN_SHARE * len(paths))}
