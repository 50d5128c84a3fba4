"""`memory-cli doctor` finds what is wrong and says what to do."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_cli.clients.catalogue import CLIENTS, Machine
from memory_cli.clients.hook_layouts import LACKS
from memory_cli.servers import Server, ServerGoneError
from memory_mcp.storage.migrations import MIGRATIONS
from tests.cli.conftest import Run, as_json
from tests.storage.test_store_files import run_elsewhere

CLI = [sys.executable, "-m", "memory_cli.entrance"]
AS_ROOT = os.geteuid() == 0
SERVER = str(Path(sys.executable).with_name("memory-mcp"))


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home on a machine with no agent but those whose files a test writes."""
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(user)
    return user


def registered(user: Path, command: str, *arguments: str) -> None:
    """Write what Codex reads."""
    (user / ".codex").mkdir(exist_ok=True)
    text = f"[mcp_servers.memory-mcp]\ncommand = {json.dumps(command)}\nargs = {json.dumps(arguments)}\n"
    (user / ".codex" / "config.toml").write_text(text, encoding="utf-8")


def findings(run: Run, *words: str, code: int) -> dict[str, dict[str, Any]]:
    return {each["part"]: each for each in as_json(run("doctor", *words, "--json", code=code))}


def test_a_healthy_machine_is_said_to_be(run: Run, user: Path) -> None:
    run("note", "add", "a fact")
    registered(user, SERVER)

    told = run("doctor", "--clients").stdout

    assert told.endswith("nothing is broken\n")
    assert "BROKEN" not in told
    assert "answered after" in told
    assert "offers 16 tools" in told


def test_without_an_agent_it_says_how_to_set_one_up(run: Run) -> None:
    found = findings(run, "--clients", code=0)

    assert found["clients"]["severity"] == "warning"
    assert "setup" in found["clients"]["advice"]


def test_an_agent_that_lacks_the_server_is_named_with_the_way(run: Run, user: Path) -> None:
    (user / ".codex").mkdir()
    (user / ".codex" / "config.toml").write_text('model = "x"\n', encoding="utf-8")

    found = findings(run, "--clients", code=0)["Codex"]

    assert (found["detail"], found["advice"]) == (
        "memory-mcp is not registered",
        "'memory-cli setup codex' registers it",
    )


@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "claude"])
def test_it_says_where_hooks_are_installed_and_what_they_cannot_do(run: Run, user: Path, client: str) -> None:
    title, part = CLIENTS[client].title, f"{CLIENTS[client].title} hooks"
    run("setup", client)
    before = findings(run, "--clients", code=0)[part]
    run("setup", client, "--hooks")

    found = findings(run, "--clients", code=0)

    assert before["detail"] == "not installed"
    path = Machine.of({"HOME": str(user)}, user).hooks_file(CLIENTS[client], "user")
    lacks = LACKS[CLIENTS[client].name]
    assert found[part]["detail"] == "; ".join((f"installed in {path} (user)", *lacks))
    assert found[part]["severity"] == "ok"
    assert lacks
    assert title in found


def test_hooks_that_would_tell_each_event_twice_are_found(
    run: Run, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user / "project").mkdir()
    monkeypatch.chdir(user / "project")
    run("setup", "codex", "--hooks")
    run("setup", "codex", "--hooks", "--scope", "project")

    found = findings(run, "--clients", code=0)["Codex hooks"]

    assert found["severity"] == "warning"
    assert found["detail"].startswith("installed twice, so each event is told twice: ")
    assert "--scope project --remove" in found["advice"]


def test_a_wrong_command_is_found(run: Run, user: Path) -> None:
    registered(user, "/nowhere/memory-mcp")

    found = findings(run, "--clients", code=1)["Codex"]

    assert found["severity"] == "broken"
    assert "there is no program for '/nowhere/memory-mcp'" in found["detail"]


def test_a_server_that_ends_at_once_is_found(run: Run, user: Path) -> None:
    registered(user, SERVER, "--version")

    found = findings(run, "--clients", code=1)["Codex"]

    assert f"'{SERVER} --version' gave no answer" in found["detail"]


def test_a_double_registration_is_found(run: Run, user: Path) -> None:
    registered(user, SERVER)
    path = user / ".codex" / "config.toml"
    path.write_text(path.read_text(encoding="utf-8") + f"[mcp_servers.recall]\ncommand = {json.dumps(SERVER)}\n")

    told = as_json(run("doctor", "--clients", "--json"))

    (found,) = [each for each in told if "registered 2 times" in each["detail"]]
    assert "'memory-mcp' in" in found["detail"]
    assert "'recall' in" in found["detail"]
    assert found["severity"] == "warning"


def test_a_missing_interpreter_is_found(run: Run, user: Path) -> None:
    script = user / "memory-mcp"
    script.write_text("#!/gone/venv/bin/python\nimport memory_mcp\n", encoding="utf-8")
    script.chmod(0o755)
    registered(user, str(script))

    found = findings(run, "--clients", code=1)["Codex"]

    assert "needs /gone/venv/bin/python, which is missing" in found["detail"]


def test_a_slow_start_is_measured_against_the_agents_limit(run: Run, user: Path) -> None:
    registered(user, SERVER)

    found = findings(run, "--clients", "--limit", "0.01", code=1)["Codex"]

    assert "Codex waits 0.01 s" in found["detail"]
    assert found["advice"].startswith("it starts too slowly")


def test_a_start_without_an_end_is_given_up() -> None:
    silent = Server({}, command=["/usr/bin/tail", "-f", "/dev/null"], limit_s=0.2)

    with pytest.raises(ServerGoneError, match="no answer to initialize"), silent:
        pass


@pytest.mark.skipif(not AS_ROOT, reason="a read-only directory for root is made by mounting one, which needs root")
def test_a_read_only_data_directory_is_found(run: Run, tmp_path: Path) -> None:
    run("note", "add", "a fact")
    home = str(tmp_path / "home")
    subprocess.run(["mount", "--bind", home, home], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", home], check=True)

        found = findings(run, code=1)
    finally:
        subprocess.run(["umount", "-l", home], check=True)

    assert found["home"]["detail"] == f"{home} cannot be written"
    assert found["home"]["advice"] == f"chmod u+rwx {home}, or set MEMORY_MCP_HOME"
    assert found["lock"]["severity"] == "warning"


def test_a_damaged_store_is_found(run: Run, tmp_path: Path) -> None:
    for number in range(200):
        run("note", "add", f"fact {number} " + "with many words " * 20)
    path = tmp_path / "home" / "memory.db"
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096 - 1):  # past what opening it reads
        content[page * 4096 : page * 4096 + 12] = os.urandom(12)
    path.write_bytes(content)

    found = findings(run, code=1)["store"]

    assert found["severity"] == "broken"
    assert "damaged" in found["detail"]
    assert "backup restore" in found["advice"]


def test_a_file_that_is_no_store_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "memory.db").write_text("dear diary, " * 500, encoding="utf-8")

    assert "is not a database" in findings(run, code=1)["store"]["detail"]


def test_a_store_from_a_newer_version_is_found(run: Run, tmp_path: Path) -> None:
    run("note", "add", "a fact")
    newest = MIGRATIONS[-1].number
    code = f"import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = {newest + 1}')"
    run_elsewhere(code, str(tmp_path / "home" / "memory.db"))

    found = findings(run, code=1)["store"]

    assert f"has schema {newest + 1}, this memory-mcp knows up to {newest}" in found["detail"]
    assert found["advice"].startswith("upgrade this program")


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux says who holds a lock")
def test_a_stale_lock_is_found_with_the_process_that_holds_it(run: Run, tmp_path: Path) -> None:
    run("note", "add", "a fact")
    code = (
        "import sys; from pathlib import Path; from memory_mcp.storage.database import Database\n"
        "database = Database(Path(sys.argv[1]), busy_timeout_s=1)\n"
        "with database.write() as session:\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    path = str(tmp_path / "home" / "memory.db")
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    try:
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)

        found = findings(run, code=1)["lock"]
    finally:
        holder.kill()
        holder.communicate()

    assert found["detail"].startswith(f"the write lock is stale: process {holder.pid} (")
    assert ", stopped) holds it" in found["detail"]
    assert f"'kill -CONT {holder.pid}' lets it go on" in found["advice"]
    assert findings(run, code=0)["lock"]["severity"] == "ok"


def test_what_the_hooks_left_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home" / "hooks").mkdir(parents=True)
    (tmp_path / "home" / "hooks" / "hook.log").write_text("2026-01-01 stop: ConfigError: no\n", encoding="utf-8")
    (tmp_path / "home" / "hooks" / "queue.jsonl").write_text("{}\n{}\n", encoding="utf-8")

    found = findings(run, code=0)["hooks"]

    assert found["severity"] == "warning"
    assert found["detail"].startswith("2 events wait, the oldest since 20")
    assert "; 1 errors in " in found["detail"]
    assert "ConfigError: no" in found["detail"]


def test_files_that_others_can_read_are_told(run: Run, tmp_path: Path) -> None:
    run("note", "add", "a fact")
    (tmp_path / "home" / "memory.db").chmod(0o644)

    told = run("doctor").stdout

    assert f"{tmp_path / 'home' / 'memory.db'} can be read by others" in told
    assert f"→ chmod 600 {tmp_path / 'home' / 'memory.db'}*" in told
