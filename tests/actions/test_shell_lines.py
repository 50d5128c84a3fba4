"""Shell texts as agents, Windows and attackers write them, and the simple commands in each."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.shell_lines import Redirection, SimpleCommand, program_name, simple_commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        (
            "cd /repo && FOO=1 timeout 60 pytest 'a b' 2>&1 | head -5; echo done",
            [
                SimpleCommand(("cd", "/repo")),
                SimpleCommand(
                    ("pytest", "a b"), "&&", (("FOO", "1"),), ("timeout 60",), (Redirection("2>&", "1"),)
                ),
                SimpleCommand(("head", "-5"), "|"),
                SimpleCommand(("echo", "done"), ";"),
            ],
        ),
        (
            "cat > a.py <<'EOF'\nprint('x') && 1\nEOF\npython a.py",
            [
                SimpleCommand(
                    ("cat",),
                    redirections=(Redirection(">", "a.py"), Redirection("<<", "EOF")),
                    stdin="print('x') && 1\n",
                ),
                SimpleCommand(("python", "a.py"), ";"),
            ],
        ),
        (
            "cat <<A <<-B\n1\nA\n\t2\n\tB\nls",
            [
                SimpleCommand(("cat",), redirections=(Redirection("<<", "A"), Redirection("<<-", "B")), stdin="\t2\n"),
                SimpleCommand(("ls",), ";"),
            ],
        ),
        (
            "bash -lc 'cd src && make' > out.txt",
            [
                SimpleCommand(("cd", "src"), wrappers=("bash",)),
                SimpleCommand(("make",), "&&", wrappers=("bash",), redirections=(Redirection(">", "out.txt"),)),
            ],
        ),
        ("sh <<E\nls\nE", [SimpleCommand(("ls",), wrappers=("sh",), redirections=(Redirection("<<", "E"),))]),
        ('cmd /c "set A=1 && npm test"', [
            SimpleCommand(("set", "A=1"), wrappers=("cmd",)),
            SimpleCommand(("npm", "test"), "&&", wrappers=("cmd",)),
        ]),
        (
            "$env:A = 'x y'; & 'C:\\Python\\python.exe' -m pytest",
            [
                SimpleCommand((), assignments=(("A", "x y"),)),
                SimpleCommand(("C:\\Python\\python.exe", "-m", "pytest"), "&"),
            ],
        ),
        (
            "if ! make; then sudo -u me env A=1 nohup b; fi",
            [
                SimpleCommand(("make",), nested=True),
                SimpleCommand(("b",), ";", (("A", "1"),), ("sudo -u me", "env", "nohup"), nested=True),
            ],
        ),
        ('echo "$(git log | head)" # why', [SimpleCommand(("echo", "$(git log | head)"))]),
        ("psql <<< 'select 1'", [
            SimpleCommand(("psql",), redirections=(Redirection("<<<", "select 1"),), stdin="select 1")
        ]),
        ("a \\\n  b", [SimpleCommand(("a", "b"))]),
        ("cat <<E | bash\npytest -q\nE", [
            SimpleCommand(("cat",), redirections=(Redirection("<<", "E"),), stdin="pytest -q\n"),
            SimpleCommand(("pytest", "-q"), "|", wrappers=("bash",)),
        ]),
        ("make & ls", [SimpleCommand(("make",), in_background=True), SimpleCommand(("ls",), "&")]),
        ("edit 1:2\nmake\nend_of_edit", [SimpleCommand(("edit", "1:2"))]),
        ("timeout $T make", [SimpleCommand(("make",), wrappers=("timeout $T",))]),
        ("command -v git", [SimpleCommand(("command", "-v", "git"))]),
        ("echo 'never closed && ls", [SimpleCommand(("echo", "never closed && ls"))]),
        ("", []),
    ],
)  # fmt: skip
def test_a_shell_text_is_read_into_its_simple_commands(text: str, commands: list[SimpleCommand]) -> None:
    assert list(simple_commands(text)) == commands


def test_what_a_command_writes_is_told_from_streams_and_devices() -> None:
    (command,) = simple_commands("make > out.txt 2>&1 2>/dev/null >> log.txt < in.txt")

    assert command.written == ("out.txt", "log.txt")


@pytest.mark.parametrize(
    ("word", "name"),
    [("/usr/bin/python3", "python3"), ("C:\\x\\npm.cmd", "npm"), ("./gradlew.bat", "gradlew"), (".exe", ".exe")],
)
def test_a_program_is_named_without_directory_and_windows_ending(word: str, name: str) -> None:
    assert program_name(word) == name


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=6))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    (command,) = simple_commands("run " + " ".join(map(shlex.quote, words)))

    assert command.words == ("run", *words)


@given(st.text(alphabet="ab \n'\"\\$`(){}<>|&;#=-cEOF1", max_size=200) | st.text(max_size=200))
def test_any_text_is_read_without_failing(text: str) -> None:
    for wrapped in (text, f"bash -c {text}", f"cat <<EOF\n{text}"):
        assert all(each.words or each.assignments or each.redirections for each in simple_commands(wrapped))


@pytest.mark.parametrize(
    "piece", ["$(", '"', "'", "`", "${", '"$(', "<<A\n", "A=1 ", "sudo ", '"\\"', "((", "bash -c '", "a|", '`"$(', "<("]
)
def test_a_long_hostile_text_is_read_to_its_end(piece: str) -> None:
    assert isinstance(simple_commands(piece * (60_000 // len(piece))), tuple)
