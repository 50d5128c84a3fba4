"""What ended an error, in one line with its content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.cures import LONGEST, cure, cures
from memory_mcp.actions.steps import action_of
from memory_mcp.models.episodes import Step, StepSuccess

OK = StepSuccess("ok")


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Step("Bash", "cd /testbed && pip install pytz 2>&1 | tail -3", result=OK), "pip install pytz"),
        (
            Step("Edit", "x", {"file_path": "/home/me/shop/a.py", "old_string": "a\nb = 1", "new_string": "a\nb = 2"}),
            "a.py: - b = 1 + b = 2",
        ),
        (Step("Write", "x", {"file_path": "a.ini", "content": "[a]\nb = 1"}), "a.ini: + [a] + b = 1"),
        (
            Step("MultiEdit", "x", {"file": "a.py", "edits": [{"old_string": "a", "new_string": "b"}, "odd"]}),
            "a.py: - a + b",
        ),
        (Step("apply_patch", "x", {"patch": "*** Update File: a.py\n@@\n-x = 1\n+x = 2"}), "-x = 1 +x = 2"),
        (Step("Bash", "cat > conftest.py <<'EOF'\nimport a\nEOF"), "write conftest.py: import a"),
        (Step("Bash", "sed -i 's/a/b/' /home/me/shop/a.py"), "sed -i 's/a/b/' a.py"),
        (Step("edit", "use get()", {"file": "a.py"}), "edit: use get() [a.py]"),
    ],
)
def test_a_cure_is_the_command_or_the_changed_lines_with_paths_of_the_work_tree(step: Step, line: str) -> None:
    root = "/home/me/shop"

    assert cure(step, action_of(step, root), root) == line


def test_cures_fit_together_and_what_names_the_error_comes_first() -> None:
    steps = [Step("Bash", f"sed -i s/{'a' * 150}/b/ x.py", result=OK), Step("Bash", "pip install pytz", result=OK)]
    actions = [action_of(step) for step in steps]

    assert cures(steps, actions, (0, 1), "ModuleNotFoundError: No module named 'pytz'", "") == [
        "pip install pytz",
        f"sed -i s/{'a' * 150}/b/ x.py",
    ]
    assert cures(steps, actions, (0, 0, 1), "no", "") == [f"sed -i s/{'a' * 150}/b/ x.py", "pip install pytz"]
    assert len(" ".join(cures(steps * 3, actions * 3, range(6), "pytz", ""))) <= LONGEST


@given(st.text(max_size=400), st.dictionaries(st.sampled_from(["patch", "edits", "content", "file"]), st.text()))
def test_any_step_has_a_cure_of_bounded_length(text: str, parameters: dict[str, str]) -> None:
    step = Step("Bash", text, dict(parameters))

    assert len(cure(step, action_of(step))) <= LONGEST
