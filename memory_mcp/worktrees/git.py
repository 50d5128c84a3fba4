"""This module starts git so that a repository's own configuration can neither run a program nor redirect anything."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from memory_mcp.errors import GitError

_TIMEOUT_S = 10.0
_COMPLAINT_BYTES = 2_000

# Configuration on the command line wins over that of the repository. Each of these runs a program, opens a connection,
# opens a file that may be a pipe without a writer, or changes what is printed.
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
    "protocol.allow=never",  # a lazy fetch, by whatever helper
    "credential.helper=",
    "log.showSignature=false",  # runs gpg.program
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
    "gpg.ssh.program=false",
    "diff.external=",
    "diff.orderFile=/dev/null",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.submodule=short",  # 'log' and 'diff' start git in submodules
    "mailmap.file=/dev/null",
    "mailmap.blob=",
    "log.mailmap=false",
    "gc.auto=0",
    "maintenance.auto=false",
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


def run_git(directory: Path, *words: str, timeout_s: float = _TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Run git in a directory and return its output and exit code, whatever that is.

    Raises:
        GitError: git is absent, or did not end in time.

    """
    try:
        return subprocess.run(  # noqa: S603 - see `_command`
            _command(directory, words),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=_environment(os.environ),
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {words[0]} in {directory} took more than {timeout_s:g} s and was ended") from error
    except OSError as error:
        raise GitError(f"git cannot be started in {directory}: {error}") from error


@contextmanager
def stream_git(directory: Path, *words: str) -> Iterator[IO[bytes]]:
    """Start git and give its output; leaving early ends it.

    Raises:
        GitError: git is absent, or ended with an error, which the sentence quotes.

    """
    with tempfile.TemporaryFile() as complaints:  # a pipe that nobody reads would stop git when it is full
        try:
            process = subprocess.Popen(  # noqa: S603 - see `_command`
                _command(directory, words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=_environment(os.environ),
            )
        except OSError as error:
            raise GitError(f"git cannot be started in {directory}: {error}") from error
        with process:
            assert process.stdout is not None  # noqa: S101 - asked for above
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            complaints.seek(0)
            said = complaints.read(_COMPLAINT_BYTES).decode("utf-8", "replace").strip()
            raise GitError(f"git {words[0]} in {directory} failed: {said or f'exit code {process.returncode}'}")


def _command(directory: Path, words: tuple[str, ...]) -> list[str]:
    """Return the whole command: an absolute program, what is switched off, and words of ours."""
    switches = [word for setting in _SWITCHED_OFF for word in ("-c", setting)]
    return [_program(os.environ.get("PATH", os.defpath)), "-C", str(directory), "--no-pager", *switches, *words]


def _program(path: str) -> str:
    """Find git on the absolute places of PATH: a relative one would be looked up inside the repository."""
    places = os.pathsep.join(place for place in path.split(os.pathsep) if Path(place).is_absolute())
    found = shutil.which("git", path=places)
    if found is None or not Path(found).is_absolute():
        raise GitError("git is not installed, or not on PATH; install it to read a repository's history")
    return found


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop what points git elsewhere, as it is set inside git's own hooks, and add what switches more off."""
    return {**{name: value for name, value in environ.items() if not name.startswith("GIT_")}, **_ENVIRONMENT}
