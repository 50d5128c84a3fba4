"""This module finds the programs that a command line runs, seen through what only carries them to where they run."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from memory_mcp.actions.shell_lines import SimpleCommand, program_name, simple_commands, unwrapped
from memory_mcp.actions.shell_words import names
from memory_mcp.expressions import expression

_MOST = 200  # programs of a command line
_DEEPEST = 8  # carriers in carriers: docker exec x uv run bash -c "npx jest"
_VERSIONED = expression(
    r"^(python|pypy|pip|node|ruby|php|perl|pytest|py\.test|nosetests|gcc|g\+\+|clang|clang\+\+)-?\d[\d.]*$"
)
_LISTS = names("for case select")  # whose words are no program
PREPARING = names("cd pushd export source . set unset echo true pwd")  # before `&&`, never the point of a line
# programs that run what follows them elsewhere, and their options that take a value
_CARRIERS: dict[str, frozenset[str]] = {name: names(options) for name, options in {
    "xargs": "-n -I -P -L -d -a", "doas": "-u", "npx": "-p --package -c", "bunx": "", "pnpx": "",
    "uvx": "--from --with --python -p", "pipx run": "--spec --python",
    "uv run": "--extra --with --group --python -p --project --directory --env-file --with-requirements --package "
    "--only-group --no-group --no-extra --index", "poetry run": "-C -P --directory --project", "pipenv run": "",
    "pdm run": "-p --project --venv", "rye run": "", "pixi run": "-e --environment", "hatch run": "", "pnpm exec": "",
    "pnpm dlx": "", "yarn exec": "", "yarn dlx": "", "npm exec": "", "bundle exec": "", "bin/rails runner": "",
    "conda run": "-n --name -p --prefix --cwd", "mamba run": "-n --name -p --prefix", "micromamba run": "-n -p",
    "coverage run": "--source --omit --include --rcfile --data-file --context --concurrency",
    "docker exec": "-w --workdir -e --env -u --user --env-file", "podman exec": "-w --workdir -e --env -u --user",
    "kubectl exec": "-n --namespace -c --container", "docker compose": "-f --file -p --project-name --profile",
    "docker-compose": "-f --file -p --project-name --profile",
    "docker run": "-v --volume -w --workdir -e --env -u --user --name -p --publish --network --entrypoint --mount -m "
    "--memory --platform --env-file --cpus --shm-size --gpus",
    "podman run": "-v --volume -w --workdir -e --env -u --user --name -p --network --entrypoint",
}.items()}  # fmt: skip
_NAMES_ONE = {"docker exec", "podman exec", "docker run", "podman run", "kubectl exec"}
_COMPOSED = {"docker compose", "docker-compose"}
_COMPOSE_VALUES = names("-e --env -w --workdir -u --user --index -v --volume --name")
_PYTHONS = {"python", "pypy", "py"}
_PYTHON_VALUES = {"-X", "-W", "--check-hash-based-pycs"}


class Program(Struct, frozen=True):
    """A program as it runs once carriers are taken off, and the commands that come after it in the line."""

    command: SimpleCommand
    later: tuple[SimpleCommand, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The name of the program with its arguments."""
        return self.command.words

    @property
    def name(self) -> str:
        """The name of the program without its folder and version."""
        return plain_name(self.command.words[0])

    @property
    def before(self) -> str:
        """The operator between it and the command before."""
        return self.command.joined

    @property
    def after(self) -> tuple[str, ...]:
        """The operators between it and the end of the command line."""
        left = ("&",) if self.command.in_background and not self.later else ()
        return (*left, *(each.joined for each in self.later))

    @property
    def piped_into(self) -> list[SimpleCommand]:
        """The commands that its output goes through before anybody sees it."""
        filters: list[SimpleCommand] = []
        for each in self.later:
            if each.joined not in {"|", "|&"}:
                break
            filters.append(each)
        return filters


def programs(text: str) -> tuple[Program, ...]:
    """Return the programs that a command line runs, in order, without what only carries them."""
    line = [bare for command in simple_commands(text) for bare in _bare(command, 0)][:_MOST]
    return tuple(
        Program(command, tuple(line[at + 1 :]))
        for at, command in enumerate(line)
        if command.words and command.words[0] not in _LISTS
    )


def plain_name(word: str) -> str:
    """Return the name of a program without its folder, its version and `.exe`."""
    name = program_name(word)
    return versioned[1] if (versioned := _VERSIONED.match(name)) else name


def _bare(command: SimpleCommand, depth: int) -> Iterator[SimpleCommand]:
    """Take carriers off, and what wraps the program that they carry: `docker exec x sh -c '…'` gives what sh runs."""
    if not command.words:
        yield from _captured(command, depth)
    carried = _carried(command.words) if command.words and depth < _DEEPEST else None
    if carried is None:
        yield command
        return
    if carried:
        for each in unwrapped(replace(command, words=tuple(carried)), depth):
            yield from _bare(each, depth + 1)


def _captured(command: SimpleCommand, depth: int) -> Iterator[SimpleCommand]:
    """Yield the commands whose output a variable takes: `out=$(pytest -q)`."""
    for _, value in command.assignments:
        if depth < _DEEPEST and value.startswith("$(") and value.endswith(")"):
            for each in simple_commands(value[2:-1]):
                yield from _bare(replace(each, nested=True), depth + 1)


def _carried(words: Sequence[str]) -> Sequence[str] | None:
    """Return what a carrier carries, or None where the first word is none."""
    name = plain_name(words[0])
    if rest := _module(name, words):
        return rest
    two = f"{name} {words[1]}" if len(words) > 1 else name
    carrier = two if two in _CARRIERS else name
    if carrier not in _CARRIERS:
        return None
    rest = _without_options(words[1 + (carrier == two) :], _CARRIERS[carrier])
    if carrier in _COMPOSED:
        runs = rest[:1] in (("exec",), ("run",))
        return _without_options(rest[1:], _COMPOSE_VALUES)[1:] if runs else None
    if carrier in _NAMES_ONE:
        return rest[2:] if rest[1:2] == ("--",) else rest[1:]
    if carrier == "hatch run" and rest:
        return (rest[0].rsplit(":", 1)[-1], *rest[1:])
    return rest


def _module(name: str, words: Sequence[str]) -> Sequence[str] | None:
    """Return the module that `python -m` or `coverage run -m` runs with its arguments, or None."""
    if name == "coverage":
        return words[words.index("-m") + 1 :] if words[1:2] == ("run",) and "-m" in words else None
    at = 1
    while name in _PYTHONS and at < len(words) and (word := words[at]).startswith("-"):
        if word.startswith("-m"):
            return (word[2:], *words[at + 1 :]) if word != "-m" else words[at + 1 :]
        if not word.startswith("--") and word.endswith("m"):
            return words[at + 1 :]
        if word == "-c":
            return None
        at += 2 if word in _PYTHON_VALUES else 1
    return None


def _without_options(words: Sequence[str], valued: frozenset[str]) -> Sequence[str]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return words[at + 1 :]
        at += 2 if words[at] in valued else 1
    return words[at:]
