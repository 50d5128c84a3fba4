"""Whatever surrounds a call, it ends in one sentence: directories that are gone, odd homes, settings and streams."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell, pipes that are files, and /dev/full")

ENTRANCE = [sys.executable, "-m", "memory_cli.entrance"]
SERVER = [sys.executable, "-m", "memory_mcp.server.app"]
HOOK = json.dumps({"session_id": "s", "hook_event_name": "SessionStart"}).encode()
DEEP = 100_000


class Desk(Struct):
    """A user's home, a memory, and a directory to work in."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "memory"

    @property
    def settings(self) -> Path:
        return self.home / "memory-cli.toml"

    def environ(self, **changed: str | bytes | None) -> dict[str, str | bytes]:
        given: dict[str, str | bytes | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "user"),
            "MEMORY_MCP_HOME": str(self.home),
            "MEMORY_MCP_PROJECT_NAME": "desk",
            **changed,
        }
        return {name: value for name, value in given.items() if value is not None}

    def call(
        self, *command: str, through: str = 'exec "$@"', text: bytes = b"", **changed: str | bytes | None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command through a shell, which may spoil its surroundings first."""
        return subprocess.run(
            ["sh", "-c", through, "sh", *command],
            input=text,
            cwd=self.root / "work",
            env=self.environ(**changed),
            capture_output=True,
            check=False,
            timeout=60,
        )

    def cli(self, *words: str, **how: str | bytes | None) -> "subprocess.CompletedProcess[bytes]":
        return self.call(*ENTRANCE, *words, **how)  # type: ignore[arg-type]  # the names of `call`

    def sentence(self, *words: str, **how: str | bytes | None) -> str:
        """Run a command that must end with one line on stderr and exit code 1, and return the line."""
        done = self.cli(*words, **how)
        said = done.stderr.decode()
        assert (done.returncode, said.count("\n")) == (1, 1), said
        assert said.startswith("memory-cli: ")
        return said


def furnished(root: Path) -> Desk:
    for name in ("user", "work", "memory"):
        (root / name).mkdir()
    return Desk(root)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return furnished(tmp_path)


TASK = "mend → the … × login of Zoë 登录 🙂"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, dict[str, str]]:
    """A desk for commands that only read or fail, with a task, a talk and a file that is nested too deeply."""
    desk = furnished(tmp_path_factory.mktemp("shared"))
    talk, deep = desk.root / "talk.jsonl", desk.root / "deep.jsonl"
    talk.write_text('{"role": "user", "text": "hello"}\n', encoding="utf-8")
    lines = ('{"role": "user", "text": DEEP}', "DEEP", '{"handoff": DEEP, "format": "", "sha256": ""}')
    deep.write_text("\n".join(lines).replace("DEEP", "[" * DEEP + "]" * DEEP), encoding="utf-8")
    episode = desk.cli("episode", "create", TASK, "--tag", "größe").stdout.decode().strip()
    made = desk.cli("conversation", "add", str(talk), "--title", "talk").stdout.decode().strip()
    return desk, {"FILE": str(deep), "EPISODE": episode, "TALK": made}


GONE = 'rmdir "$PWD"; exec "$@"'
LONG = "/tmp/" + "x" * 5_000  # noqa: S108 - it cannot be made
HOMES: dict[str, tuple[str | bytes, str]] = {
    "too long": (LONG, "File name too long"),
    "a name too long": ("/tmp/" + "x" * 300, "File name too long"),  # noqa: S108 - as above
    "not UTF-8": (b"/tmp/\xff", "is not UTF-8"),
    "a file": (__file__, "is not a directory"),
    "below a file": (f"{__file__}/memory", "Not a directory"),
    "of nobody": ("~nobody-of-this-name/memory", "Could not determine home directory"),
    "where nothing can be made": ("/proc/memory", "cannot be created"),
}


def test_a_deleted_working_directory_is_reported(desk: Desk) -> None:
    assert "the working directory cannot be used" in desk.sentence("note", "list", through=GONE)


def test_a_working_directory_whose_path_is_not_utf_8_is_reported(desk: Desk) -> None:
    odd = 'mkdir -p "$(printf \'\\377\')"; cd "$(printf \'\\377\')"; exec "$@"'

    assert "is not UTF-8" in desk.sentence("note", "list", through=odd)
    done = desk.cli("hook", text=HOOK, through=odd)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_needs_no_directory_works_in_a_deleted_one(desk: Desk) -> None:
    assert desk.cli("--version", through=GONE).stdout.startswith(b"memory-cli ")


@pytest.mark.parametrize("case", HOMES)
def test_a_home_that_cannot_be_a_directory_is_reported(desk: Desk, case: str) -> None:
    home, reason = HOMES[case]

    assert reason in desk.sentence("note", "list", MEMORY_MCP_HOME=home)
    if isinstance(home, str):
        assert reason in desk.sentence("--home", home, "note", "list")


def nested(opening: str, closing: str, depth: int = 2_500) -> bytes:
    return f"a = {opening * depth}1{closing * depth}\n".encode()


SETTINGS: dict[str, tuple[bytes | Callable[[Path], None], str]] = {
    "a pipe": (os.mkfifo, "is not a regular file"),
    "a directory": (Path.mkdir, "is not a regular file"),
    "a link to itself": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
    "not UTF-8": (b"[store]\nhome = '\xff'\n", "cannot be read as TOML"),
    "UTF-16": ("[store]\n".encode("utf-16"), "cannot be read as TOML"),
    "a table for a value": (b"[store.home]\nx = 1\n", "store.home is a table"),
    "an unknown table": (b"[store.nothing]\nx = 1\n", "there is no setting 'store.nothing'"),
    "tables in a row": (b"[[store]]\nhome = 'x'\n", "'store' stands outside a table"),
    "a date for a text": (b"[store]\nhome = 1979-05-27\n", "does not fit"),
    "a list of tables": (b"[project]\ntrusted_directories = [{a = 1}]\n", "does not fit"),
    "a value that is long": (b"[recall]\nfloor = '" + b"x" * 9_000 + b"'\n", "does not fit"),
    "lists without end": (nested("[", "]", DEEP), "in a line"),
    "deep lists": (nested("[", "]"), "nested too deeply"),
    "deep tables": (nested("{a=", "}", 2_400), "nested too deeply"),
    "a deep key": (b".".join([b"a"] * DEEP) + b" = 1\n", "in a line"),
    "a key as deep as a line": (b".".join([b"a"] * 4_900) + b" = 1\n", "there is no setting 'a.a'"),
    "a huge number": (b"[recall]\nfloor = " + b"9" * 5_000 + b"\n", "cannot be read as TOML"),
    "a huge file": (b"#\n" * 200_000, "is not a settings file"),
    "a NUL in the home": (b'[store]\nhome = "/tmp/a\\u0000b"\n', "store.home cannot be a directory"),
    "an unset variable": (b'[store]\nhome = "${NOBODY_SET_THIS}"\n', "which is not set"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_an_unusable_settings_file_is_reported(desk: Desk, case: str) -> None:
    made, reason = SETTINGS[case]
    place(desk.settings, made)

    said = desk.sentence("--config", str(desk.settings), "note", "list", MEMORY_MCP_HOME=None)

    assert reason in said
    assert len(said) < 600


@pytest.mark.parametrize("case", ["deep lists", "deep tables", "not UTF-8", "a huge file", "a huge number"])
def test_an_unusable_settings_file_of_the_working_directory_is_reported(desk: Desk, case: str) -> None:
    made, reason = SETTINGS[case]
    place(desk.root / "work" / "memory-cli.toml", made)

    assert reason in desk.sentence("note", "list")


def place(path: Path, made: bytes | Callable[[Path], None]) -> None:
    if isinstance(made, bytes):
        path.write_bytes(made)
    else:
        made(path)


def test_variables_that_are_not_utf_8_are_reported(desk: Desk) -> None:
    (desk.home / ".env").write_bytes(b"A=\xff\n")

    assert ".env cannot be read" in desk.sentence("note", "list")


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": None, "COLUMNS": "0"},
        {"COLUMNS": "1"},
        {"COLUMNS": "-5", "LINES": "0"},
        {"COLUMNS": "many", "TERM": "no-such-terminal"},
        {"HOME": None},
        {"HOME": "/nowhere"},
        {"NO_COLOR": "1", "FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_tables_and_json_are_printed_whatever_the_terminal_can_show(
    shared: tuple[Desk, dict[str, str]], environ: dict[str, str | None]
) -> None:
    desk, ids = shared

    for words in (("episode", "list"), ("episode", "view", ids["EPISODE"]), ("episode", "-h")):
        done = desk.cli(*words, **environ)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout
    listed = json.loads(desk.cli("episode", "list", "--json", **environ).stdout)
    assert TASK in [row["task"] for row in listed["episodes"]]


@pytest.mark.parametrize("words", [("note", "list"), ("where", "--json"), ("episode", "list"), ("--version",)])
@pytest.mark.parametrize(
    ("through", "reason"),
    [
        ('exec "$@" >&-', "stdout is closed"),
        ('exec "$@" >/dev/full', "No space left"),
        ('PYTHONUNBUFFERED=1 exec "$@" >/dev/full', "No space left"),
    ],
)
def test_an_output_that_cannot_be_written_is_reported(
    desk: Desk, words: tuple[str, ...], through: str, reason: str
) -> None:
    desk.cli("episode", "create", "a row")
    desk.cli("note", "add", "a fact")

    assert f"the output cannot be written: {reason}" in desk.sentence(*words, through=through)


def test_a_full_error_stream_leaves_the_exit_code(desk: Desk) -> None:
    for words in (("episode", "view", "nope"), ("nonsense",), ("backup", "restore", "nope")):
        for through in ('exec "$@" 2>/dev/full', 'exec "$@" 2>&-', 'exec "$@" >&- 2>&-'):
            done = desk.cli(*words, through=through)
            assert done.returncode in {1, 2}
            assert (done.stdout, done.stderr) == (b"", b"")


def test_what_stands_beside_a_result_never_ends_a_command(desk: Desk) -> None:
    history = desk.root / "history.jsonl"
    commit = {"commit": "a" * 40, "parents": [], "time": "2024-01-01T00:00:00Z", "subject": "begin"}
    history.write_text(json.dumps(commit), encoding="utf-8")

    for through in ('exec "$@" 2>/dev/full', 'exec "$@" 2>&-'):
        done = desk.cli("import", "git", str(history), through=through)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"1 commits read")


def test_a_memory_on_a_read_only_disk_is_read_and_a_write_is_refused(desk: Desk) -> None:
    frozen = 'mount --bind "$HOME/.." "$HOME/.." && mount -o remount,ro,bind "$HOME/.." && exec "$@"'
    alone = ["unshare", "--mount", "--map-root-user", "sh", "-c", frozen, "sh"]
    if shutil.which("unshare") is None or desk.call(*alone, "true").returncode:
        pytest.skip("this machine cannot take a disk's writability from a process")
    desk.cli("note", "add", "a fact")

    assert b"a fact" in desk.call(*alone, *ENTRANCE, "note", "list").stdout
    for words in (
        ("note", "add", "x"),
        ("config", "init"),
        ("backup", "create"),
        ("export", str(desk.root / "export")),
        ("model", "install", "--from", str(desk.root)),
        ("cache", "clear"),
        ("setup", "claude"),
        ("project", "layer", "x"),
    ):
        done = desk.call(*alone, *ENTRANCE, *words)
        assert (done.returncode, done.stdout) == (1, b""), words
        assert done.stderr.decode().splitlines()[-1].startswith("memory-cli: ")
        assert b"unforeseen" not in done.stderr
    done = desk.call(
        *alone, *ENTRANCE, "hook", text=b'{"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": "a"}'
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"memory-cli hook: ")


def test_a_store_is_written_while_streams_are_closed_and_holds_nothing_of_theirs(desk: Desk) -> None:
    done = desk.cli("note", "add", "a fact", through='exec "$@" <&- 2>&-')

    assert done.returncode == 0
    assert [each["text"] for each in json.loads(desk.cli("note", "list", "--json").stdout)["notes"]] == ["a fact"]


@pytest.mark.parametrize(
    "words",
    [
        ("redact",),
        ("conversation", "add", "-"),
        ("note", "delete", "NOTE"),
        ("episode", "log-step", "x", "a", "b"),
    ],
)
def test_a_closed_input_is_an_empty_one(desk: Desk, words: tuple[str, ...]) -> None:
    note = desk.cli("note", "add", "a fact").stdout.decode().strip()

    done = desk.cli(*(note if word == "NOTE" else word for word in words), through='exec "$@" <&-')

    assert done.returncode in {0, 1}
    assert b"unforeseen" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_gone_ends_the_command_silently(desk: Desk) -> None:
    for _ in range(3):
        desk.cli("note", "add", "x" * 9_000)

    done = desk.call("sh", "-c", f"{sys.executable} -m memory_cli.entrance export - | true; echo ended")

    assert (done.stdout, done.stderr) == (b"ended\n", b"")


def test_ctrl_c_is_exit_code_130_and_silent(desk: Desk) -> None:
    command = [*ENTRANCE, "redact"]
    with subprocess.Popen(
        command, env=desk.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        stack = Path(f"/proc/{process.pid}/wchan")
        while process.poll() is None and "pipe" not in stack.read_text(encoding="utf-8"):
            pass  # it has not come to reading yet
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, errors) == (130, b"", b"")


INPUTS = {
    "conversation add": ["FILE"],
    "handoff import": ["FILE"],
    "episode log-step": ["EPISODE", "bash", "ls", "--parameters", '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}"],
    **{
        f"import {kind}": ["FILE"]
        for kind in (
            *(
                "git",
                "claude-code",
                "opencode",
                "codex",
                "swe-agent",
                "mini-swe-agent",
                "server-memory",
                "mcp-memory-service",
            ),
            *("claude-mem", "basic-memory", "mem0", "slack", "jsonl"),
        )
    },
}


@pytest.mark.parametrize("command", INPUTS)
def test_input_that_is_nested_too_deeply_is_reported(shared: tuple[Desk, dict[str, str]], command: str) -> None:
    desk, ids = shared

    done = desk.cli(*command.split(), *(ids.get(word, word) for word in INPUTS[command]))

    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2}
    assert done.stderr
    if not command.startswith("import"):
        assert b"unforeseen" not in done.stderr


NUMBERS = """
episode list --limit HUGE
episode list --limit -HUGE
episode list --since HUGEd
episode list --since 0000-00-00
episode search x --limit HUGE
episode log-step EPISODE a b --latency-ms 1e999
episode view EMPTY
note list --limit HUGE
note add x --importance nan
note add x --valid-until 99999-01-01
conversation list --limit HUGE
conversation view TALK --from HUGE
handoff list --limit HUGE
pattern list --limit HUGE
pattern list --least HUGE
playbook list --limit HUGE
relationship graph x --depth HUGE
feedback helped x --rating HUGE
cache warm --episodes HUGE
bench --episodes HUGE --only none
replay --limit HUGE
replay --limit -HUGE
replay LONG
replay ODD
replay EMPTY
replay --runs LONG
replay --runs EMPTY
replay --runs /proc/x
replay --runs FILE --format ODD
doctor --limit nan
EMPTY EMPTY
--set x= where
--set = where
--set =5 where
--set store.busy_timeout_s=1e999 where
--set recall.candidates=HUGE where
--set recall.floor=nan where
--project LONG where
--config EMPTY where
--config /dev/null where
--home EMPTY where
--config LONG where
--config LONG config init
--config /proc/x config init
export LONG
export /proc/x
export /
handoff export EPISODE LONG
handoff import LONG
conversation add LONG
model install --from LONG
backup verify LONG
backup restore LONG
note add ODD
note search ODD
episode create ODD --tag ODD
episode view ODD
episode log-step EPISODE ODD ODD --parameters ODD
tag add EPISODE ODD
check ODD --file ODD
feedback helped ODD
project layer ODD
pattern search ODD
playbook recommend ODD
conversation add FILE --title ODD
handoff create EPISODE --note ODD
relationship add ODD follows ODD
setup ODD
backup verify ODD
export /proc/ODD
--project ODD note list
--project ODD where --json
--config ODD where
--set project.name=ODD where
--set ODD=ODD where
"""
ODD = b"\xff".decode("utf-8", "surrogateescape")
BEYOND = {"HUGE": "9" * 20, "-HUGE": "-" + "9" * 20, "HUGEd": "9" * 400 + "d", "EMPTY": "", "LONG": "x" * 5_000}


@pytest.mark.parametrize("call", NUMBERS.strip().splitlines())
def test_numbers_and_names_beyond_the_limits_are_reported(shared: tuple[Desk, dict[str, str]], call: str) -> None:
    desk, ids = shared

    done = desk.cli(*((ids | BEYOND).get(word, word.replace("ODD", ODD)) for word in call.split()))

    assert b"unforeseen" not in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2}


SECRET = "sk-ant-" + "a1" * 20
BROKEN = (
    "import sys, typer; from memory_cli.commands import where\n"
    f"def broken(context: typer.Context): raise KeyError('x\\x1b[2J\\u202e {SECRET}')\n"
    "where.where = broken\n"
    "from memory_cli.app import main\n"
    "sys.argv = ['memory-cli', *sys.argv[1:], 'where']\n"
    "main()"
)


def test_what_nobody_foresaw_is_one_sentence_and_its_traceback_is_in_the_log(desk: Desk) -> None:
    log = Path(json.loads(desk.cli("where", "--json").stdout)["log"])

    done = desk.call(sys.executable, "-c", BROKEN)

    assert done.returncode == 1
    said = done.stderr.decode()
    assert re.fullmatch(
        rf"memory-cli: something unforeseen happened \(KeyError: .*\); details are in {re.escape(str(log))}\n", said
    )
    kept = log.read_text(encoding="utf-8")
    assert "    Traceback (most recent call last):\n" in kept
    assert "broken" in kept
    assert SECRET not in kept + said
    assert not {"\x1b", "\u202e"} & set(kept + said)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert len([line for line in kept.splitlines() if not line.startswith("    ")]) == 1


def test_the_log_of_an_option_is_the_one_that_is_written(desk: Desk) -> None:
    desk.call(sys.executable, "-c", BROKEN, "--home", str(desk.root / "other"))

    assert (desk.root / "other" / "memory-cli.log").exists()


def test_a_log_that_has_grown_gives_way_to_a_new_one(desk: Desk) -> None:
    log = desk.home / "memory-cli.log"
    log.write_text("x" * 1_100_000)

    desk.call(sys.executable, "-c", BROKEN)

    assert (desk.home / "memory-cli.log.1").stat().st_size == 1_100_000
    assert log.stat().st_size < 20_000


@pytest.mark.parametrize("made", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_a_log_that_cannot_be_written_is_reported_in_the_same_sentence(
    desk: Desk, made: Callable[[Path], None]
) -> None:
    made(desk.home / "memory-cli.log")

    done = desk.call(sys.executable, "-c", BROKEN)

    assert done.returncode == 1
    assert re.fullmatch(
        rb"memory-cli: something unforeseen happened \(KeyError: .*\); the details cannot be kept in .*: [A-Z].*\n",
        done.stderr,
    )


HOOKED: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "a directory that is gone": ({"through": GONE}, "working directory"),
    "a home too long": ({"MEMORY_MCP_HOME": LONG}, "File name too long"),
    "a home that is not UTF-8": ({"MEMORY_MCP_HOME": b"/tmp/\xff"}, "not UTF-8"),
    "a home that is a file": ({"MEMORY_MCP_HOME": __file__}, "not a directory"),
    "a home of nobody": ({"MEMORY_MCP_HOME": "~nobody-of-this-name/x"}, "home directory"),
    "no stdout": ({"through": 'exec "$@" >&-'}, "stdout is closed"),
    "a full stdout": ({"through": 'exec "$@" >/dev/full'}, "No space left"),
}


@pytest.mark.parametrize("case", HOOKED)
def test_a_hook_ends_with_exit_code_0_and_a_line_in_a_log(desk: Desk, case: str) -> None:
    how, reason = HOOKED[case]
    desk.cli("note", "add", "the build needs node 22", "--importance", "0.9")

    done = desk.cli("hook", text=HOOK, **how)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    logs = [desk.home / "hooks" / "hook.log", desk.root / "user" / ".memory-mcp.log"]
    (line,) = [line for log in logs if log.exists() for line in log.read_text(encoding="utf-8").splitlines()]
    assert reason in line


@pytest.mark.parametrize("case", [case for case in SETTINGS if case != "a NUL in the home"])
def test_a_hook_ends_with_exit_code_0_whatever_its_settings_file_is(desk: Desk, case: str) -> None:
    made, reason = SETTINGS[case]
    place(desk.settings, made)

    done = desk.cli("hook", text=HOOK)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert reason in (desk.home / "hooks" / "hook.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "through", ['exec "$@" <&-', 'exec "$@" 2>&-', 'exec "$@" <&- >&- 2>&-', 'exec "$@" 2>/dev/full']
)
def test_a_hook_ends_with_exit_code_0_whatever_its_streams_are(desk: Desk, through: str) -> None:
    done = desk.cli("hook", "stop", text=HOOK, through=through)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


STARTS: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "a directory that is gone": ({"through": GONE}, "working directory"),
    "a home too long": ({"MEMORY_MCP_HOME": LONG}, "File name too long"),
    "a home that is not UTF-8": ({"MEMORY_MCP_HOME": b"/tmp/\xff"}, "not UTF-8"),
    "a home that is a file": ({"MEMORY_MCP_HOME": __file__}, "not a directory"),
    "no stdin": ({"through": 'exec "$@" <&-'}, "stdin is closed"),
    "no stdout": ({"through": 'exec "$@" >&-'}, "stdout is closed"),
}


@pytest.mark.parametrize("case", STARTS)
def test_a_server_that_cannot_start_says_why_in_one_line(desk: Desk, case: str) -> None:
    how, reason = STARTS[case]

    done = desk.call(*SERVER, **how)  # type: ignore[arg-type]  # the names of `call`

    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (1, 1), said
    assert said.startswith("memory-mcp cannot start: ")
    assert reason in said


@pytest.mark.parametrize(
    "case", ["a pipe", "a directory", "not UTF-8", "a table for a value", "deep lists", "a deep key"]
)
def test_a_server_with_odd_settings_says_why_in_one_line(desk: Desk, case: str) -> None:
    made, reason = SETTINGS[case]
    place(desk.settings, made)

    done = desk.call(*SERVER)

    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (1, 1), said
    assert reason in said
