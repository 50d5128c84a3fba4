"""This module votes which files a task is about: by its words, by what files define, by what similar tasks changed."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group
from memory_mcp.facts.paths import is_code, is_test, paths_in, sources_among
from memory_mcp.facts.task_words import STOP, TaskWords, task_words, words_of
from memory_mcp.facts.trace_frames import frames, inside
from memory_mcp.models.facts import FileVote

_CODE_NAME = expression(r"\b(?:[A-Za-z]+_\w+|[a-z]+[A-Z]\w+|[A-Z][a-z]+\w*|\w+(?=\())")
_IMPORTED = expression(r"^[^\w\n]{0,20}from ([A-Za-z_]\w*(?:\.\w+)+) import ", re.MULTILINE)
_IMPORT_LINE = expression(r"^[ \t>.]{0,20}(?:from [\w.]+ )?import [^\n]*$", re.MULTILINE)
_PACKAGE = expression(r"^(src/|lib/)?([A-Za-z_]\w*)/.*\.pyx?$")
_DOTTED_NAME = expression(r"(?<!from )(?<![\w./])([a-z_]\w*)\.([a-z][a-z0-9_]*)\.[A-Za-z]\w*(?!\w)")
_NUMBERED = expression(r"[A-Za-z]{1,12}_?\d{2,6}")
_DIGIT = expression(r"\d")
# weights of the reasons, tuned on seven projects with the one that is measured left out
_NAMED = 3.0
_LAST_FRAME = 12.0  # above all that words and history can say
_FRAME = 2.4
_DOTTED = 2.4
_STEM = 1.5
_STEM_PART = 0.7
_WHOLE_NAME = 1.2  # all words of a compound name
_FOLDER = 0.3
_SYMBOL = 1.0
_LOUD = 1.5  # what stands in the title or the first paragraph
_TITLED = 2.5  # a name of code in the title
_IN_CODE = 0.7
_PLAIN_WORD = 0.5  # a word of English that happens to be the name of a file
_QUIET = 0.4  # what stands in code, logs, tracebacks and lists of versions only
_NEAR_TASK = 0.8  # what a task of nearly the same title changed, on top of _VOTED
_LEAST_NEAR = 0.3
_NEARLY = 0.4
_LEAST_TOLD = 0.95  # about one word of a file's own name outside of logs
_CHANGED_BEFORE = "changed in "
_SIMILAR = "a similar task changed it: "
_NEAR = "a task of much the same title changed it: "
_SEEN = 0.1
_CHANGED = 0.2
_VOTED = 0.6
_PACKAGE_FILE = -0.3
_NEIGHBOUR = 1.5
_MOST_HISTORY = 0.7  # so that what is often changed does not outweigh what the task says
_LEAST_SYMBOL = 4
OWN_TREE = 0.5  # share of the files seen that git has, from which the work tree is the one that the episodes worked in
_LEAST_ROW = 3  # files of one folder named alike but for their numbers
_LEAST_BESIDE = 2  # known modules of a folder from which an imported name is taken for one more of them
_STRONG = 1.0  # what one word of a file's own name, a symbol or the path itself is worth


class Files:
    """What a project's episodes show of its files."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.seen: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.symbols: dict[str, set[str]] = defaultdict(set)
        for group in groups:
            seen = [path for each in group.members for path in (*each.survey.seen, *each.survey.changed)]
            changed = [path for each in group.members for path in each.survey.changed]
            self.seen.update(list(dict.fromkeys(seen)))
            self.changed.update(list(dict.fromkeys(changed)))
            for each in group.members:
                for name, path in each.survey.symbols.items():
                    self.symbols[name].add(path)
        # a bare name that nobody changed is more often the name of a file somewhere than one at the root
        self.sources = sources_among(path for path in self.seen if "/" in path or path in self.changed)
        self.packages = {
            found[2]: found[1] or "" for path in self.sources if (found := _PACKAGE.match(path))
        }  # the project's own Python packages, with what stands before them
        self.folders = {path.split("/")[0] for path in self.sources}
        self._holders: Counter[str] = Counter(word for path in self.sources for word in _path_words(path))

    def may_hold(self, place: str) -> bool:
        """Whether a module that nobody saw may be a file: no package itself, and among files rather than packages."""
        folder = place.rpartition("/")[0]
        inside = [path.removeprefix(f"{folder}/") for path in self.sources if path.startswith(f"{folder}/")]
        beside = [path for path in inside if "/" not in path]
        folders = {path.split("/")[0] for path in inside if "/" in path}
        return place.rpartition("/")[2] not in folders and len(beside) >= max(_LEAST_BESIDE, len(folders))

    def rarity(self, word: str) -> float:
        """Return how much a word of a path tells, 1 for one that a single file has."""
        number = len(self.sources)
        return math.log(1 + number / max(self._holders[word], 1)) / math.log(1 + number) if number else 0.0


def vote(
    task: str, files: Files, similar: Mapping[str, float], limit: int = 5, tracked: Collection[str] = ()
) -> list[FileVote]:
    """Return the files that a task is most likely about, best first.

    `similar` says how alike the tasks of earlier episodes are, by episode id, at most 1; `tracked` are the files that
    git has now, if that is known: others are gone.
    """
    told = task_words(task)
    used = _without_imports(task, told.opening)
    meant = task_words(used)
    words = meant.all
    if sum(path in tracked for path in files.sources) < OWN_TREE * len(files.sources):
        tracked = ()  # the episodes worked in a part of the work tree, or in another
    sources = [path for path in files.sources if not tracked or path in tracked]
    votes: dict[str, list[tuple[float, str]]] = {path: [] for path in (*sources, *_never_seen(tracked, words))}
    for path in votes:
        votes[path] += _by_name(path, used, meant, files)
    for name, (_, weight) in _symbols_in(told, task, files.symbols).items():
        holders = [path for path in files.symbols[name] if path in votes]
        for path in holders:
            votes[path].append((weight * _SYMBOL / len(holders), f"it defines {name}"))
    _add_history(votes, files, similar, told)
    framed, scripts = _framed(task, files)
    for at, path in enumerate(framed):
        if not tracked or path in tracked:
            reason = "the traceback ends in it" if at == 0 else "the traceback passes it"
            votes.setdefault(path, []).append((_LAST_FRAME if at == 0 else _FRAME, reason))
    for path, score, why in _unseen(task, files, told, sources):
        is_known = any(known.endswith(f"/{path}") for known in votes)
        if path not in votes and not is_known and path not in scripts and (not tracked or path in tracked):
            votes[path] = [(score, why)]
    ranked = [_vote_of(path, reasons) for path, reasons in votes.items() if _is_reasoned(reasons)]
    return sorted(ranked, key=lambda each: (-each.score, each.file))[:limit]


def _without_imports(task: str, opening: str) -> str:
    """Return a task without the imports of its script: what is only imported is not what the task is about."""
    return _IMPORT_LINE.sub(lambda found: found[0] if found[0].strip() in opening else "", task)


def _is_reasoned(reasons: Sequence[tuple[float, str]]) -> bool:
    """Whether more speaks for a file than that it was changed before, or a word of its path."""
    told = max(
        (score for score, why in reasons if why and not why.startswith((_CHANGED_BEFORE, _SIMILAR, _NEAR))), default=0.0
    )
    return told >= _LEAST_TOLD or any(score >= _LEAST_NEAR and why.startswith(_NEAR) for score, why in reasons)


def _shared(told: TaskWords, title: str) -> float:
    """Return which share of the words of a task's title stands in another's."""
    other = set(words_of(title)) - STOP
    return len(told.title_words & other) / len(told.title_words) if told.title_words else 0.0


def _unseen(task: str, files: Files, told: TaskWords, sources: Sequence[str]) -> Iterator[tuple[str, float, str]]:
    """Yield files that no episode saw: named or imported by the task, or named as their neighbours are."""
    for path in _named_in(task, files):
        yield path, _NAMED, "the task names it"
    for path, module in _imported_in(told.opening, files):
        yield path, _DOTTED, f"the task imports {module}"
    for path, module in _dotted_in(task, files):
        yield path, _DOTTED, f"the task names {module}"
    for path, neighbour in _named_like_neighbours(told.prose, sources):
        yield path, _NEIGHBOUR, f"named as its neighbours are, such as {neighbour}"


def _never_seen(tracked: Collection[str], words: Mapping[str, int]) -> list[str]:
    """Return the sources that git has and no episode saw, of those whose own name the task speaks of."""
    named = [path for path in sorted(tracked) if path.rsplit("/", 1)[-1].split(".")[0].lower() in words]
    return sources_among(named)


def _by_name(path: str, task: str, told: TaskWords, files: Files) -> Iterator[tuple[float, str]]:
    bare = path.rsplit(".", 1)[0]
    inner = path.partition("/")[2]
    if path in task or (inner.count("/") and inner in task):
        yield _NAMED, "the task names it"
    stem = bare.rsplit("/", 1)[-1].lower()
    if stem.startswith("__"):
        return  # many packages have one of that name: a word says nothing about which
    dotted = bare.removeprefix("src/").removeprefix("lib/").replace("/", ".")
    if "." in dotted and dotted in task:
        yield _DOTTED * (1.0 if dotted in told.prose_text else _QUIET), f"the task names {dotted}"
    elif found := re.search(rf"(?<![\w.]){re.escape(stem)}\.[a-z_]\w+", told.opening):
        yield _DOTTED, f"the task names {found[0]}"
    yield from _by_words(path, stem, task, told, files)


def _by_words(path: str, stem: str, task: str, told: TaskWords, files: Files) -> Iterator[tuple[float, str]]:
    words = told.all
    if len(stem) > 2 and stem in words:  # noqa: PLR2004 - shorter names are chance
        often = min(2.0, 1 + 0.3 * math.log(words[stem]))
        place = _LOUD if stem in told.opening_words else 1.0 if stem in told.prose else _QUIET
        if stem.isalpha() and not _is_marked(stem, task):
            # often said is not meant as a name, and only in the title is it what the task is about
            place, often = (place if stem in told.title_words else min(place, 1.0)) * _PLAIN_WORD, 1.0
        yield _STEM * files.rarity(stem) * often * place, f"the task speaks of {stem}"
    else:
        parts = [word for word in words_of(stem) if len(word) > 2]  # noqa: PLR2004 - as above
        shared = [word for word in parts if word in words]
        if shared:
            total = sum(files.rarity(word) for word in parts)
            place = 1.0 if told.prose.issuperset(shared) else _QUIET
            if len(parts) > 1 and set(shared) >= set(parts) - {stem}:
                yield _WHOLE_NAME * place, f"its name has {', '.join(shared[:3])}"
                return
            yield _STEM_PART * place * sum(map(files.rarity, shared)) / total, f"its name has {', '.join(shared[:3])}"
    folders = [word for word in words_of("/".join(path.split("/")[1:-1])) if word in words]
    if folders:
        yield _FOLDER * sum(map(files.rarity, dict.fromkeys(folders))), ""


def _symbols_in(told: TaskWords, task: str, symbols: Mapping[str, set[str]]) -> dict[str, tuple[str, float]]:
    """Return the names of code in a task, each with the one that some file defines and its weight.

    A name with a number at its end may be a variant of the one without.
    """
    found = {}
    for name in dict.fromkeys(_CODE_NAME.findall(task)):
        known = name if name in symbols else name.rstrip("0123456789")
        is_telling = len(known) >= _LEAST_SYMBOL and known.lower() not in STOP and not known.startswith("__")
        if known in symbols and is_telling:
            is_word = known.islower() and "_" not in known  # `replace` is defined in many places
            found[known] = (name, _QUIET if is_word else _symbol_place(name, told))
    return found


def _is_marked(stem: str, task: str) -> bool:
    """Whether a word stands in a task as a name of code rather than as a word of English."""
    return (
        re.search(rf"[`./\\]{re.escape(stem)}\b|\b{re.escape(stem)}(?:[`./]\w|`|\.py| module\b|\()", task) is not None
    )


def _symbol_place(name: str, told: TaskWords) -> float:
    word = name.lower()
    if word in told.title_words:
        return _TITLED
    return _LOUD if word in told.opening_words else 1.0 if word in told.prose else _IN_CODE


def _add_history(
    votes: dict[str, list[tuple[float, str]]], files: Files, similar: Mapping[str, float], told: TaskWords
) -> None:
    for path, reasons in votes.items():
        changed = files.changed.get(path, 0)
        often_changed = f"{_CHANGED_BEFORE}{changed} earlier task{'' if changed == 1 else 's'}" if changed else ""
        often = _SEEN * math.log(1 + files.seen.get(path, 0)) + _CHANGED * math.log(1 + changed)
        reasons.append((min(often, _MOST_HISTORY), often_changed))
        if path.endswith("__init__.py"):
            reasons.append((_PACKAGE_FILE, ""))
    for group in files.groups:
        alike = max((similar.get(each.episode_id, 0.0) for each in group.members), default=0.0)
        if alike <= 0:
            continue
        runs = Counter(path for each in group.members for path in each.survey.changed if path in votes)
        for path, count in runs.items():
            title = next(iter(group.members[-1].task.strip().splitlines()), "")[:70]
            share = count / max(sum(bool(each.survey.changed) for each in group.members), 1)
            is_near = _shared(told, title) >= _NEARLY
            votes[path].append((_VOTED * alike * share, "" if is_near else f"{_SIMILAR}{title}"))
            if is_near:
                votes[path].append((_NEAR_TASK * share, f"{_NEAR}{title}"))


def _vote_of(path: str, reasons: Sequence[tuple[float, str]]) -> FileVote:
    told = sorted((reason for reason in reasons if reason[1]), key=lambda reason: -reason[0])
    history = sum(score for score, why in reasons if why.startswith(_CHANGED_BEFORE))
    score = sum(score for score, _ in reasons)
    return FileVote(path, round(score, 3), tuple(dict.fromkeys(why for _, why in told))[:3], round(score - history, 3))


def _named_in(task: str, files: Files) -> list[str]:
    """Return the sources that a task names by a path, whatever directory the path of its author began with."""
    found = []
    for path in dict.fromkeys(each.removeprefix("./") for each in paths_in(task.replace("\\", "/"))):
        found += _owned(path, files)
    return list(dict.fromkeys(found))


def _framed(task: str, files: Files) -> tuple[list[str], set[str]]:
    """Return the sources in the frames that a task quotes, and what only looks so: a script beside the package."""
    owned = [(place, own) for place in frames(task) for own in _owned(place, files)]
    roots = {place.removesuffix(own) for place, own in owned}
    scripts = {own for place, own in owned if own not in files.seen and _is_beside_package(place, own, roots)}
    return [own for own in dict.fromkeys(own for _, own in owned) if own not in scripts], scripts


def _is_beside_package(place: str, own: str, roots: Collection[str]) -> bool:
    """Whether what looks like a package is the folder of a checkout, of which another frame shows the package."""
    return any(place.startswith(root) and len(root) > len(place.removesuffix(own)) for root in roots)


def _owned(path: str, files: Files) -> list[str]:
    """Return the source of the project that a path is, none for somebody else's file."""
    path, is_installed = inside(path)
    parts = path.split("/")
    if is_installed and parts[0] not in files.packages:
        return []
    starts = [at for at, part in enumerate(parts[:-1]) if part in files.packages]
    inner = files.packages[parts[starts[-1]]] + "/".join(parts[starts[-1] :]) if starts else path
    if not starts and parts[0] not in files.folders:
        return []
    is_own = "/" in inner and is_code(inner) and not is_test(inner) and not inner.startswith(("/", "../", "~"))
    return [inner] if is_own else []


def _imported_in(task: str, files: Files) -> list[tuple[str, str]]:
    """Return (file, module) of the modules of the project that a task imports from."""
    found = []
    for module in dict.fromkeys(_IMPORTED.findall(task)):
        package, _, inner = module.partition(".")
        if package in files.packages and inner:
            place = files.packages[package] + module.replace(".", "/")
            if files.may_hold(place):
                found.append((f"{place}.py", module))
    return found


def _dotted_in(task: str, files: Files) -> list[tuple[str, str]]:
    """Return (file, module) of the modules of the project that a task names with something that they hold."""
    found = []
    for package, inner in dict.fromkeys(_DOTTED_NAME.findall(task)):
        if package in files.packages:
            place = f"{files.packages[package]}{package}/{inner}"
            if files.may_hold(place):
                found.append((f"{place}.py", f"{package}.{inner}"))
    return found


def _named_like_neighbours(words: Collection[str], sources: Sequence[str]) -> list[tuple[str, str]]:
    """Return (file, neighbour) where a word with digits is formed as the names of several files of one folder are."""
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in sources:
        folder, _, name = path.rpartition("/")
        stem, _, ending = name.partition(".")
        if _NUMBERED.fullmatch(stem):
            rows[folder, _formed(stem), ending].append(stem)
    found = []
    for (folder, form, ending), stems in rows.items():
        for word in sorted(words):
            if len(stems) >= _LEAST_ROW and _formed(word) == form.lower() and word not in map(str.lower, stems):
                stem = word.upper() if stems[0].isupper() else word
                found.append((f"{folder}/{stem}.{ending}" if folder else f"{stem}.{ending}", f"{stems[0]}.{ending}"))
    return found


def _formed(name: str) -> str:
    return _DIGIT.sub("9", name)


def _path_words(path: str) -> frozenset[str]:
    return frozenset(words_of(path.rsplit(".", 1)[0]))


def is_telling(votes: Sequence[FileVote]) -> bool:
    """Whether the best vote rests on the task itself rather than on what is often changed."""
    return any(each.told >= _STRONG for each in votes)
