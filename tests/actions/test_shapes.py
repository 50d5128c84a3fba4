"""Pairs of command lines, most of them from ../shared/data, that are runs of the same thing, and pairs that are not."""

import gzip
import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.shapes import shape

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
LINTER_TEST = "python -m pytest test/core/linter_test.py"
VERSION = 'python -c "import sqlfluff; print(sqlfluff.__version__)"'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # mini-swe-agent: the root, pagers, streams, how much is shown
        (f"cd /testbed && {LINTER_TEST} -xvs 2>&1 | tail -50", f"cd /testbed && {LINTER_TEST} -x 2>&1 | tail -5"),
        (f"{LINTER_TEST} -xvs --tb=short", LINTER_TEST),
        (f"{LINTER_TEST} --tb long --durations=3 -rA -p no:cacheprovider | grep FAILED", LINTER_TEST),
        (f"cd /testbed && {VERSION} 2>&1 | head -5", VERSION),
        ("cd /testbed && python test_final.py 2>&1", "python test_final.py"),
        ("python ./fix_test.py", "python fix_test.py"),
        ("python /testbed/fix_test.py", "python fix_test.py"),
        ("cp ./pydicom/config.py ./pydicom/config.py.backup", "cp pydicom/config.py pydicom/config.py.backup"),
        ("git checkout src/a.py 2>/dev/null || true", "git checkout src/a.py"),
        ("cat > t.py << 'EOF'\nprint(1)\nEOF", "cat > t.py << 'EOF'\nprint(2)\nEOF"),
        ("python test.py; echo $?", "echo start && python test.py"),
        ("ls && python test.py", "git status && python test.py | less"),
        ("python -u test.py", "python test.py"),
        # wrappers
        ("timeout 60 pytest a.py", "pytest a.py"),
        ("timeout -k 5 60s nohup pytest a.py", "time pytest a.py"),
        ("bash -lc 'cd /testbed && pytest a.py | head'", "pytest a.py"),
        ("bash <<'EOF'\nset -e\npytest a.py\nEOF", "pytest a.py"),
        ("PYTHONDONTWRITEBYTECODE=1 NO_COLOR=1 pytest a.py", "pytest a.py"),
        ("export A=1; npm test", "A=1 npm test"),
        ("/usr/bin/git commit -m 'fix a thing'", "git commit -m 'fix another thing'"),
        # Windows
        (r"pytest .\tests\test_a.py", "pytest tests/test_a.py"),
        ("npm.cmd test", "npm test"),
        ('cmd /c "cd /d sub && npm test"', "cd sub && npm test"),
        ('powershell -NoProfile -Command "npm test | Select-Object -First 20"', "npm test"),
        ("$env:A = '1'; npm test", "A=1 npm test"),
        # what is fed
        ("python - <<EOF\nimport a\nEOF", "python - <<'X'\nimport a\nX"),
        ('psql -c "SELECT * FROM t WHERE id = 5"', 'psql -c "SELECT *  FROM t WHERE id = 71"'),
        ("cat a.sql | psql shop", "psql shop < a.sql"),
        ("gh pr view 12", "gh pr view 7"),
        ("git show 1a2b3c4d5e", "git show 99aa88bb77"),
        ("cat /tmp/tmpab12cd34/log", "cat /tmp/tmpzz99yy88/log"),
        ("make -j8 check", "make -j2 check"),
        ("edit 15:15\n  one\nend_of_edit", "edit 15:15\n  two && three\nend_of_edit"),
    ],
)
def test_runs_of_the_same_thing_share_a_shape(one: str, other: str) -> None:
    assert shape(one) == shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LINTER_TEST, f"{LINTER_TEST}::test__linter__encoding"),
        (LINTER_TEST, f"{LINTER_TEST} -k fix"),
        (LINTER_TEST, f"{LINTER_TEST} -n 4"),
        ("pytest a.py", "pytest b.py"),
        ("python -m pytest a.py", "pytest a.py"),
        ("python test.py", "python3 test.py"),
        ("python test.py", "/usr/bin/python3 test.py"),
        ("python test.py", ".venv/bin/python test.py"),
        ("python test.py", "uv run python test.py"),
        ("python test.py", "PYTHONPATH=src python test.py"),
        ("DJANGO_SETTINGS_MODULE=a pytest", "DJANGO_SETTINGS_MODULE=b pytest"),
        ("cd sub && make", "make"),
        ("cd /testbed/sub && make", "cd /testbed && make"),
        ("cd /tmp && python test.py", "python test.py"),
        ("source .venv/bin/activate && python test.py", "python test.py"),
        ("sudo apt-get install jq", "apt-get install jq"),
        ('python -c "import a; a.one()"', 'python -c "import a; a.two()"'),
        ("python - <<EOF\nimport a\nEOF", "python - <<EOF\nimport b\nEOF"),
        ("python -c 'import a'", "python a.py"),
        ("cat > t.py <<E\nprint(1)\nE\npython t.py", "cat > t.py <<E\nprint(2)\nE\npython t.py"),
        ("cat > t.py <<E\nx\nE", "cat > u.py <<E\nx\nE"),
        ('psql -c "SELECT 1 FROM a"', 'psql -c "SELECT 1 FROM b"'),
        ("psql shop < a.sql", "psql shop < b.sql"),
        ("psql shop", "psql test"),
        ("gh pr view 12", "gh pr create"),
        ("gh pr view 12", "gh issue view 12"),
        ("git stash && pytest", "pytest"),
        ("pytest && git commit -m x", "pytest"),
        ("curl localhost:8000", "curl localhost:8001"),
        ("npm test", "npm run build"),
        ("pip install a", "pip install b"),
        ("pip install -e .", "pip install ."),
        ("for f in a b; do python $f; done", "for f in c d; do python $f; done"),
        ("sed -i s/a/b/ x.py", "sed -i s/a/c/ x.py"),
        (f"pytest {'a.py ' * 200} b.py", f"pytest {'a.py ' * 200} c.py"),
    ],
)
def test_what_may_fail_for_another_reason_has_another_shape(one: str, other: str) -> None:
    assert shape(one) != shape(other)


def test_files_are_named_relative_to_the_work_tree_that_is_given() -> None:
    assert shape("cd /home/me/shop/sub && pytest /home/me/shop/a.py", "/home/me/shop") == shape("cd sub && pytest a.py")
    assert shape("cd /home/me/shop && pytest", "/home/me/shop") == "pytest"
    assert shape("cd /home/me/shop && pytest") != "pytest"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")
def test_wrapping_a_real_command_or_showing_less_of_it_leaves_its_shape() -> None:
    commands = _real_commands("pvlib__pvlib-python")

    for command in commands:
        assert shape(f"bash -lc {shlex.quote(command)}") == shape(command)
        if "\n" not in command:
            assert shape(f"cd /testbed && timeout 60 {command} 2>&1 | tail -5") == shape(f"timeout 60 {command}")


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")
def test_real_commands_that_share_a_shape_name_the_same_files_and_tests() -> None:
    seen: dict[str, set[str]] = {}
    for command in _real_commands("sqlfluff__sqlfluff"):
        if "pytest" in command and "<<" not in command and "-c" not in command:
            named = {word.removeprefix("/testbed/") for word in command.split() if ".py" in word}
            assert seen.setdefault(shape(command), named) == named


def _real_commands(project: str) -> list[str]:
    with gzip.open(DATA / "mini-swe-agent" / f"{project}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return sorted({step["action"] for line in lines for step in json.loads(line)["steps"]})


@given(st.text(alphabet="ab \n'\"\\$`(){}<>|&;#=-cEOF1/.", max_size=200) | st.text(max_size=300), st.text(max_size=10))
def test_any_text_has_a_shape(text: str, root: str) -> None:
    assert shape(text, root)
