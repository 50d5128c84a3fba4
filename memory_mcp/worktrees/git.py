"""This module starts git so that a repository's configuration can neither run a program nor redirect it."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from memory_mcp.errors import GitError
from memory_mcp.worktrees.clones import clone_around, own_path, own_program

_TIMEOUT_S = 10.0
_SILENCE_S = 120.0  # git sorts a million commits before it prints the first one
_COMPLAINT_BYTES = 2_000
_LONGEST_LINE = 1 << 20
_BUFFER_BYTES = 1 << 16

# Only these are started: without `--textconv`, `--filters` and `--edit`, which nobody here says, they read no filter,
# alias or hook, and they change nothing.
_COMMANDS = frozenset({"cat-file", "config", "log", "merge-base", "rev-list", "rev-parse"})
# Configuration on the command line wins over that of the repository. Each of these runs a program, opens a connection,
# opens a file that may be a pipe without a writer, or changes what is printed. Filters, `diff.NAME.*`, `alias.*` and
# `remote.NAME.*` have names of the repository's own: the commands that we start read no filters and no aliases, and
# `_OF_LOG` and the closed protocols stop the others.
_SWITCHED_OFF = (
    "core.fsmonitor=false",  # a program asked for changed files
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=",
    "core.sshCommand=false",  # a lazy fetch of a partial clone
    "core.gitProxy=",
    "core.alternateRefsCommand=false",
    "core.attributesFile=/dev/null",
    "core.commitGraph=false",  # a forged graph names other parents
    "core.bigFileThreshold=512m",  # a small value would make every file binary
    "core.quotePath=false",
    "protocol.allow=never",  # a lazy fetch, by whatever helper
    "credential.helper=",
    "log.showSignature=false",  # runs gpg.program
    "log.showRoot=true",
    "log.follow=false",
    "log.mailmap=false",
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
    "gpg.ssh.program=false",
    "gpg.ssh.defaultKeyCommand=",
    "diff.external=",
    "diff.orderFile=/dev/null",
    "diff.submodule=short",  # 'log' and 'diff' start git in submodules
    "diff.algorithm=default",
    "diff.renameLimit=1000",
    "i18n.logOutputEncoding=UTF-8",
    "mailmap.file=/dev/null",
    "mailmap.blob=",
    "gc.auto=0",
    "maintenance.auto=false",
)
# What configuration can change in a patch and only an option can reset.
_OF_LOG = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-decorate", "--no-notes", "--no-mailmap", "--no-relative"),
    *("--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=none"),
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_ALLOW_PROTOCOL": "none",  # as protocol.allow, which protocol.NAME.allow of a repository would beat
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}


def is_installed() -> bool:
    """Whether git can be started at all."""
    return own_program("git", os.environ.get("PATH", os.defpath), None) is not None


def run_git(directory: Path, *words: str, timeout_s: float = _TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Run git in a directory and return its output and exit code, whatever that is.

    Raises:
        GitError: git is absent, or did not end in time.

    """
    with _started(directory, words, subprocess.PIPE) as process:
        try:
            output, complaint = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            _end(process)
            raise GitError(
                f"git {_named(words)} in {directory} took more than {timeout_s:g} s and was ended"
            ) from error
        except BaseException:
            _end(process)
            raise
    told = (output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace"))
    return subprocess.CompletedProcess(words, process.returncode, *told)


@contextmanager
def stream_git(directory: Path, *words: str, silence_s: float = _SILENCE_S) -> Iterator[Iterator[bytes]]:
    """Start git and yield its output lines, cut if they are huge; leaving early ends git.

    Raises:
        GitError: git is absent, printed nothing for too long, or ended with an error, which the sentence quotes.

    """
    with tempfile.TemporaryFile() as complaints:  # a pipe that nobody reads would stop git when it is full
        with _started(directory, words, complaints) as process, _Patience(process, silence_s) as patience:
            assert process.stdout is not None  # noqa: S101 - asked for in `_started`
            try:
                yield patience.lines(process.stdout)
            except BaseException:
                _end(process)
                raise
            if not patience.is_at_end:
                _end(process)
                return
        if patience.is_over:
            raise GitError(f"git {_named(words)} in {directory} printed nothing for {silence_s:g} s and was ended")
        if process.returncode:
            complaints.seek(0)
            told = complaint_of(complaints.read(_COMPLAINT_BYTES).decode("utf-8", "replace"))
            raise GitError(f"git {_named(words)} in {directory} failed: {told or f'exit code {process.returncode}'}")


def complaint_of(told: str) -> str:
    """Return the line on git's stderr that says why it ended, or an empty text."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "")


class _Patience:
    """A timer that ends a process once its reader has waited too long for a line."""

    def __init__(self, process: subprocess.Popen[bytes], limit_s: float) -> None:
        self.is_over = self.is_at_end = False
        self._process = process
        self._limit_s = limit_s
        self._waiting_since: float | None = None  # None while the reader is busy: that is not git's silence
        self._left = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._watch.join()

    def lines(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Yield the lines of a stream; lines that are too long are cut."""
        is_rest = False
        while True:
            self._waiting_since = time.monotonic()
            line = stream.readline(_LONGEST_LINE)
            self._waiting_since = None
            if not line:
                self.is_at_end = True
                return
            if not is_rest:
                yield line
            is_rest = not line.endswith(b"\n")

    def _look(self) -> None:
        while not self._left.wait(self._limit_s / 10):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._limit_s:
                self.is_over = True
                _end(self._process)
                return


def _started(directory: Path, words: tuple[str, ...], complaints: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start git by its absolute path with safe settings, in a session of its own, so that it cannot prompt."""
    path = os.environ.get("PATH", os.defpath)
    switches = [word for setting in _SWITCHED_OFF for word in ("-c", setting)]
    command = _named(words)
    if command not in _COMMANDS:
        raise ValueError(f"git {command} is not one of the commands that are known to be safe")
    at = words.index(command)
    of_log = _OF_LOG if command == "log" else ()
    try:
        clone = clone_around(directory, Path(os.path.expanduser("~")))  # noqa: PTH111 - which never fails
        program = own_program("git", path, clone)
        if program is None:
            raise GitError("git is not installed, or not on PATH; install it to read a repository's history")
        return subprocess.Popen(  # noqa: S603 - an absolute program and words of ours
            [program, "-C", str(directory), "--no-pager", *switches, *words[: at + 1], *of_log, *words[at + 1 :]],
            bufsize=_BUFFER_BYTES,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={**_environment(os.environ), "PATH": own_path(path, clone)},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be started in {directory}: {error}") from error


def _named(words: tuple[str, ...]) -> str:
    """Return the command, which an option such as `--git-dir=` may stand before."""
    return next((word for word in words if not word.startswith("-")), "")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop what points git elsewhere, as it is set inside git's own hooks, and add what switches more off."""
    return {**{name: value for name, value in environ.items() if not name.startswith("GIT_")}, **_ENVIRONMENT}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with whatever it has started."""
    with suppress(ProcessLookupError, PermissionError):  # all have already ended
        if sys.platform == "win32":
            process.kill()
        elif process.returncode is None:  # not reaped yet, so the pid is still its own
            os.killpg(process.pid, signal.SIGKILL)
