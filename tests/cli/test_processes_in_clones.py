"""The processes that commands start take no module from the directory they are started in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memory_cli.opening import scratch_environ
from memory_cli.servers import Server

CLI = str(Path(sys.executable).with_name("memory-cli"))


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with modules of names that we and Python use, each of which leaves a mark."""
    clone = tmp_path / "clone"
    mark = f"import pathlib; pathlib.Path({str(clone)!r}, 'PWNED').touch()\n"
    for name in ("pip", "memory_mcp", "memory_mcp/server", "memory_cli", "msgspec", "encodings"):
        (clone / name).mkdir(parents=True)
        (clone / name / "__init__.py").write_text(mark, encoding="utf-8")
    for name in ("pip/__main__.py", "memory_mcp/server/app.py", "sitecustomize.py", "usercustomize.py", "json.py"):
        (clone / name).write_text(mark, encoding="utf-8")
    monkeypatch.chdir(clone)
    return clone


def test_a_server_that_we_start_is_ours(clone: Path, tmp_path: Path) -> None:
    environ = scratch_environ(os.environ, tmp_path / "home", "clone")

    with Server(environ) as server:
        assert server.request("tools/list")["tools"]

    assert not (clone / "PWNED").exists()


def test_code_that_we_start_is_ours(clone: Path, tmp_path: Path) -> None:
    code = "from memory_mcp.server.app import main; main([])"

    with Server(scratch_environ(os.environ, tmp_path / "home", "clone"), code=code) as server:
        assert server.request("tools/list")["tools"]

    assert not (clone / "PWNED").exists()


def test_the_pip_that_fetches_a_model_is_our_interpreters(clone: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "PIP_NO_INDEX": "1"}

    done = subprocess.run(
        [CLI, "model", "install", "--from", "index"], cwd=clone, env=environ, capture_output=True, check=False
    )

    assert done.returncode == 1
    assert b"pip could not download" in done.stderr
    assert not (clone / "PWNED").exists()
