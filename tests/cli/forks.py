"""This module runs memory-cli in forked processes, each on a terminal of its own or on pipes, and reads what it prints.

A fork of a process that has loaded the commands takes 30 ms where a new interpreter takes 400.
"""

import base64
import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

_WIDTH, _HEIGHT = 100, 40


class Job(Struct):
    """One call: its words, what it reads, where it runs, on a terminal or not, on a copy of the memory in `home`."""

    words: list[str]
    environ: dict[str, str]
    directory: str
    home: str
    text: str = ""
    terminal: bool = False


class Ended(Struct):
    """What came of a call: the exit code, and what reached stdout and stderr."""

    code: int
    output: bytes


def run_all(jobs: Sequence[Job]) -> list[Ended]:
    """Run calls in a process that nothing else has touched."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(msgspec.to_builtins(jobs)).encode(),
        capture_output=True,
        check=True,
    )
    return [Ended(code, base64.b64decode(output)) for code, output in json.loads(done.stdout)]


def _run(job: Job) -> Ended:
    if job.terminal:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _HEIGHT, _WIDTH, 0, 0))
    else:
        ours, theirs = os.pipe()
    reading, writing = os.pipe()
    os.write(writing, job.text.encode("utf-8", "surrogateescape"))
    os.close(writing)
    child = os.fork()
    if child == 0:
        os.close(ours)
        _become(job, reading, theirs)
    os.close(theirs)
    os.close(reading)
    output = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return Ended(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output)


def _read(descriptor: int) -> bytes:
    select.select([descriptor], [], [])
    with contextlib.suppress(OSError):  # a terminal whose last user has left
        return os.read(descriptor, 1 << 16)
    return b""


def _become(job: Job, reading: int, writing: int) -> None:
    """Turn this process into memory-cli."""
    os.setsid()
    os.dup2(reading, 0)
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    if job.terminal:
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    # as the interpreter opens them
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    os.environ.clear()
    os.environ.update(job.environ)
    os.chdir(job.directory)
    sys.argv = ["memory-cli", *job.words]
    from memory_cli.entrance import main  # noqa: PLC0415 - in the child alone

    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001 - as the interpreter ends
        import traceback  # noqa: PLC0415 - as above

        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)


def _main() -> None:
    import rich.progress  # noqa: PLC0415 - as above
    import rich.table  # noqa: F401, PLC0415 - as above
    import typer.main  # noqa: PLC0415 - as above
    import typer.rich_utils  # noqa: PLC0415 - as above

    from memory_cli.app import app  # noqa: PLC0415 - loaded once for all children

    command = typer.main.get_command(app)
    for name in command.list_commands(None):  # type: ignore[attr-defined]  # it is the group of all
        command.get_command(None, name)  # type: ignore[attr-defined]  # as above
    ended = []
    for job in msgspec.convert(json.load(sys.stdin), list[Job]):
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch) / Path(job.home).name
            shutil.copytree(job.home, home)
            job.environ["MEMORY_MCP_HOME"] = str(home)
            done = _run(job)
        ended.append((done.code, base64.b64encode(done.output).decode()))
    json.dump(ended, sys.stdout)


if __name__ == "__main__":
    _main()
