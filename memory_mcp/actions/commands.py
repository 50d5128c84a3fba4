"""This module reads a shell command: the program and subcommand, the normalised form, the files it names."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from memory_mcp.actions.shapes import changes_in_place, is_write, shape, target, telling_commands
from memory_mcp.actions.shell_arguments import tool_at, tool_name
from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.actions.shell_paths import normal_path
from memory_mcp.expressions import expression

Kind = Literal["test", "build", "lint", "search", "probe", "read", "edit", "install", "finish", "other"]

_WITH_VALUE = {"-C", "-c", "-f", "--prefix", "--directory", "--file"}  # their value is no subcommand
_WITH_SUBCOMMAND = {
    "git", "npm", "yarn", "pnpm", "bun", "deno", "cargo", "go", "docker", "kubectl", "helm", "terraform", "pip", "uv",
    "poetry", "make", "gradle", "mvn", "apt", "apt-get", "brew", "conda", "dotnet", "gh", "alembic", "rails", "rake",
    "composer", "bundle",
}  # fmt: skip
_WITH_TWO = {"gh", "glab"}  # `gh pr view` reads, `gh pr create` ends a task
_KINDS: dict[Kind, str] = {
    "test": "pytest unittest tox nox jest vitest mocha rspec phpunit ctest go:test cargo:test npm:test npm:run:test "
    "yarn:test pnpm:test make:test make:check mvn:test gradle:test dotnet:test bun:test deno:test rake:test rails:test",
    "build": "make cmake ninja tsc gcc clang javac mypy pyright ruff flake8 eslint pylint prettier black pre-commit "
    "lint-imports cargo:build cargo:check cargo:clippy go:build go:vet npm:run:build npm:run:lint yarn:build "
    "docker:build mvn:package gradle:build dotnet:build make:build make:lint cargo:fmt terraform:plan",
    "search": "grep rg ag find fd find_file search_file search_dir search glob git:grep locate",
    "read": "sed awk cat less head tail open ls view read scroll_up scroll_down goto pwd wc tree stat git:log git:diff "
    "git:show git:status git:blame test [ [[ file which type stat gh:pr:view gh:pr:list gh:pr:diff gh:pr:checks "
    "gh:pr:status gh:issue:view gh:issue:list gh:run:view gh:run:list gh:repo:view",
    "probe": "python node ruby perl php bash sh curl wget psql sqlite3 mysql redis-cli ping docker:run gh:api "
    "docker:ps docker:logs kubectl:get kubectl:logs kubectl:describe go:run cargo:run npm:start npm:run:dev",
    "edit": "edit create insert write patch apply_patch append str_replace mv cp rm mkdir touch tee git:apply "
    "git:checkout git:restore change modify update replace notebookedit multiedit",
    "install": "pip:install uv:add uv:sync poetry:install poetry:add npm:install npm:ci yarn:install yarn:add "
    "pnpm:install apt:install apt-get:install brew:install conda:install cargo:add go:get bundle:install",
    "finish": "submit git:commit git:push git:merge git:tag gh:pr:create gh:pr:merge exit_command",
}
KIND_OF: dict[str, Kind] = {verb.replace(":", " "): kind for kind, verbs in _KINDS.items() for verb in verbs.split()}

_FILE = expression(r"^(?!-|https?:|\d+(?:\.\d+)*$)[\w@~./\\+-]*(?:/[\w@.+-]+|\.[A-Za-z]\w{0,7})$")
_PLACE = expression(r"::.*$|:\d+(?::\d+)?$")
_SHORT_WORDS = 3


class Command(Struct, frozen=True):
    """A command line: `verb` such as `git commit`, its `shape` and `target` (see shapes), the files that it names."""

    verb: str
    shape: str
    target: str
    kind: Kind
    files: tuple[str, ...]


@lru_cache(maxsize=2_048)
def parse_command(text: str, root: str = "") -> Command:
    """Read a command line: chained commands are joined, what only prepares (cd, export) or looks is passed over."""
    parts = [each for each in telling_commands(text) if each.words]
    verbs = list(dict.fromkeys(_verb(part) for part in parts)) or [text.strip().split(" ")[0][:80] or "?"]
    words = [word for part in parts for word in (*part.words[1:], *part.written)]
    return Command(
        verb=" && ".join(verbs[:_SHORT_WORDS]),
        shape=shape(text, root),
        target=target(text, root),
        kind=_kind(verbs, parts),
        files=tuple(dict.fromkeys(file for word in words if (file := file_named(normal_path(word, root))))),
    )


def file_named(word: str) -> str | None:
    """Return the file that a word names, without line or test, or None."""
    bare = _PLACE.sub("", word.strip("'\"`,;()"))
    if not _FILE.match(bare) or bare.startswith("--"):
        return None
    return bare.removeprefix("./")


def _verb(command: SimpleCommand) -> str:
    tool = tool_at(command.words)
    name = tool_name(command.words)
    if is_write(command):
        return "write"
    if name not in _WITH_SUBCOMMAND:
        return name[:80] or "?"
    following = command.words[tool:]
    rest = [word for before, word in pairwise(following) if not word.startswith("-") and before not in _WITH_VALUE]
    if (name in {"npm", "yarn", "pnpm"} and rest[:1] == ["run"]) or name in _WITH_TWO:
        return " ".join((name, *rest[:2]))[:80]
    return " ".join((name, *rest[:1]))[:80]


def _kind(verbs: Sequence[str], parts: Sequence[SimpleCommand]) -> Kind:
    """Return the kind of the most telling part: a test in a chain makes the chain a test."""
    kinds = {KIND_OF.get(verb, KIND_OF.get(verb.split(" ")[0], "other")) for verb in verbs}
    if any(changes_in_place(part) for part in parts):
        kinds.add("edit")
    order: tuple[Kind, ...] = ("test", "build", "finish", "install", "edit", "probe", "search", "read", "other")
    return next(kind for kind in order if kind in kinds)
