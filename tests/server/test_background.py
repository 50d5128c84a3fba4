"""What runs beside the calls of a server goes on, or ends the server, whatever happens in it."""

import logging
import os
import subprocess
import threading
from pathlib import Path

import pytest

from memory_mcp.server.desk import Desk
from tests.conftest import OpenMemory
from tests.server.conftest import LIMIT_S, SERVER


class OddLayers:
    """Layers of branches whose folding fails once, as nobody foresees."""

    def __init__(self) -> None:
        self.failed, self.folded = threading.Event(), threading.Event()

    def fold_merged(self) -> None:
        if not self.failed.is_set():
            self.failed.set()
            raise ZeroDivisionError("of a record that nobody foresaw")
        self.folded.set()


def test_the_follower_goes_on_after_what_nobody_foresaw(
    open_memory: OpenMemory, caplog: pytest.LogCaptureFixture
) -> None:
    memory = open_memory()
    odd = OddLayers()
    memory.layers = odd  # type: ignore[assignment]  # what fails in the middle of its work
    desk = Desk(memory)

    with caplog.at_level(logging.ERROR, "memory_mcp.server.desk"):
        desk.nudge()
        assert odd.failed.wait(LIMIT_S)
        desk.nudge()
        assert odd.folded.wait(LIMIT_S)
    desk.close()

    assert [record.message for record in caplog.records] == ["the index could not follow"]


def test_a_stdin_that_cannot_be_read_ends_the_server_with_a_sentence(tmp_path: Path) -> None:
    unreadable = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    try:
        done = subprocess.run(
            [*SERVER, "--home", str(tmp_path / "home")],
            stdin=unreadable,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        os.close(unreadable)

    assert done.stderr.splitlines() == [
        "memory-mcp WARNING memory_mcp.server.stdio.serving: stdin cannot be read: [Errno 9] Bad file descriptor"
    ]
    assert done.returncode == 0
