"""Which rules a program can check, and what breaks them."""

from typing import Any

import pytest

from memory_mcp.models.episodes import Step
from memory_mcp.models.rules import Check
from memory_mcp.telling.forbidding import breaks, check_of


def ran(command: str) -> Step:
    return Step("Bash", command, {"command": command})


def edited(file: str, text: str = "x") -> Step:
    return Step("Edit", file, {"file": file, "file_path": file, "old_string": "y", "new_string": text})


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        ("Never push to main.", Check("command", ("git", "push", "main"))),
        ("never push directly to the production branch", Check("command", ("git", "push", "production"))),
        ("Don't use npm, we use pnpm", Check("command", ("npm",))),
        ("Use pnpm, not npm", Check("command", ("npm",))),
        ("stop committing", Check("command", ("git", "commit"))),
        ("don't commit unless I ask", Check("command", ("git", "commit"))),
        ("never force push", Check("command", ("git", "push", "--force"))),
        ("don't run `git reset --hard`", Check("command", ("git", "reset", "--hard"))),
        ("never run npm publish", Check("command", ("npm", "publish"))),
        ("do not edit files under vendor/", Check("path", ("vendor/",))),
        ("Never touch src/gen/*.py", Check("path", ("src/gen/*.py",))),
        ("don't import requests", Check("import", ("requests",))),
        ("never mock the database", None),
        ("don't push the button styles", None),
        ("I told you not to touch the migrations", None),
        ("we use tabs in this repo", None),
        ("", None),
    ],
)
def test_a_program_can_check_commands_paths_and_imports(rule: str, check: Check | None) -> None:
    assert check_of(rule) == check


def test_a_correction_refuses_the_program_that_was_used_just_before() -> None:
    assert check_of("No, use uv here", [ran("ls"), ran("cd api && pip install httpx")]) == Check("command", ("pip",))
    assert check_of("No, use uv here", [ran("ls")]) is None
    assert check_of("No, use uv here") is None


@pytest.mark.parametrize(
    ("rule", "command", "is_breach"),
    [
        ("never push to main", "git push origin main", True),
        ("never push to main", "cd x && git push origin HEAD:main", True),
        ("never push to main", "git push origin feature/main-menu", False),
        ("never push to main", "git commit -m 'push to main'", False),
        ("never push to main", "echo git push origin main", False),
        ("never force push", "git push -f origin topic", True),
        ("never force push", "git push origin topic", False),
        ("don't use pip", "python -m pip install x", True),
        ("don't use pip", "uv pip install x", False),
        ("don't use npx", "npx jest", True),
        ("don't use npm", "grep npm package.json", False),
        ("never run npm publish", "npm test && npm publish --tag next", True),
        ("don't commit", "bash -lc 'git commit -am x'", True),
    ],
)
def test_a_command_breaks_a_rule_where_it_runs_the_program(rule: str, command: str, is_breach: bool) -> None:  # noqa: FBT001 - a column of the table
    check = check_of(rule)

    assert check is not None
    assert breaks(check, ran(command)) is is_breach


@pytest.mark.parametrize(
    ("rule", "step", "is_breach"),
    [
        ("never edit vendor/", edited("/work/vendor/lib.py"), True),
        ("never edit vendor/", edited("/work/src/vendors.py"), False),
        ("never edit src/gen/*.py", edited("/work/src/gen/api.py"), True),
        ("never edit src/gen/*.py", Step("Read", "src/gen/api.py", {"file": "src/gen/api.py"}), False),
        ("don't import requests", edited("a.py", "import os\nimport requests\n"), True),
        ("don't import requests", edited("a.py", "from requests.auth import X"), True),
        ("don't import requests", edited("a.py", "# requests are counted"), False),
        ("don't import lodash", edited("a.ts", "import _ from 'lodash'"), True),
        ("don't import lodash", edited("a.js", "const _ = require('lodash')"), True),
    ],
)
def test_an_edit_breaks_a_rule_by_its_file_or_its_imports(rule: str, step: Step, is_breach: bool) -> None:  # noqa: FBT001 - as above
    check = check_of(rule)

    assert check is not None
    assert breaks(check, step, "/work") is is_breach


def test_the_whole_text_of_an_edit_is_looked_at() -> None:
    check = check_of("don't import requests")
    written: dict[str, Any] = {"edits": [{"new_string": "x = 1"}, {"new_string": "import requests"}]}

    assert check is not None
    assert breaks(check, edited("a.py"), "", written)
