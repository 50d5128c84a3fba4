"""This module starts a process that looks at a directory with git, which takes longer than a hook may."""

import os
import sys
from collections.abc import Mapping

SETTLE = "settle"  # no event: `memory-cli hook settle`

_COMMAND = ("-m", "memory_cli.entrance", "hook", SETTLE)


def start_settling(environ: Mapping[str, str]) -> bool:
    """Start the process without waiting for it; return whether it could be started.

    By `posix_spawn`: importing `subprocess` would take a hook 5 ms more.
    """
    if not hasattr(os, "posix_spawn") or not sys.executable:
        return False
    quiet = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        os.posix_spawn(
            sys.executable, [sys.executable, "-P", *_COMMAND], dict(environ), file_actions=quiet, setsid=True
        )
    except (OSError, NotImplementedError):
        return False
    return True
