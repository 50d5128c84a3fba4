"""What was learnt and decided before reaches the model of a real client; each test prints what the model saw."""

import json
import subprocess
from typing import Any

from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model

BROKEN = "table = {}\nrate = table['vat']\nprint('checked')\n"
MENDED = "rate = table.get('vat', 0)"
RULE = "apply_discounts must take percentages off before fixed amounts, never the other way round."
MODULE = "def apply_discounts(total, discounts):\n    return total\n"


def lines_of(messages: Messages) -> list[str]:
    """Return the lines of what a model saw that memory-mcp said."""
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            texts.extend(value.splitlines())
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(messages)
    inside = False
    found: list[str] = []
    for line in texts:
        inside = inside or "<memory-mcp-recall>" in line
        if inside:
            found.append(line)
        inside = inside and "</memory-mcp-recall>" not in line
    print("\n".join(found))  # noqa: T201 - shows what the model saw
    return found


def with_history(client: Client) -> None:
    """Give a project a commit that decides something."""
    module = client.project / "billing" / "discount.py"
    module.parent.mkdir()
    module.write_text(MODULE, encoding="utf-8")
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    for words in (
        ("init", "-q"),
        ("add", "."),
        (*identity, "commit", "-q", "-m", f"fix: order of stacked discounts\n\n{RULE}"),
    ):
        subprocess.run(["git", "-C", str(client.project), *words], check=True, capture_output=True)
    client.cli("import", "git")


def test_the_next_session_of_claude_code_sees_the_code_line_that_mended_the_last_failure(claude: Client) -> None:
    claude.cli("setup", "claude", "--hooks")
    check = claude.project / "check.py"
    check.write_text(BROKEN, encoding="utf-8")
    run = ("Bash", {"command": "python3 check.py", "description": "check"})
    edit = {"file_path": str(check), "old_string": "rate = table['vat']", "new_string": MENDED}
    sessions: list[list[tuple[str, dict[str, Any]]]] = [
        [run],
        [("Read", {"file_path": str(check)}), ("Edit", edit), run],
        [],
    ]

    said = ""
    for calls in sessions:

        def script(_: Messages, called: int, calls: Any = calls) -> tuple[str, dict[str, Any]] | str:
            return calls[called] if called < len(calls) else "done"

        with scripted_model(script) as (url, seen):
            claude.ask(url, "look after the check of the rates", "Read", "Edit")
        said = "\n".join(lines_of(seen[0]))

    assert check.read_text(encoding="utf-8") == BROKEN.replace("rate = table['vat']", MENDED)
    assert MENDED in said
    assert "nothing mended it yet" not in said


def test_a_decision_reaches_the_model_of_claude_code_before_its_edit(claude: Client) -> None:
    with_history(claude)
    claude.cli("setup", "claude", "--hooks")
    module = str(claude.project / "billing" / "discount.py")
    calls = [
        ("Read", {"file_path": module}),
        ("Edit", {"file_path": module, "old_string": "    return total", "new_string": "    return round(total, 2)"}),
    ]

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return calls[called] if called < len(calls) else "done"

    with scripted_model(script) as (url, seen):
        claude.ask(url, "tidy this module", "Read", "Edit")

    said = lines_of(seen[-1])
    assert any(RULE in line for line in said)
    assert any("Commit " in line for line in said)


def test_a_decision_reaches_the_model_of_opencode_with_the_result_of_its_edit(opencode: Client) -> None:
    with_history(opencode)
    opencode.cli("setup", "opencode", "--hooks")
    module = str(opencode.project / "billing" / "discount.py")
    calls = [
        ("read", {"filePath": module}),
        ("edit", {"filePath": module, "oldString": "    return total", "newString": "    return round(total, 2)"}),
    ]

    def script(_: Messages, answered: int) -> tuple[str, dict[str, Any]] | str:
        return calls[answered] if answered < len(calls) else "done"

    with scripted_model(script) as (url, seen):
        opencode.use_model(url)
        opencode.run("run", "tidy this module")

    assert RULE in json.dumps(seen[-1])
    assert any(RULE in line for line in lines_of(seen[-1]))
