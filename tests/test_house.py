"""The shape of the code: sizes, names, sentences, and who may speak SQL."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted([*ROOT.glob("memory_mcp/**/*.py"), *ROOT.glob("memory_cli/**/*.py")])
VAGUE = {"utils", "util", "helpers", "common", "misc", "core", "base", "types", "manager", "impl"}
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\b.+\bINTO|UPDATE\b.+\bSET|DELETE FROM|CREATE (?:VIRTUAL )?TABLE|PRAGMA )\b", re.DOTALL
)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_named_well_and_opens_with_a_sentence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text))

    assert len(text.splitlines()) <= 400
    assert path.stem not in VAGUE
    assert doc is not None
    assert doc.split("\n\n")[0].rstrip().endswith(".")
    assert doc.startswith(("This module ", "This package "))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_function_is_short_and_takes_few_parameters(path: Path) -> None:
    is_command = "commands" in path.parts or path.name == "app.py"
    for function in functions(ast.parse(path.read_text(encoding="utf-8"))):
        arguments = function.args
        count = len([each for each in (*arguments.args, *arguments.kwonlyargs) if each.arg not in {"self", "cls"}])

        assert (function.end_lineno or 0) - function.lineno < 60, function.name
        assert is_command or count <= 7, function.name  # a command has one parameter per option


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_is_spoken_in_storage_only(path: Path) -> None:
    if path.is_relative_to(ROOT / "memory_mcp" / "storage") or path == ROOT / "memory_cli" / "bench" / "peers.py":
        return  # the peers of a benchmark speak it to files of their own
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]

    assert [text for text in texts if SQL.search(text)] == []


def test_broad_excepts_stand_only_at_the_entrance() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]

    assert set(found) == {
        "memory_cli/app.py",  # the command line: one sentence, the traceback in the log
        "memory_mcp/hooks/entrance.py",  # a hook: a line in its log, exit code 0
        "memory_mcp/hooks/replaying.py",  # an event that waited: set aside with the reason
        "memory_mcp/server/app.py",  # a server that cannot start: one line on stderr
        "memory_mcp/server/desk.py",  # the background of a server: logged, and it goes on
        "memory_mcp/server/stdio/connection.py",  # a request: an error for this request alone
        "memory_mcp/server/tool_calls.py",  # a call of a tool: an error for this call alone
    }


# what prints without `memory_cli.show`, and why
PRINTERS = {
    "memory_cli/show.py": {"typer.confirm", "sys.stdout", "sys.stderr", "Console(", "print("},  # the one place
    "memory_cli/streams.py": {"sys.stdout"},  # mends the streams that it writes to
    "memory_cli/entrance.py": {"sys.stdout"},  # hands it to a hook, whose answer is ASCII JSON
    "memory_cli/commands/hook.py": {"sys.stdout"},  # as above
    "memory_cli/app.py": {"sys.stdout"},  # silences it when its reader has gone
    "memory_mcp/hooks/entrance.py": {"print(", "sys.stderr"},  # says what even the log could not take, as one line
    "memory_mcp/server/app.py": {"sys.stderr"},  # its log and its refusal to start, each as one line
    "memory_mcp/server/costs.py": {"sys.stdout"},  # JSON for `tools`, read by a program
    "memory_mcp/server/rehearsal.py": {"sys.stdout"},  # JSON for `demo`, read by a program
}
_PRINTING = re.compile(
    r"typer\.(?:echo|secho|confirm|prompt|style|progressbar|launch)|click\.\w+|\bprint\(|\bConsole\(|\bpprint\b"
    r"|sys\.(?:stdout|stderr|__stdout__|__stderr__)|/dev/(?:tty|stdout|stderr)"
)


def printing_words(path: Path) -> set[str]:
    """Return what in the code of a module could print, texts and comments aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "/dev/" not in node.value:
            node.value = ""
    return set(_PRINTING.findall(ast.unparse(tree)))


def test_what_is_printed_goes_through_one_module_that_escapes_it() -> None:
    found = {str(path.relative_to(ROOT)): words for path in MODULES if (words := printing_words(path))}

    assert found == PRINTERS


def test_only_entrances_read_the_environment() -> None:
    readers = {str(path.relative_to(ROOT)) for path in MODULES if "os.environ" in path.read_text(encoding="utf-8")}

    assert readers == {
        "memory_cli/app.py",
        "memory_cli/entrance.py",
        "memory_cli/commands/demo.py",  # hands the environment on to the server it starts
        "memory_mcp/config/user_directories.py",  # as platformdirs does for us elsewhere
        "memory_mcp/server/app.py",
        "memory_mcp/server/rehearsal.py",  # an entrance of its own, run as a process
        "memory_mcp/worktrees/git.py",  # hands the environment on to git, without what points git elsewhere
    }


STARTERS = {
    "memory_cli/bench/agents.py": "our hooks with -P, and the user's own git in a scratch repository",
    "memory_cli/bench/processes.py": "our own modules with -P",
    "memory_cli/clients/registering.py": "the agent's own program, from the user's home",
    "memory_cli/commands/demo.py": "our own rehearsal with -P",
    "memory_cli/commands/tools.py": "our own catalogue with -P",
    "memory_cli/proofs/faults.py": "our own commands with -P, on scratch memories",
    "memory_cli/proofs/poison_doors.py": "our own commands with -P, and the user's own git in a scratch repository",
    "memory_cli/servers.py": "our own server with -P, or the program of this installation",
    "memory_mcp/embeddings/models.py": "pip of our own interpreter with -P",
    "memory_mcp/hooks/settling.py": "our own hook with -P, which asks git in place of a hook in a hurry",
    "memory_mcp/server/rehearsal.py": "our own server, through the official client",
    "memory_mcp/worktrees/git.py": "git, with everything off that a repository could make it run",
}
STARTING_MODULES = {"subprocess", "multiprocessing", "pty", "popen2", "webbrowser"}
STARTING_CALLS = re.compile(
    r"(os\.(system|popen|startfile|fork\w*|exec\w*|spawn\w*|posix_spawn\w*)|asyncio\.(subprocess|create_subprocess\w*)|"
    r"anyio\.(open|run)_process|(typer|click)\.(launch|edit|echo_via_pager)|\w+\.pager|(\w+\.)?StdioServerParameters|"
    r"\w+\.subprocess_(exec|shell))$"
)
PROGRAMS = {"git", "claude", "npm", "npx", "node", "python", "python3", "sh"}


def starts_programs(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if {each.name.split(".")[0] for each in names} & STARTING_MODULES:
                return True
            case ast.ImportFrom(module=str(module), names=names):
                told = {f"{module.split('.')[-1]}.{each.name}" for each in names} | {each.name for each in names}
                if module.split(".")[0] in STARTING_MODULES or any(STARTING_CALLS.match(each) for each in told):
                    return True
            case ast.Attribute() | ast.Name() if STARTING_CALLS.match(ast.unparse(node)):
                return True
            case _:
                pass
    return False


def test_only_these_modules_start_a_program() -> None:
    found = {str(path.relative_to(ROOT)) for path in MODULES if starts_programs(ast.parse(path.read_text("utf-8")))}

    assert found == set(STARTERS)


@pytest.mark.parametrize(
    "code",
    [
        *(
            "import subprocess",
            "from subprocess import run",
            "import os\nos.execvp('git', [])",
            "from os import system",
        ),
        *("import os\nos.posix_spawnp('x', [], {})", "import asyncio\nasyncio.create_subprocess_exec('x')"),
        *("import typer\ntyper.launch('x')", "from mcp.client.stdio import StdioServerParameters"),
    ],
)
def test_a_module_that_starts_a_program_is_noticed(code: str) -> None:
    assert starts_programs(ast.parse(code))


@pytest.mark.parametrize("name", list(STARTERS))
def test_no_command_line_begins_with_a_name_that_a_repository_could_hold(name: str) -> None:
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.List | ast.Tuple) and node.elts and isinstance(first := node.elts[0], ast.Constant):
            assert Path(str(first.value)).name not in PROGRAMS


def test_an_interpreter_of_ours_does_not_look_for_modules_where_it_is_started() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        starts = re.findall(r"\[sys\.executable(?!, \"-P\")[^\]]*\]", text)

        assert [start for start in starts if start != "[sys.executable, *start]"] == [], path


def test_tests_do_not_patch_sleep_or_expect_failure() -> None:
    forbidden = re.compile(r"mock\.patch|MagicMock|time\.sleep|asyncio\.sleep|xfail\b(?!_)")
    others = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]

    assert [str(path) for path in others if forbidden.search(path.read_text(encoding="utf-8"))] == []
