"""This module cuts a shell command line into the programs that it runs, and says whose exit code reaches its end."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from memory_mcp.expressions import expression

_LONGEST = 100_000  # characters of a command line that are read
_MOST = 200  # programs of a command line
_DEEPEST = 4  # shells in shells: bash -c "docker exec x sh -c '…'"
# one piece of a word, an operator, a redirection or blank space; an unclosed quote matches none of them
_PIECE = expression(
    r"(?P<space>[ \t]+|\\\n)|(?P<comment>#[^\n]*)|(?P<redirect>\d*(?:<<<|<<-?|<>|>>|>\||[<>])(?:&\d?-?)?|&>>?)"
    r"|(?P<operator>\n+|;;|;|&&|\|\||\|&|[|&()])|(?P<single>'[^']*')|(?P<double>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<escaped>\\.)|(?P<plain>[^\s;&|()<>'\"\\]+)",
    re.DOTALL,
)
_WORDY = {"single", "double", "escaped", "plain", "rest"}
_COPIED = expression(r"&[\d-]$")  # as in 2>&1, which names no file
_ESCAPED = expression(r"\\([\"\\$`\n])")
_ASSIGNMENT = expression(r"[A-Za-z_]\w*\+?=")
_VERSIONED = expression(
    r"^(python|pypy|pip|node|ruby|php|perl|pytest|py\.test|nosetests|gcc|g\+\+|clang|clang\+\+)-?\d[\d.]*$"
)
_OPENING = {"if", "for", "while", "until", "case"}
_CLOSING = {"fi", "done", "esac"}
_KEYWORDS = {"then", "do", "else", "elif", "{", "}", "!", *_OPENING, *_CLOSING}
_SHELLS = {"bash", "sh", "zsh", "dash", "ksh", "eval"}
# programs that run what follows them, and their options that take a value
_CARRIERS: dict[str, str] = {
    "sudo": "-u -g -h -C", "env": "-u -C --chdir --unset", "time": "-f -o", "nohup": "", "exec": "-a", "command": "",
    "nice": "-n", "ionice": "-c -n", "stdbuf": "-o -i -e", "xvfb-run": "-s -n -e -f", "setsid": "", "doas": "-u",
    "timeout": "-k -s --signal --kill-after", "gtimeout": "-k -s --signal --kill-after", "xargs": "-n -I -P -L -d -a",
    "npx": "-p --package -c", "bunx": "", "uvx": "--from --with --python -p", "pipx run": "--spec --python",
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
}  # fmt: skip
_NAMES_ONE = {"timeout", "gtimeout", "docker exec", "podman exec", "docker run", "podman run", "kubectl exec"}
_COMPOSED = {"docker compose", "docker-compose"}
_PYTHONS = {"python", "pypy", "py"}
_PYTHON_VALUES = {"-X", "-W", "--check-hash-based-pycs"}
_COMPOSE_VALUES = {"-e", "--env", "-w", "--workdir", "-u", "--user", "--index", "-v", "--volume", "--name"}


class Invocation(Struct, frozen=True):
    """A program with its arguments; `after` holds the operators between it and the end of the command line.

    `piped_into` names the programs that its output goes through, `nested` is true inside if, for, while and case,
    `body` is the here-document on its input.
    """

    words: tuple[str, ...]
    before: str = ""
    after: tuple[str, ...] = ()
    followers: tuple[tuple[str, ...], ...] = ()
    nested: bool = False
    body: str = ""

    @property
    def program(self) -> str:
        """The name of the program without its folder and version."""
        return program_name(self.words[0])

    @property
    def piped_into(self) -> tuple[str, ...]:
        """The programs that its output goes through before anybody sees it."""
        names = []
        for operator, follower in zip(self.after, self.followers, strict=False):
            if operator not in {"|", "|&"}:
                break
            names.append(program_name(follower[0]) if follower else "")
        return tuple(names)


class _Part(Struct):
    words: list[str]
    before: str
    nested: bool
    body: str = ""


def invocations(command: str) -> list[Invocation]:
    """Return the programs that a command line runs, in order, without what only carries them."""
    return _invocations(command[:_LONGEST], 0)


def program_name(word: str) -> str:
    """Return the name of a program without its folder, its version and `.exe`."""
    name = word.replace("\\", "/").rsplit("/", 1)[-1] or word
    name = name.removesuffix(".exe").removesuffix(".cmd").removesuffix(".bat")
    return versioned[1] if (versioned := _VERSIONED.match(name)) else name


def _invocations(command: str, depth: int) -> list[Invocation]:
    parts = [part for part in _parts(command) if part.words or part.body][:_MOST]
    made: list[Invocation] = []
    for at, part in enumerate(parts):
        after = tuple(later.before for later in parts[at + 1 :])
        followers = tuple(tuple(later.words) for later in parts[at + 1 :])
        words = _carried(part.words)
        script = _script(words, part.body) if depth < _DEEPEST else None
        if script is not None:
            for inner in _invocations(script, depth + 1):
                nested = part.nested or inner.nested
                before = inner.before or part.before
                joined = ((*inner.after, *after), (*inner.followers, *followers))
                made.append(Invocation(inner.words, before, *joined, nested, inner.body))
        elif words:
            made.append(Invocation(tuple(words), part.before, after, followers, part.nested, part.body))
        if len(made) >= _MOST:
            break
    return made[:_MOST]


def _script(words: list[str], body: str) -> str | None:
    """Return what a shell is given to run: the argument of `-c`, or the here-document on its input."""
    if not words or program_name(words[0]) not in _SHELLS:
        return None
    if words[0] == "eval":
        return " ".join(words[1:])
    for at, word in enumerate(words[1:-1], start=1):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c"):
            return words[at + 1]
    return body or None


def _parts(command: str) -> list[_Part]:
    """Cut into simple commands; the body of a here-document belongs to its command and is not read as commands."""
    parts = [_Part([], "", nested=False)]
    depth = 0
    for kind, value in _tokens(command):
        if len(parts) > 10 * _MOST:
            break
        if kind == "operator":
            substituted = value == "(" and parts[-1].words[-1:] and parts[-1].words[-1].endswith("$")
            parts.append(_Part([], value, nested=depth > 0 or bool(substituted)))
            continue
        part = parts[-1]
        if kind == "body":
            (next((each for each in reversed(parts) if each.words), part)).body = value
        elif not part.words and value in _KEYWORDS:
            depth += (value in _OPENING) - (value in _CLOSING)
            part.nested = part.nested or depth > 0 or value == "!"
            if value in {"for", "case"}:
                part.words = ["for"]  # its list of words is no program
        else:
            part.words.append(value)
    return _joined(part for part in parts if part.words[:1] != ["for"])


def _joined(parts: Iterable[_Part]) -> list[_Part]:
    """Drop empty commands; of the operators around one, such as `)` and `|`, the one that tells most is kept."""
    kept: list[_Part] = []
    waiting = ""
    for part in parts:
        operator = part.before if part.before not in {"", "(", ")"} else ""
        waiting = (operator if operator.strip("\n") or not waiting else waiting) or waiting
        if part.words:
            kept.append(_Part(part.words, waiting if kept else "", part.nested, part.body))
            waiting = ""
    if waiting == "&" and kept:
        kept.append(_Part(["true"], "&", nested=False))
    return kept


def _tokens(command: str) -> Iterator[tuple[str, str]]:
    """Yield words, operators and bodies of here-documents; redirections and comments are passed over."""
    word: list[str] | None = None
    redirected = ""  # the redirection whose target comes next
    documents: list[str] = []
    at = 0
    while at < len(command):
        piece = _PIECE.match(command, at)
        kind = piece.lastgroup if piece else "rest"
        value = piece[0] if piece else command[at:]
        at += len(value)
        if kind in _WORDY or (kind == "comment" and word is not None):
            word = word if word is not None else []
            word.append(_unquoted(kind, value))
            continue
        if word is not None:
            text, word = "".join(word), None
            if redirected.startswith("<<") and redirected != "<<<":
                documents.append(text)
            elif not redirected:
                yield "word", text
            redirected = ""
        if kind == "redirect":
            redirected = "" if _COPIED.search(value) else value
        elif kind == "operator":
            redirected = ""
            if documents and "\n" in value:
                at -= len(value) - 1
                body, at = _body(command, at, documents)
                documents = []
                yield "body", body
            yield "operator", value if value.strip("\n") else "\n"
    if word is not None and not redirected:
        yield "word", "".join(word)


def _unquoted(kind: str | None, value: str) -> str:
    if kind == "single":
        return value[1:-1]
    if kind == "double":
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value[1:] if kind == "escaped" else value.lstrip("'\"") if kind == "rest" else value


def _body(command: str, at: int, endings: list[str]) -> tuple[str, int]:
    """Return the here-documents that begin at a place, and where they end."""
    begin = last = at
    for ending in endings:
        while at < len(command):
            stop = command.find("\n", at)
            stop = len(command) if stop < 0 else stop
            line, last, at = command[at:stop], at, stop + 1
            if line.strip("\t ") == ending:
                break
        else:
            last = len(command)
    return command[begin:last], min(at, len(command))


def _carried(words: list[str]) -> list[str]:
    """Take off assignments and what only carries a program: sudo, timeout 60, docker exec x, uv run, python -m."""
    while words:
        words = words[next((at for at, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words)) :]
        rest = _after_carrier(words) if words else None
        if rest is None:
            return words
        words = rest
    return words


def _after_carrier(words: list[str]) -> list[str] | None:
    """Return what a carrier carries, or None where the first word is none."""
    name = program_name(words[0])
    if rest := _module(words):
        return rest
    two = " ".join((name, *words[1:2]))
    carrier = two if two in _CARRIERS else name
    if carrier not in _CARRIERS:
        return None
    rest = _without_options(words[1 + (carrier == two) :], set(_CARRIERS[carrier].split()))
    if carrier in _COMPOSED:
        return _without_options(rest[1:], _COMPOSE_VALUES)[1:] if rest[:1] in (["exec"], ["run"]) else None
    if carrier in _NAMES_ONE:
        return rest[2:] if rest[1:2] == ["--"] else rest[1:]
    if carrier == "hatch run" and rest:
        return [rest[0].rsplit(":", 1)[-1], *rest[1:]]
    return rest


def _module(words: list[str]) -> list[str] | None:
    """Return the module that `python -m` or `coverage run -m` runs with its arguments, or None."""
    name = program_name(words[0])
    if name == "coverage":
        return words[words.index("-m") + 1 :] if words[1:2] == ["run"] and "-m" in words else None
    at = 1
    while name in _PYTHONS and at < len(words) and (word := words[at]).startswith("-"):
        if word.startswith("-m"):
            return [word[2:], *words[at + 1 :]] if word != "-m" else words[at + 1 :]
        if not word.startswith("--") and word.endswith("m"):
            return words[at + 1 :]
        if word == "-c":
            return None
        at += 2 if word in _PYTHON_VALUES else 1
    return None


def _without_options(words: list[str], valued: set[str]) -> list[str]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return words[at + 1 :]
        at += 2 if words[at] in valued else 1
    return words[at:]
