"""This module says what a program can check of a rule, and whether a tool call breaks it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from memory_mcp.actions.programs import plain_name, programs
from memory_mcp.actions.shell_lines import simple_commands
from memory_mcp.actions.shell_words import names
from memory_mcp.actions.steps import action_of, command_of
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step
from memory_mcp.models.rules import Check

# Programs that do one another's work: who wants one of them refuses the others.
_RIVALS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "pip pip3 uv poetry pipenv pdm conda",
        "npm pnpm yarn bun",
        "npx pnpx bunx",
        "jest vitest mocha ava",
        "pytest unittest nose2",
        "grep rg ag ack",
        "black ruff yapf autopep8",
        "eslint biome oxlint",
        "docker podman",
        "make just",
    )
)
_PROGRAMS = names(
    "git gh npm npx pnpm yarn bun node deno pip pip3 uv uvx pipx poetry pipenv pdm conda python python3 pytest unittest"
    " tox nox ruff black mypy eslint prettier tsc jest vitest mocha go cargo rustc make cmake just gradle mvn docker"
    " podman docker-compose kubectl helm terraform fly flyctl vercel heroku aws gcloud az psql mysql sqlite3 redis-cli"
    " curl wget ssh scp rsync sudo rm mv chmod chown kill pkill systemctl apt apt-get brew grep rg ag sed awk find"
    " alembic flask django-admin rails rake bundle gem composer php dotnet swift xcodebuild"
)
_SUBCOMMANDS = {
    "commit": ("git", "commit"),
    "push": ("git", "push"),
    "force-push": ("git", "push", "--force"),
    "amend": ("git", "commit", "--amend"),
    "rebase": ("git", "rebase"),
    "stash": ("git", "stash"),
    "merge": ("git", "merge"),
}
_GERUNDS = {
    "committing": "commit", "pushing": "push", "amending": "amend", "rebasing": "rebase", "stashing": "stash",
    "merging": "merge", "force-pushing": "force-push",
}  # fmt: skip
_CLAUSE_END = expression(r"[,;:]|\s(?:but|and|or|because|since|when|if|so)\s")
_SPELLINGS = {"--force": frozenset(("--force", "-f", "--force-with-lease"))}
_NEGATED = expression(
    r"\b(?:never(?: ever)?|do not(?: ever)?|don'?t(?: ever)?|dont|must ?n[o']t|should ?n[o']t|not to"
    r"|stop|avoid|quit)\s+"
    r"(?:please |just |go |try to |blindly |using |use |run |running |call |calling |execute |type )*(.+)",
    2,
)
_USE = expression(r"\buse ([\w@./+-]+)", 2)
_NOT = expression(r"\b(?:not|instead of|rather than|never|over)\s+([\w@./+-]+)", 2)
_EDITING = expression(
    r"^(?:edit|editing|touch|touching|modify|modifying|change|changing|write|writing|overwrite|delete|remove|reformat)"
    r"(?: to| in| under| inside| anything (?:in|under)| (?:any )?files? (?:in|under|inside|of)|\s)*\s+(.+)",
    2,
)
_IMPORTING = expression(r"^(?:import|importing)\s+([\w.@/-]+)", 2)
_PATH = expression(r"(?<![\w/.*-])(?:\.{0,2}/)?(?:[\w.*@-]+/)+[\w.*@-]*|(?<![\w/.*-])[\w.*-]+\.[a-z]{1,5}\b(?!\()", 0)
_IMPORTS = (
    r"(?:^|\n)\s*(?:import\s+{0}\b|from\s+{0}(?:\.[\w.]+)?\s+import\b|(?:import"
    r"|export)[^\n;]*?from\s+['\"]{0}['\"]|import\s+['\"]{0}['\"])|\brequire\(\s*['\"]{0}['\"]"
)

_WORD = expression(r"[\w@./*+-]+")
_NEW_TEXT = ("new_string", "newString", "content", "new_str", "file_text", "patch", "input", "patchText", "insert_text")
_MOST_TEXT = 200_000
_ACTS = names(
    "install uninstall publish commit push pull fetch reset rebase stash merge checkout switch clean"
    " deploy apply destroy"
    " delete run build up down audit update upgrade add remove tag release migrate"
)
_LITTLE = names("to on onto into the directly straight branch ever anything")
_RESERVING = names("unless without until myself before")
_BRANCHES = frozenset(("main", "master", "develop", "dev", "production", "prod", "staging", "release", "trunk"))


def check_of(rule: str, before: Sequence[Step] = ()) -> Check | None:
    """Return what a rule forbids as far as a program can see it; `before` are the steps that it answers to."""
    said = rule.replace("’", "'").replace("`", "").strip().rstrip(".!")
    if negated := _NEGATED.search(said):
        return _of_refused(negated[1])
    if rival := _NOT.search(said):
        return _of_named(rival[1])
    if wanted := _USE.search(said):
        return _of_rival(wanted[1].lower(), before)
    return None


def breaks(check: Check, step: Step, root: str = "", written: Mapping[str, Any] | None = None) -> bool:
    """Whether a call that is about to be made does what a rule forbids."""
    match check.kind:
        case "command":
            command = command_of(step)
            return command is not None and _runs(command, check.words)
        case "path":
            action = action_of(step, root)
            return action.kind == "edit" and any(_lies_in(file, check.words[0]) for file in action.files)
        case "import":
            return any(_imports(text, check.words[0]) for text in _written({**step.parameters, **(written or {})}))


def _of_refused(rest: str) -> Check | None:
    """Return the check of what follows "never" or "don't"."""
    if imported := _IMPORTING.match(rest):
        return Check("import", (imported[1],))
    if edited := _EDITING.match(rest):
        path = _PATH.search(edited[1])
        return Check("path", (path[0].removeprefix("./"),)) if path else None
    words = [word.rstrip(".") for word in _WORD.findall(_CLAUSE_END.split(rest, 1)[0])]
    if words[:1] and words[0].lower().startswith("force") and len(words) > 1 and words[1].lower().startswith("push"):
        words = ["force-push", *words[2:]]
    if not words:
        return None
    first = _GERUNDS.get(words[0].lower(), words[0].lower())
    if first in _SUBCOMMANDS:
        return _of_git(first, [word.lower() for word in words[1:]])
    return _of_named(*words)


def _of_git(verb: str, rest: Sequence[str]) -> Check | None:
    """Return the check of "push to main", "commit", "force push"; of another object, such as a file, nothing."""
    base = _SUBCOMMANDS[verb]
    objects = [word for word in rest if word not in _LITTLE]
    named = next((word for word in objects if word in _BRANCHES), None)
    if named and verb in {"push", "force-push", "merge", "rebase"}:
        return Check("command", (*base, named))
    return Check("command", base) if not objects or objects[0] in _RESERVING else None


def _of_named(name: str, *rest: str) -> Check | None:
    """Return the check of a program with its first words."""
    known = name.lower()
    if known not in _PROGRAMS:
        return None
    words = [known]
    for word in rest:
        if not word.startswith("-") and word not in _ACTS:
            break
        words.append(word)
    return Check("command", tuple(words))


def _of_rival(wanted: str, before: Sequence[Step]) -> Check | None:
    """Return the rival that was used just before; without one, nothing says what is refused."""
    rivals = frozenset[str]().union(*(group for group in _RIVALS if wanted in group)) - {wanted}
    for step in reversed(before):
        command = command_of(step)
        for used in programs(command) if command else ():
            if used.name in rivals:
                return Check("command", (used.name,))
    return None


def _runs(command: str, words: Sequence[str]) -> bool:
    """Whether a command line calls a program with all words of a rule, be it only to carry another program."""
    called = [each.words for each in simple_commands(command)] + [each.words for each in programs(command)]
    return any(
        called_with and plain_name(called_with[0]) == words[0] and _has_words(called_with[1:], words[1:])
        for called_with in called
    )


def _has_words(given: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(any(_is_said(word, each.lower()) for each in given) for word in wanted)


def _is_said(word: str, given: str) -> bool:
    if word in _SPELLINGS:
        return given in _SPELLINGS[word] or given.startswith("--force-with-lease=")
    return given == word or (word in _BRANCHES and word in given.replace(":", "/").lstrip("+").split("/"))


def _lies_in(file: str, path: str) -> bool:
    wanted = path.rstrip("/")
    if "*" in wanted:
        return fnmatch(file, wanted) or fnmatch(file, f"*/{wanted}")
    return f"/{file}/".find(f"/{wanted}/") >= 0


def _imports(text: str, module: str) -> bool:
    import re  # noqa: PLC0415 - only a rule about imports needs it

    return re.search(_IMPORTS.format(re.escape(module)), text[:_MOST_TEXT]) is not None


def _written(arguments: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(arguments.get(name) for name in _NEW_TEXT)
    edits = arguments.get("edits")
    for edit in edits if isinstance(edits, list) else ():
        if isinstance(edit, dict):
            yield from _texts(edit.get(name) for name in _NEW_TEXT)


def _texts(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
