"""The self-test that ships: it proves on real servers, and fails where a promise is broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory_cli.servers import Server, ServerGoneError, listed

SELFTEST = [sys.executable, "-m", "memory_cli.app", "selftest", "--json"]


@pytest.mark.long
def test_every_promise_is_kept_or_says_why_it_could_not_be_tried() -> None:
    done = subprocess.run(SELFTEST, capture_output=True, text=True, check=False)

    proofs = {each["promise"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 0, proofs
    assert len(proofs) == 7
    skipped = {promise for promise, each in proofs.items() if each["held"] is None}
    assert skipped <= {"a read-only store is read, and writes are refused"}
    assert all(each["held"] for promise, each in proofs.items() if promise not in skipped)


@pytest.mark.long
def test_faults_are_played_and_nothing_is_lost() -> None:
    done = subprocess.run([*SELFTEST, "--faults"], capture_output=True, text=True, check=False)

    proofs = json.loads(done.stdout)
    assert done.returncode == 0, proofs
    assert len(proofs) == 6
    assert [each["promise"] for each in proofs if not each["held"]] == []


def test_a_server_that_does_not_start_fails_every_promise(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'memory_cli.app' not in sys.orig_argv: raise SystemExit('broken')\n"
    )

    done = subprocess.run(
        SELFTEST, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    results = [each["held"] for each in json.loads(done.stdout)]
    assert results.count(False) >= 6
    assert True not in results


def test_a_server_is_spoken_to_without_the_sdk(tmp_path: Path) -> None:
    environ = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "selftest"}
    with Server(environ, "--toolsets", "records") as server:
        new = {"task_description": "a task", "task_type": "x", "domain": "y"}
        made = [server.call("create_episode", **new)["episode_id"] for _ in range(3)]

        assert sorted(listed(server)) == sorted(made)
        assert server.call("get_episode", episode_id="nope") == {"error": "no episode nope in project selftest"}
        with pytest.raises(ServerGoneError, match="tools/call was refused"):
            server.call("no_such_tool")
        server.kill()
        with pytest.raises(ServerGoneError):
            server.call("health_check")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not show what a process has loaded")
def test_a_server_answers_before_numpy_is_loaded_and_loads_it_in_the_background(tmp_path: Path) -> None:
    environ = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "selftest"}

    def loaded(server: Server) -> set[str]:
        maps = Path(f"/proc/{server.pid}/maps").read_text(encoding="utf-8")
        return {name for name in ("numpy", "lmdb", "safetensors") if f"/{name}/" in maps or f"{name}." in maps}

    with Server(environ) as server:
        assert len(server.request("tools/list")["tools"]) == 16
        assert loaded(server) == set()
        made = server.call("create_episode", task_description="a task", task_type="x", domain="y")
        assert loaded(server) == set()

        for _ in range(100_000):  # nothing but cheap calls until the background has done its part
            if {"numpy", "lmdb"} <= loaded(server):
                break
            server.call("get_episode", episode_id=made["episode_id"])

        assert {"numpy", "lmdb"} <= loaded(server)
