"""Commands as shells and agents write them, and what is read out of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.commands import file_named, parse_command


@pytest.mark.parametrize(
    ("command", "verb", "kind", "files"),
    [
        ("pytest", "pytest", "test", ()),
        ("python3.11 -m pytest tests/test_a.py::test_b -q", "pytest", "test", ("tests/test_a.py",)),
        ("cd app && FOO=1 uv run pytest tests 2>&1 | tail -5", "pytest", "test", ()),
        ("git add -A && git commit -m 'done'", "git add && git commit", "finish", ()),
        ("git -C repo status", "git status", "read", ()),
        ("npm run test -- --watch", "npm run test", "test", ()),
        ("make", "make", "build", ()),
        ("make test", "make test", "test", ()),
        ("sed -n '1,20p' a.py", "sed", "read", ("a.py",)),
        ("sed -i s/a/b/ a.py", "sed", "edit", ("a.py",)),
        ("grep -rn needle src/app.py | head", "grep", "search", ("src/app.py",)),
        ("/usr/local/bin/ruff check ./x.py", "ruff", "build", ("x.py",)),
        ("sudo apt-get install jq", "apt-get install", "install", ()),
        ("curl http://localhost:8080/health", "curl", "probe", ()),
        ("echo 'unclosed", "echo", "other", ()),
        ("gh pr view 12", "gh pr view", "read", ()),
        ("gh pr create --fill", "gh pr create", "finish", ()),
        ("test -f a.py && cat a.py", "test && cat", "read", ("a.py",)),
        ("cat > a.py <<EOF\nimport b\nEOF", "write", "edit", ("a.py",)),
        ("git status; echo x >> a.py", "write", "edit", ("a.py",)),
        ("bash -lc 'cd /testbed && .venv/bin/pytest tests/t.py'", "pytest", "test", ("tests/t.py",)),
        (r"perl -pi -e s/a/b/ .\src\a.py", "perl", "edit", ("src/a.py",)),
        ("", "?", "other", ()),
    ],
)
def test_a_command_is_read_for_program_kind_and_files(
    command: str, verb: str, kind: str, files: tuple[str, ...]
) -> None:
    parsed = parse_command(command)

    assert (parsed.verb, parsed.kind, parsed.files) == (verb, kind, files)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pytest --durations 3", "pytest --durations 5"),
        ("git show 1a2b3c4d5e", "git show 99aa88bb77"),
        ("git commit -m 'fix a thing'", "git commit -m 'fix another thing'"),
        ("cat /tmp/tmpx1y2z3/log", "cat /tmp/tmpa9b8c7/log"),
        ("cd /testbed && npm test", "npm test"),
    ],
)
def test_runs_of_one_command_have_one_shape(one: str, other: str) -> None:
    assert parse_command(one).shape == parse_command(other).shape


def test_commands_on_different_files_have_different_shapes() -> None:
    assert parse_command("pytest a.py").shape != parse_command("pytest b.py").shape


@pytest.mark.parametrize(
    ("word", "file"),
    [
        ("src/a.py", "src/a.py"),
        ("./a.py:12", "a.py"),
        ("tests/t.py::test_x", "tests/t.py"),
        ("README.md", "README.md"),
        ("1.5", None),
        ("--file=a.py", None),
        ("https://example.org/a.py", None),
        ("word", None),
    ],
)
def test_a_file_is_told_from_a_word(word: str, file: str | None) -> None:
    assert file_named(word) == file


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    parsed = parse_command(text)

    assert parsed.verb
    assert parsed.shape
