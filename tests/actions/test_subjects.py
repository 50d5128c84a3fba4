"""What commands depend on beside their own text, and which errors are of the environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.sessions import Walk
from memory_mcp.actions.steps import action_of
from memory_mcp.actions.subjects import blamed, edits_by_code, environmental, installs, lacks, subjects
from memory_mcp.models.episodes import Step, StepError, StepSuccess

DEEP = (
    'Traceback (most recent call last):\n  File "a.py", line 2, in <module>\n    import astroid\n'
    '  File "astroid/x.py", line 3, in <module>\n    from inspect import getargspec\n'
    "ImportError: cannot import name 'getargspec' from 'inspect'"
)
OWN = "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\nImportError: cannot import name 'x'"


@pytest.mark.parametrize(
    ("command", "about"),
    [
        ("cd /testbed && python3 -m pytest tests/a.py | tail", ("tool: python -m pytest",)),
        (".venv/bin/python -m pytest", ("tool: .venv/bin/python -m pytest",)),
        ("sqlfluff lint a.sql; cat a.sql", ("tool: sqlfluff",)),
        ("python -c 'import sys, os; import numpy as np; from astroid import nodes'",
         ("import: python numpy", "import: python astroid")),
        ("python - <<E\nimport numpy\nE", ("import: python numpy",)),
        ("cat > a.py <<E\nimport numpy\nE\npython a.py", ("import: python numpy",)),
        ("python known.py", ("import: python shop",)),
        ("python -c 'import sys; sys.modules[\"numpy\"] = 1; import numpy'", ()),
        ("python unknown.py", ()),
        ("sed -i s/a/b/ x.py && git add x.py", ()),
    ],
)  # fmt: skip
def test_a_command_depends_on_its_tool_and_on_what_its_code_imports(command: str, about: tuple[str, ...]) -> None:
    assert subjects(command, {"known.py": "import json\nimport shop"}) == about


@pytest.mark.parametrize(
    ("message", "is_environmental"),
    [
        ("/usr/bin/python: No module named pytest", True),
        ("bash: line 1: tree: command not found", True),
        ("'npm' is not recognized as an internal or external command", True),
        (DEEP, True),
        (OWN, False),
        ("E   AssertionError: 1 != 2", False),
    ],
)
def test_an_error_of_the_environment_is_told_from_one_of_the_code(message: str, *, is_environmental: bool) -> None:
    step = Step("bash", "python a.py", result=StepError(message))

    assert (environmental(step) is not None) == is_environmental


def test_the_import_that_failed_is_blamed_and_no_other() -> None:
    assert blamed(("import: python numpy", "import: python astroid"), DEEP) == ("import: python astroid",)
    assert blamed(("import: python numpy", "import: python astroid"), "No module named 'x'") == ()
    assert blamed(("tool: make",), "No module named 'x'") == ("tool: make",)


def test_what_is_missing_is_named_as_packages_are() -> None:
    assert lacks("ModuleNotFoundError: No module named 'lazy_object_proxy.x'") == "lazy-object-proxy"
    assert lacks("bash: line 1: tree: command not found") == "tree"
    assert lacks("KeyError: 'user'") is None


def test_installing_and_code_that_writes_are_seen() -> None:
    assert all(
        map(installs, ("pip install -q x", "python -m pip install x", "npm ci", "uv add x", "apt-get install x"))
    )
    assert not any(map(installs, ("pip list", "git add x", "npm test")))
    assert edits_by_code("python fix.py", {"fix.py": "open('a.py', 'w').write('')"})
    assert not edits_by_code("python fix.py", {"fix.py": "print(open('a.py').read())"})


@given(commands=st.lists(st.text(max_size=80), max_size=12), fails=st.booleans())
def test_any_session_can_be_followed(commands: list[str], *, fails: bool) -> None:
    walk = Walk()

    for at, command in enumerate(commands):
        step = Step("bash", command, result=StepError(command) if fails else StepSuccess(command))
        walk.take(at, step, action_of(step))
        walk.states(command)
        walk.stands_broken(command)
