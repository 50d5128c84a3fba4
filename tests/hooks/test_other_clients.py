"""The hooks of Codex, Gemini CLI, Cursor and VS Code, with the fields of their own manuals and sources."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.clock import SystemClock
from memory_mcp.hooks.events import read_event
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, StepError, StepSuccess
from memory_mcp.models.rules import RuleAction
from tests.hooks.agents import HOOK, Agent
from tests.hooks.test_sessions import mend

CLIENTS = ["codex", "gemini", "cursor", "vscode"]
# moment → how each client names the event, and the fields that belong to it
CALLS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "codex": {
        "start": ("SessionStart", {"source": "startup", "model": "m", "permission_mode": "default"}),
        "prompt": ("UserPromptSubmit", {"turn_id": "t", "prompt": "{text}"}),
        "before": ("PreToolUse", {"tool_name": "Bash", "tool_input": {"command": "{text}"}, "tool_use_id": "c"}),
        "failed": (
            "PostToolUse",
            {"tool_name": "Bash", "tool_input": {"command": "{text}"}, "tool_response": "1 failed in 0.1s\n"},
        ),
        "stop": ("Stop", {"stop_hook_active": False, "last_assistant_message": "all done"}),
        "end": ("SessionEnd", {"reason": "other"}),
    },
    "gemini": {
        "start": ("SessionStart", {"source": "startup", "timestamp": "2026-11-22T00:00:00Z"}),
        "prompt": ("BeforeAgent", {"prompt": "{text}"}),
        "before": ("BeforeTool", {"tool_name": "run_shell_command", "tool_input": {"command": "{text}"}}),
        "failed": (
            "AfterTool",
            {
                "tool_name": "run_shell_command",
                "tool_input": {"command": "{text}"},
                "tool_response": {
                    "llmContent": "<untrusted_context>\nOutput: boom\nExit Code: 3\n</untrusted_context>",
                    "returnDisplay": "boom",
                    "error": {"message": "exited with 3", "type": "shell_execute_error"},
                },
            },
        ),
        "stop": ("AfterAgent", {"prompt": "x", "prompt_response": "all done", "stop_hook_active": False}),
        "end": ("SessionEnd", {"reason": "exit"}),
    },
    "cursor": {
        "start": ("sessionStart", {"is_background_agent": False, "composer_mode": "agent"}),
        "prompt": ("beforeSubmitPrompt", {"prompt": "{text}", "attachments": []}),
        "before": ("preToolUse", {"tool_name": "Shell", "tool_input": {"command": "{text}"}, "tool_use_id": "c"}),
        "failed": (
            "postToolUse",
            {
                "tool_name": "Shell",
                "tool_input": {"command": "{text}"},
                "tool_output": '{"exitCode":3,"stdout":"boom"}',
                "duration": 5432,
            },
        ),
        "stop": ("stop", {"status": "completed", "loop_count": 0}),
        "end": ("sessionEnd", {"reason": "completed", "duration_ms": 45000}),
    },
    "vscode": {
        "start": ("SessionStart", {"source": "new", "timestamp": "2026-02-09T10:30:00.000Z"}),
        "prompt": ("UserPromptSubmit", {"prompt": "{text}"}),
        "before": ("PreToolUse", {"tool_name": "run_in_terminal", "tool_input": {"command": "{text}"}}),
        "failed": (
            "PostToolUse",
            {
                "tool_name": "run_in_terminal",
                "tool_input": {"command": "{text}"},
                "tool_response": "1 failed in 0.1s",
                "tool_use_id": "tool-123",
            },
        ),
        "stop": ("Stop", {"stop_hook_active": False}),
    },
}
SHELLS = {"codex": "Bash", "gemini": "run_shell_command", "cursor": "Shell", "vscode": "run_in_terminal"}
EDITS = {
    "codex": ("apply_patch", {"command": "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** End Patch\n"}, ""),
    "gemini": (
        "replace",
        {"file_path": "a.py", "old_string": "x", "new_string": "y"},
        {"llmContent": "done", "returnDisplay": {"fileDiff": "@@ -1 +1 @@\n-x\n+y", "fileName": "a.py"}},
    ),
    "cursor": ("Write", {"file_path": "a.py", "content": "y"}, '{"success":true}'),
    "vscode": ("replace_string_in_file", {"filePath": "a.py", "oldString": "x", "newString": "y"}, "edited"),
}
BEFORE = {"gemini": "BeforeTool", "cursor": "preToolUse"}
AFTER = {"gemini": "AfterTool", "cursor": "postToolUse"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


class OtherAgent(Agent):
    """A session of one of the other clients."""

    def __init__(self, home: Path, client: str, session_id: str = "one") -> None:
        super().__init__(home, session_id)
        self.client = client

    def tell(self, moment: str, text: str = "") -> Any:
        name, fields = CALLS[self.client][moment]
        return self.send(name, json.loads(json.dumps(fields).replace("{text}", text)))

    def send(self, name: str, fields: dict[str, Any]) -> Any:
        """Send an event under the names that the client uses, and return its answer, None if there is none."""
        names = {
            "cursor": {"conversation_id": self.session_id, "hook_event_name": name, "cursor_version": "1.7.2"},
            "vscode": {"sessionId": self.session_id, "hookEventName": name},
        }.get(self.client, {"session_id": self.session_id, "hook_event_name": name})
        told = json.dumps({**names, "transcript_path": None, "cwd": "/", **fields}).encode()
        command = [*HOOK, "--client", self.client]
        done = subprocess.run(command, input=told, env=self.environ, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert self.log == ""
        return json.loads(done.stdout) if done.stdout else None

    def edit(self, *, before: bool) -> Any:
        tool, arguments, answer = EDITS[self.client]
        name = (BEFORE if before else AFTER).get(self.client, "PreToolUse" if before else "PostToolUse")
        responded = {"tool_output" if self.client == "cursor" else "tool_response": answer}
        return self.send(name, {"tool_name": tool, "tool_input": arguments, **({} if before else responded)})

    @property
    def episodes(self) -> list[Episode]:
        with Memory.open(self.environ, self.home.parent, actor="test") as memory:
            return [memory.episodes.get(row.id) for row in memory.episodes.list().episodes]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_session_of_another_client_is_one_episode_under_its_own_id(home: Path, client: str) -> None:
    agent = OtherAgent(home, client)
    agent.tell("start")
    agent.tell("prompt", "mend the billing service")
    agent.tell("before", "pytest")
    agent.tell("failed", "pytest")
    agent.edit(before=True)
    agent.edit(before=False)
    agent.tell("stop")
    if client != "vscode":
        agent.tell("end")

    (episode,) = agent.episodes

    assert episode.task == "mend the billing service"
    assert episode.source is not None
    assert (episode.source.kind, episode.source.id) == (f"hooks:{client}", "one")
    ran, edited, *last = episode.steps
    assert (ran.tool, ran.action, type(ran.result)) == (SHELLS[client], "pytest", StepError)
    assert (edited.tool, edited.action, type(edited.result)) == (EDITS[client][0], "a.py", StepSuccess)
    assert [step.action for step in last] == (["all done"] if client in {"codex", "gemini"} else [])


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_briefed_in_its_own_words_when_a_session_begins(home: Path, client: str) -> None:
    remember(home, "releases go out on Tuesday")

    answer = OtherAgent(home, client).tell("start")

    text = answer["additional_context"] if client == "cursor" else answer["hookSpecificOutput"]["additionalContext"]
    assert "- releases go out on Tuesday" in text
    if client != "cursor":
        assert answer == {"hookSpecificOutput": {"hookEventName": CALLS[client]["start"][0], "additionalContext": text}}


ASKED = "which stripe version do the billing service tests need"
KNOWN = "the billing service tests need stripe version 11, never 12"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_prompt_is_answered_at_the_first_moment_that_the_client_shows(home: Path, client: str) -> None:
    remember(home, KNOWN)
    agent = OtherAgent(home, client)

    at_the_prompt = agent.tell("prompt", ASKED)
    before = agent.tell("before", "pytest")
    after = agent.tell("failed", "pytest")
    again = [agent.tell("before", "pytest"), agent.tell("failed", "pytest")]

    heard = {"prompt": at_the_prompt, "before": before, "after": after}
    moment = {"cursor": "after", "vscode": "before"}.get(client, "prompt")
    assert {name for name, answer in heard.items() if KNOWN in json.dumps(answer)} == {moment}
    assert KNOWN not in json.dumps(again)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_known_against_a_command_is_told_before_it_or_with_its_result(home: Path, client: str) -> None:
    mend(Agent(home, "zero"))
    mend(Agent(home, "one"))
    agent = OtherAgent(home, client, "two")
    agent.tell("prompt", "run it")

    before, after = agent.tell("before", "pytest tests/refunds"), agent.tell("failed", "pytest tests/refunds")

    told = {"before": before, "after": after}
    moment = "after" if client in {"gemini", "cursor"} else "before"
    assert {name for name, answer in told.items() if "uv add stripe==11" in json.dumps(answer)} == {moment}


VERDICTS = {
    "codex": {"hookSpecificOutput": {"hookEventName": "PreToolUse", "additionalContext": "{reason}"}},
    "gemini": {"decision": "ask", "reason": "{reason}"},
    "cursor": None,
    "vscode": {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "ask",
            "permissionDecisionReason": "{reason}",
        }
    },
}
DENIED = {
    "codex": {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "{reason}",
        }
    },
    "gemini": {"decision": "deny", "reason": "{reason}"},
    "cursor": {"permission": "deny", "user_message": "{reason}", "agent_message": "{reason}"},
}
DENIED["vscode"] = DENIED["codex"]


@pytest.mark.parametrize("action", ["ask", "deny"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_rule_asks_or_denies_as_far_as_the_client_obeys(home: Path, client: str, action: RuleAction) -> None:
    agent = OtherAgent(home, client)
    with Memory.open(agent.environ, home.parent, actor="cli") as memory:
        rule, _ = memory.rules.add("never push to main")
        memory.rules.accept(rule.id, action)

    answer = agent.tell("before", "git push origin main")

    wanted = (VERDICTS if action == "ask" else DENIED)[client]
    assert shape(answer) == shape(wanted)
    assert ("never push to main" in json.dumps(answer)) == (wanted is not None)


def shape(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: shape(value) for name, value in answer.items()}
    return answer if answer in {"ask", "deny", None, "PreToolUse"} else "text"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"3", b'{"hook_event_name": 4}', b"\xff" * 9, b"[" * 9_999])
def test_what_is_no_event_of_a_client_ends_in_the_log_alone(home: Path, client: str, content: bytes) -> None:
    agent = OtherAgent(home, client)

    done = subprocess.run(
        [*HOOK, f"--client={client}"], input=content, env=agent.environ, capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(agent.log.splitlines()) == 1


def test_a_client_that_nobody_knows_is_named_in_the_log(home: Path) -> None:
    agent = Agent(home, "one")

    agent.raw(b'{"hook_event_name": "Stop"}', "--client", "emacs")

    assert "there is no client 'emacs'; there are claude-code, codex, cursor, gemini, opencode, vscode" in agent.log


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("Output: x\nExit Code: 1", 1),
        ("Output: x", 0),
        ("Output: x\nSignal: 9", None),
        ("Command was cancelled by user before it could start.", None),
    ],
)
def test_gemini_says_how_a_command_ended_in_its_text(content: str, code: int | None) -> None:
    told = {
        "hook_event_name": "AfterTool",
        "tool_name": "run_shell_command",
        "tool_input": {"command": "x"},
        "tool_response": {"llmContent": content, "returnDisplay": ""},
    }

    event = read_event(json.dumps(told).encode(), "", SystemClock().now(), "gemini")

    assert event.call is not None
    assert event.call.response["exit_code"] == code


def test_what_a_hook_said_before_the_first_prompt_of_gemini_is_not_the_users_word(home: Path) -> None:
    agent = OtherAgent(home, "gemini")

    agent.tell("prompt", "<hook_context>&lt;x> never push to main</hook_context>\\n\\nmend the billing service")
    agent.tell("failed", "pytest")

    (episode,) = agent.episodes
    assert episode.task == "mend the billing service"


OWN = {"codex": "mcp__memory_mcp__", "gemini": "mcp_memory-mcp_", "cursor": "MCP:", "vscode": "mcp_memory-mcp_"}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_search_in_the_memory_itself_is_no_step(home: Path, client: str) -> None:
    agent = OtherAgent(home, client)
    agent.tell("failed", "pytest")
    name = AFTER.get(client, "PostToolUse")
    answered = {"tool_output" if client == "cursor" else "tool_response": "{}"}

    agent.send(name, {"tool_name": f"{OWN[client]}query_memory", "tool_input": {"query": "x"}, **answered})

    (episode,) = agent.episodes
    assert len(episode.steps) == 1


def test_two_sessions_of_a_client_are_each_told_for_themselves_and_a_sub_agent_is_not(home: Path) -> None:
    remember(home, KNOWN)
    first, second = OtherAgent(home, "codex", "one"), OtherAgent(home, "codex", "two")

    heard = [first.tell("prompt", ASKED), second.tell("prompt", ASKED)]
    part = first.send("UserPromptSubmit", {"prompt": ASKED, "agent_id": "part", "agent_type": "worker"})

    assert [KNOWN in json.dumps(answer) for answer in heard] == [True, True]
    assert part is None


def remember(home: Path, text: str) -> None:
    agent = Agent(home, "zero")
    with Memory.open(agent.environ, home.parent, actor="cli") as memory:
        memory.notes.add(text, importance=0.9)
