"""This module derives under which versions a project's code runs, and which version of the project was seen."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group, commonest, fact, said, support
from memory_mcp.facts.versions import plain
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed

_REQUIREMENT = expression(r"^[A-Za-z][\w.-]*")
_MOST_PACKAGES = 5
_LEAST_RUNS = 2
_SPELLED = {"python": "Python"}
_LOCAL = {"-e", ".", "--editable", "develop"}


def version_facts(groups: Sequence[Group], own: Iterable[str] = ()) -> list[Fact]:
    """Return the versions under which tests ran, with those of the packages that runs asked for by name."""
    seen = sorted(
        (each for group in groups for each in group.members if "python" in each.survey.versions), key=_seen_at
    )
    if not seen:
        return []
    newest = seen[-1].survey.versions
    both = next((each.survey.versions for each in reversed(seen) if "pytest" in each.survey.versions), newest)
    both = {name: both[name] for name in ("python", "pytest") if name in both}
    for wanted in (both, {"python": newest["python"]}):  # a run that shows one of two versions proves not both
        counted = support(groups, partial(_has, wanted=wanted), partial(_tells, packages=wanted))
        if counted.runs >= _LEAST_RUNS:
            break
    else:
        return []
    names = " and ".join(f"{_SPELLED.get(name, name)} {version}" for name, version in wanted.items())
    text = f"Code runs under {names} ({said(counted)})"
    packages = _asked_for(groups, {plain(name) for name in own} | {"pytest", "python"})
    if packages:
        text += f"; the packages that `pip` brought: {', '.join(packages)}"
    return [fact("setup", "versions", text + ".", counted)]


def own_version(each: Surveyed, own: Iterable[str]) -> str:
    """Return the version of the project's own package that an episode installed from its tree, as `shop 2.1`."""
    lines = [line.split() for line in each.survey.installs]
    if not any(_LOCAL & set(line) for line in lines):
        return ""
    asked = {plain(word) for line in lines for word in line}  # from elsewhere, it says nothing about the tree
    own = [name for name in own if plain(name) not in asked]
    return next(
        (f"{name} {version}" for name in own if (version := each.survey.versions.get(plain(name)))),
        "",
    )


def _asked_for(groups: Sequence[Group], but: set[str]) -> list[str]:
    """Return the newest versions of the packages that runs of most tasks named in an install."""
    counts = commonest(groups, _named)
    found = []
    for package, _ in counts.most_common():
        seen = [each for group in groups for each in group.members if package in each.survey.versions]
        versions = {each.survey.versions[package] for each in seen}
        if package not in but and len(versions) == 1:
            found.append(f"{package} {versions.pop()}")
    return found[:_MOST_PACKAGES]


def _named(each: Surveyed) -> list[str]:
    words = [word for line in each.survey.installs for word in line.split()[2:] if not word.startswith("-")]
    names = [plain(found[0]) for word in words if (found := _REQUIREMENT.match(word.strip("\"'")))]
    return [name for name in dict.fromkeys(names) if name in each.survey.versions]


def _has(each: Surveyed, wanted: Mapping[str, str]) -> bool:
    return all(each.survey.versions.get(name) == version for name, version in wanted.items())


def _tells(each: Surveyed, packages: Iterable[str]) -> bool:
    return all(package in each.survey.versions for package in packages)


def _seen_at(each: Surveyed) -> int:
    return each.seen_at
