"""A server whose keyword index, or vectors, are damaged under it: it answers, says so, writes on and mends them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import RawServer
from tests.storage.test_derived import DAMAGES, SQL

NOTES = 40


def told(server: RawServer, number: int) -> dict[str, Any]:
    found: dict[str, Any] = server.call(number, "query_memory", query="word3 lantern")["structuredContent"]
    return found


def index_status(server: RawServer, number: int) -> str:
    health = server.call(number, "health_check")["structuredContent"]
    return str(next(each for each in health["checks"] if each["name"] == "index")["status"])


@pytest.mark.parametrize(
    "damage",
    ["keywords_data flipped", "keywords_docsize flipped", "keywords_config emptied", "vectors cut", "followers text"],
)
def test_a_server_answers_erases_and_mends(raw: Callable[..., RawServer], tmp_path: Path, damage: str) -> None:
    server = raw("--toolsets", "all")
    server.begin()
    ids = [
        server.call(number, "remember_note", text=f"a lantern of word{number % 5}")["structuredContent"]["note_id"]
        for number in range(1, NOTES)
    ]
    assert told(server, 100)["hits"]
    subprocess.run([sys.executable, "-c", SQL, str(tmp_path / "home" / "memory.db"), *DAMAGES[damage][1]], check=True)

    during = [told(server, number) for number in (200, 201)]
    erased = server.call(300, "delete_note", note_id=ids[0])["structuredContent"]
    after = [told(server, number) for number in range(400, 405)][-1]
    command = [sys.executable, "-m", "memory_cli.app", "index", "rebuild", "--only", "keywords"]
    subprocess.run(command, check=True, env=server.environment, capture_output=True)
    again = told(server, 501)

    assert all(each.get("hits") for each in during)
    assert erased["deleted"] == ids[0]
    assert after["mode"] == "hybrid"
    assert "damaged" not in json.dumps(after)
    assert ids[0] not in json.dumps(after)
    assert (index_status(server, 502), again["mode"]) == ("ok", "hybrid"), "the command works beside the server"
