"""Which programs a command line runs, through whatever carries them, and what stands around each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.programs import plain_name, programs


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("uv run --extra dev pytest -q", [("pytest", "-q")]),
        ("timeout 5m sudo -u me uv run bash -lc 'python3.11 -m pytest'", [("pytest",)]),
        ("timeout $LIMIT pytest", [("pytest",)]),
        ("docker exec -w /x web sh -c 'cd a && pytest | tail'", [("cd", "a"), ("pytest",), ("tail",)]),
        ("docker compose run --rm web npx jest", [("jest",)]),
        ("kubectl exec pod -- pytest", [("pytest",)]),
        ("docker compose up", [("docker", "compose", "up")]),
        ("hatch run test:pytest", [("pytest",)]),
        ("python -mcoverage run --source a -m pytest", [("pytest",)]),
        ("python -W error -um unittest", [("unittest",)]),
        ("out=$(pytest -q); echo", [("pytest", "-q"), ("echo",)]),
        ("for f in a b; do pytest $f; done", [("pytest", "$f")]),
        ("cat <<E | bash\npytest\nE", [("cat",), ("pytest",)]),
        ('cmd /c "npm test"', [("npm", "test")]),
        ("$env:A = 'x'; & 'C:\\v\\python.exe' -m pytest", [("pytest",)]),
        ("edit 1:2\npytest\nend_of_edit", [("edit", "1:2")]),
        ("uv run", []),
        ("", []),
    ],
)
def test_a_program_is_found_through_what_carries_it(text: str, runs: list[tuple[str, ...]]) -> None:
    assert [program.words for program in programs(text)] == runs


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("pytest", "", ()),
        ("cd x && pytest 2>&1 | tail; ls", "&&", ("|", ";")),
        ("make || pytest", "||", ()),
        ("pytest &", "", ("&",)),
        ("pytest & ls", "", ("&",)),
        ("(ls; pytest) &", ";", ("&",)),
        ("bash -c 'pytest' && ls", "", ("&&",)),
        ("ls\ndocker exec x sh -c 'pytest; true' | tail", ";", (";", "|")),
        ("pytest; CODE=$?", "", (";",)),
        ("sudo bash -c 'pytest &'", "", ("&",)),
    ],
)
def test_the_operators_around_a_program_are_known(text: str, before: str, after: tuple[str, ...]) -> None:
    program = next(each for each in programs(text) if each.name == "pytest")

    assert (program.before, program.after) == (before, after)


@pytest.mark.parametrize(
    ("text", "nested"),
    [
        ("if pytest; then ls; fi", True),
        ("for f in a; do pytest; done | tail", True),
        ("case $x in a) pytest;; esac", True),
        ("! pytest", True),
        ("while true; do bash -c 'pytest'; done", True),
        ("out=$(pytest)", True),
        ("if ls; then cat; fi; pytest", False),
        ("bash -c 'pytest'", False),
        ("{ pytest; }", False),
    ],
)
def test_what_runs_inside_a_block_is_told_from_what_runs_once(text: str, *, nested: bool) -> None:
    program = next(each for each in programs(text) if each.name == "pytest")

    assert program.command.nested is nested


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("/usr/bin/python3.12", "python"),
        ("C:\\x\\pip3.exe", "pip"),
        ("g++-13", "g++"),
        ("ls", "ls"),
        ("py.test-3", "py.test"),
    ],
)
def test_a_program_is_named_without_its_version(word: str, name: str) -> None:
    assert plain_name(word) == name


@given(st.text(alphabet="ab \n'\"\\$`(){}<>|&;#=-cEOF1", max_size=200) | st.text(max_size=200))
def test_any_text_has_programs_with_words(text: str) -> None:
    for wrapped in (text, f"uv run {text}", f"docker exec x sh -c '{text}'", f"A=$({text})"):
        assert all(program.words for program in programs(wrapped))


@pytest.mark.parametrize(
    "command",
    [
        *("a;" * 100_000, "bash -c 'a;" * 9_000, "(" * 100_000, "<<A\n" * 20_000, "'" * 99_999, "uv run " * 10_000),
        *("x=$(" * 20_000, "x=$(a;" * 9_000 + ")" * 9_000, "docker exec x sh -c '" * 4_000, "A=$(b) " * 9_000),
    ],
)
def test_programs_of_a_command_line_are_limited(command: str) -> None:
    assert len(programs(command)) <= 200
