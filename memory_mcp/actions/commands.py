"""This module reads a shell command: the program and subcommand, the normalised form, the files it names."""

import re
import shlex
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from memory_mcp.expressions import expression

Kind = Literal["test", "build", "lint", "search", "probe", "read", "edit", "install", "finish", "other"]

_SKIPPED = {"cd", "export", "source", ".", "set", "echo", "true", "pushd", "popd", "sudo", "time", "env", "nohup"}
_WITH_VALUE = {"-C", "-c", "-f", "--prefix", "--directory", "--file"}  # their value is no subcommand
_RUNNERS = (
    ("uv", "run"), ("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"), ("bundle", "exec"),
    ("npx",), ("bunx",), ("uvx",), ("python", "-m"),
)  # fmt: skip
_WITH_SUBCOMMAND = {
    "git", "npm", "yarn", "pnpm", "bun", "deno", "cargo", "go", "docker", "kubectl", "helm", "terraform", "pip", "uv",
    "poetry", "make", "gradle", "mvn", "apt", "apt-get", "brew", "conda", "dotnet", "gh", "alembic", "rails", "rake",
    "composer", "bundle",
}  # fmt: skip
_KINDS: dict[Kind, str] = {
    "test": "pytest unittest tox nox jest vitest mocha rspec phpunit ctest go:test cargo:test npm:test npm:run:test "
    "yarn:test pnpm:test make:test make:check mvn:test gradle:test dotnet:test bun:test deno:test rake:test rails:test",
    "build": "make cmake ninja tsc gcc clang javac mypy pyright ruff flake8 eslint pylint prettier black pre-commit "
    "lint-imports cargo:build cargo:check cargo:clippy go:build go:vet npm:run:build npm:run:lint yarn:build "
    "docker:build mvn:package gradle:build dotnet:build make:build make:lint cargo:fmt terraform:plan",
    "search": "grep rg ag find fd find_file search_file search_dir search glob git:grep locate",
    "read": "cat less head tail open ls view read scroll_up scroll_down goto pwd wc tree stat git:log git:diff "
    "git:show git:status git:blame",
    "probe": "python node ruby perl php bash sh curl wget psql sqlite3 mysql redis-cli ping test which type docker:run "
    "docker:ps docker:logs kubectl:get kubectl:logs kubectl:describe go:run cargo:run npm:start npm:run:dev",
    "edit": "edit create insert write patch apply_patch append str_replace mv cp rm mkdir touch sed git:apply "
    "git:checkout git:restore change modify update replace notebookedit multiedit",
    "install": "pip:install uv:add uv:sync poetry:install poetry:add npm:install npm:ci yarn:install yarn:add "
    "pnpm:install apt:install apt-get:install brew:install conda:install cargo:add go:get bundle:install",
    "finish": "submit git:commit git:push git:merge git:tag gh:pr exit_command",
}
KIND_OF: dict[str, Kind] = {verb.replace(":", " "): kind for kind, verbs in _KINDS.items() for verb in verbs.split()}

_OPERATORS = expression(r"[;&|()<>]+")
_ASSIGNMENT = expression(r"[A-Za-z_]\w*=")
_NAMED_PROGRAM = expression(r"^(python|pip|node|ruby)[\d.]+$")
_FILE = expression(r"^(?!-|https?:|\d+(?:\.\d+)*$)[\w@~./\\+-]*(?:/[\w@.+-]+|\.[A-Za-z]\w{0,7})$")
_PLACE = expression(r"::.*$|:\d+(?::\d+)?$")
_HEX = expression(r"\b(?:0x[0-9a-fA-F]+|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,40})\b")
_NUMBER = expression(r"(?<![A-Za-z_.\d])\d+(?:[.:]\d+)*(?![A-Za-z_\d])")
_TEMPORARY = expression(r"/(?:tmp|var/folders)/\S+")
_LONGEST = 2_000  # characters of a command that are looked at; a here-document after them changes nothing
_SHORT_WORDS = 3


class Command(Struct, frozen=True):
    """A command line: `verb` such as `git commit`, `shape` with numbers, ids and texts taken out, files named."""

    verb: str
    shape: str
    kind: Kind
    files: tuple[str, ...]


@lru_cache(maxsize=2_048)
def parse_command(text: str) -> Command:
    """Read a command line; chained commands are joined, what only prepares (cd, export) is passed over."""
    parts = [part for part in map(_bare, _simple_commands(text)) if part]
    verbs = list(dict.fromkeys(_verb(part) for part in parts)) or [text.strip().split(" ")[0][:80] or "?"]
    shapes = [" ".join(_shaped(word) for word in part) for part in parts]
    return Command(
        verb=" && ".join(verbs[:_SHORT_WORDS]),
        shape=" && ".join(shapes)[:500] or verbs[0],
        kind=_kind(verbs, parts),
        files=tuple(dict.fromkeys(file for part in parts for word in part[1:] if (file := file_named(word)))),
    )


def file_named(word: str) -> str | None:
    """Return the file that a word names, without line or test, or None."""
    bare = _PLACE.sub("", word.strip("'\"`,;()"))
    if not _FILE.match(bare) or bare.startswith("--"):
        return None
    return bare.removeprefix("./")


def _simple_commands(text: str) -> list[list[str]]:
    """Cut the first line into simple commands, each a list of words; only the head of a pipe counts."""
    line = next((each for each in text[:_LONGEST].splitlines() if each.strip()), "")
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # an unclosed quote, as in a command that goes on for lines
        words = re.split(r"['\"]", line)[0].split()
    commands: list[list[str]] = [[]]
    skipping = False
    for word in words:
        if _OPERATORS.fullmatch(word):
            skipping = word in {"|", "|&"} or (set(word) <= {">", "<", "&"} and word not in {"&&", "&"})
            if not skipping:
                commands.append([])
        elif not skipping:
            commands[-1].append(word)
    return commands


def _bare(words: list[str]) -> list[str]:
    """Drop assignments, preparing commands and runners in front of the program."""
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    if words and words[0] in {"sudo", "time", "env", "nohup"}:
        return _bare(words[1:])
    if not words or words[0] in _SKIPPED:
        return []
    words = [_program(words[0]), *words[1:]]
    for runner in _RUNNERS:
        if len(words) > len(runner) and tuple(words[: len(runner)]) == runner:
            return _bare(words[len(runner) :])
    return words


def _program(word: str) -> str:
    name = word.replace("\\", "/").rsplit("/", 1)[-1] or word
    return named[1] if (named := _NAMED_PROGRAM.match(name)) else name


def _verb(words: list[str]) -> str:
    if words[0] not in _WITH_SUBCOMMAND:
        return words[0][:80]
    rest = [word for before, word in pairwise(words) if not word.startswith("-") and before not in _WITH_VALUE]
    if words[0] in {"npm", "yarn", "pnpm"} and rest[:1] == ["run"]:
        return " ".join((words[0], *rest[:2]))
    return " ".join((words[0], *rest[:1]))[:80]


def _kind(verbs: list[str], parts: list[list[str]]) -> Kind:
    """Return the kind of the most telling part: a test in a chain makes the chain a test."""
    kinds = {KIND_OF.get(verb, KIND_OF.get(verb.split(" ")[0], "other")) for verb in verbs}
    if "edit" in kinds and any(part[0] == "sed" and "-i" not in part for part in parts):
        kinds = (kinds - {"edit"}) | {"read"}
    order: tuple[Kind, ...] = ("test", "build", "finish", "install", "edit", "probe", "search", "read", "other")
    return next(kind for kind in order if kind in kinds)


def _shaped(word: str) -> str:
    if " " in word or "\n" in word:
        return "<text>"
    shaped = _HEX.sub("<id>", _TEMPORARY.sub("<path>", word))
    return _NUMBER.sub("<n>", shaped)
