"""mini-swe-agent's own files are read in the forms that its versions 1 and 2 write."""

import json
from pathlib import Path
from typing import Any

import pytest

from memory_cli.replay.sources import read_runs
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, Failure, StepError, StepSuccess, StepTimeout, Success
from tests.importers.taking import taken

TEMPLATE = "<pr>\nConsider the following PR description:\n{{task}}\n</pr>\n\n{{system}} You can run commands."
PROMPT = "<pr>\nConsider the following PR description:\nThe basket {loses} eggs.\n</pr>\n\nLinux You can run commands."
PATCH = "diff --git a/shop/basket.py b/shop/basket.py\n--- a/shop/basket.py\n+++ b/shop/basket.py\n"
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt"


def call(command: str, at: float, call_id: str | None = None) -> dict[str, Any]:
    action = {"command": command} | ({"tool_call_id": call_id} if call_id else {})
    extra = {"actions": [action], "cost": 0.1, "timestamp": at, "response": {"id": "r"}}
    return {"role": "assistant", "content": "THOUGHT: look", "extra": extra}


def answer(output: str, code: int, at: float, call_id: str | None = None, exception: str = "") -> dict[str, Any]:
    """Return an observation as version 2 writes it; the model saw the templated content, of which we need nothing."""
    extra = {"raw_output": output, "returncode": code, "timestamp": at, "exception_info": exception}
    base = {"role": "tool", "tool_call_id": call_id} if call_id else {"role": "user"}
    return {**base, "content": f"<returncode>{code}</returncode>\n<output>\n{output}</output>", "extra": extra}


def end(status: str, submission: str = "") -> dict[str, Any]:
    return {"role": "exit", "content": submission, "extra": {"exit_status": status, "submission": submission}}


def run(*messages: dict[str, Any], status: str = "Submitted", **changes: Any) -> dict[str, Any]:
    start = [{"role": "system", "content": "You are a helper."}, {"role": "user", "content": PROMPT}]
    config = {
        "agent": {"instance_template": TEMPLATE, "step_limit": 0},
        "environment": {"cwd": "/testbed"},
        "environment_type": "minisweagent.environments.docker.DockerEnvironment",
    }
    info = {"config": config, "exit_status": status, "submission": PATCH, "mini_version": "2.4.5"}
    return {
        "info": info,
        "messages": [*start, *messages],
        "trajectory_format": "mini-swe-agent-1.1",
        "instance_id": "shop__shop-12",
        **changes,
    }


def imported(memory: Memory, path: Path, data: Any) -> Episode:
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")
    summary = taken(memory, "mini-swe-agent", path)
    assert (summary.imported, summary.bad) == (1, 0)
    return memory.episodes.get(memory.episodes.list().episodes[0].id)


@pytest.mark.parametrize("call_id", ["call_1", None])
def test_a_run_of_version_2_becomes_an_episode(memory: Memory, tmp_path: Path, call_id: str | None) -> None:
    other = f"{call_id}b" if call_id else None
    messages = [
        call("pytest -q", 1_790_000_000.0, call_id),
        answer("1 failed in 0.1s", 1, 1_790_000_002.5, call_id),
        call("sleep 99", 1_790_000_003.0, other),
        answer(
            "", -1, 1_790_000_063.0, other, "An error occurred while executing the command: sleep timed out after 60 s"
        ),
        call(SUBMIT, 1_790_000_064.0, call_id),
        end("Submitted", PATCH),
    ]

    episode = imported(memory, tmp_path / "shop__shop-12.traj.json", run(*messages))

    assert episode.task == "The basket {loses} eggs."
    assert [(step.action, type(step.result), step.latency_ms) for step in episode.steps] == [
        ("pytest -q", StepError, 2_500.0),
        ("sleep 99", StepTimeout, 60_000.0),
        (SUBMIT, type(None), None),
    ]
    assert (episode.started_at, episode.updated_at) == (1_790_000_000_000_000, 1_790_000_064_000_000)
    assert isinstance(episode.outcome, Success)
    assert episode.outcome.evidence == "claimed"
    assert episode.outcome.verdict.endswith("It changes shop/basket.py.")


def test_several_commands_of_one_message_get_their_own_answers(memory: Memory, tmp_path: Path) -> None:
    both = call("make a", 5.0, "a")
    both["extra"]["actions"].append({"command": "make b", "tool_call_id": "b"})
    messages = [both, answer("b is broken", 2, 7.0, "b"), answer("a is built", 0, 6.0, "a"), end("LimitsExceeded")]

    episode = imported(memory, tmp_path / "one.traj.json", run(*messages, status="LimitsExceeded"))

    assert [(step.action, step.result) for step in episode.steps] == [
        ("make a", StepSuccess("a is built")),
        ("make b", StepError("b is broken")),
    ]
    assert isinstance(episode.outcome, Failure)
    assert episode.outcome.reason == "The agent ended with: LimitsExceeded."


def test_a_run_of_version_1_is_read_from_its_texts(memory: Memory, tmp_path: Path) -> None:
    def said(role: str, content: str, at: float) -> dict[str, Any]:
        return {"role": role, "content": content, "timestamp": at}

    messages = [
        said("assistant", "THOUGHT: build\n\n```bash\nmake && \\\n  make test\n```", 10.0),
        said("user", "<returncode>2</returncode>\n<output>\nmake: *** [all] Error 2\n</output>", 11.0),
        said("assistant", "no command here", 12.0),
        said("user", "Please always provide EXACTLY ONE action in triple backticks.", 12.0),
        said("assistant", "```bash\nsleep 99\n```", 13.0),
        said(
            *("user", "The last command <command>sleep 99</command> timed out and has been killed.\n"),
            *(73.0,),
        ),
        said("assistant", f"```bash\n{SUBMIT}\n```", 74.0),
        said("user", PATCH, 75.0),
    ]
    data = run(*messages, trajectory_format="mini-swe-agent-1")

    episode = imported(memory, tmp_path / "one.traj.json", data)

    assert [(step.action, type(step.result)) for step in episode.steps] == [
        ("make && \\\n  make test", StepError),
        ("sleep 99", StepTimeout),
        (SUBMIT, type(None)),
    ]
    assert episode.steps[0].result == StepError("make: *** [all] Error 2")


def test_a_folder_of_runs_is_read_once_and_other_json_in_it_is_passed_over(memory: Memory, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"r{number}").mkdir()
        data = run(call("make", 10.0 * number), answer("built", 0, 11.0 * number), end("Submitted"))
        (tmp_path / f"r{number}" / "shop__shop-12.traj.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "preds.json").write_text("{}", encoding="utf-8")

    first, again = taken(memory, "mini-swe-agent", tmp_path), taken(memory, "mini-swe-agent", tmp_path)

    assert (first.imported, first.bad, again.imported, again.known) == (2, 0, 0, 2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": 5}',
        b'{"messages": [5]}',
        b'{"messages": [{"role": 5}]}',
        b"\xff",
    ],
)
def test_a_file_that_is_no_run_is_named(memory: Memory, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.traj.json").write_bytes(content)

    summary = taken(memory, "mini-swe-agent", tmp_path)

    assert (summary.imported, summary.bad) == (0, 1)


def test_a_run_in_progress_grows_when_it_is_imported_again(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "last_mini_run.traj.json"
    begun = [call("make", 10.0), answer("built", 0, 11.0)]
    imported(memory, file, run(*begun, status=""))

    file.write_text(json.dumps(run(*begun, call("make test", 12.0), answer("1 passed", 0, 13.0))), encoding="utf-8")
    taken(memory, "mini-swe-agent", file)

    (row,) = memory.episodes.list().episodes
    assert [step.action for step in memory.episodes.get(row.id).steps] == ["make", "make test"]


def test_a_local_run_names_its_directory(tmp_path: Path) -> None:
    data = run(call("make", 10.0), answer("built", 0, 11.0), end("Submitted"))
    data["info"]["config"]["environment_type"] = "minisweagent.environments.local.LocalEnvironment"
    data["info"]["config"]["environment"]["cwd"] = "/work/shop"
    (tmp_path / "last_mini_run.traj.json").write_text(json.dumps(data), encoding="utf-8")

    (found,), bad = read_runs([tmp_path])

    assert (found.project, bad) == ("/work/shop", [])


def test_replay_reads_these_runs_and_knows_which_are_of_one_issue(tmp_path: Path) -> None:
    for number in (1, 2):
        data = run(call("make", 10.0 * number), answer("built", 0, 11.0 * number), end("Submitted"))
        (tmp_path / f"run-{number}.traj.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "preds.json").write_text("{}", encoding="utf-8")

    found, bad = read_runs([tmp_path])

    assert [(each.project, each.ties[-1]) for each in found] == [("shop__shop", "issue shop__shop-12")] * 2
    assert bad == []
