"""Runs of mini-swe-agent become episodes: real commands and outputs, and what was claimed as a claim."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Failure, Step, StepError, StepSuccess, Success
from tests.importers.taking import taken

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "mini-swe-agent"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/mini-swe-agent beside the checkout")


def line(**changes: Any) -> str:
    step = {"tool": "bash", "action": "pytest -q", "output": "1 passed", "exit_code_zero": True}
    run = {"id": "first/shop-1", "task": "Mend the basket", "task_type": "issue_resolution", "language": "python"}
    return json.dumps({**run, "steps": [step], "claimed": "submitted", **changes}) + "\n"


@needs_data
def test_the_shared_runs_come_in_once(memory: Memory) -> None:
    file = DATA / "pyvista__pyvista.jsonl.gz"

    first, again = taken(memory, "mini-swe-agent", file), taken(memory, "mini-swe-agent", file)

    assert (first.imported, first.bad, again.imported, again.known) == (3, 0, 0, 3)


def test_a_run_becomes_an_episode_with_its_commands_and_outputs(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl.gz"
    broken = {"tool": "bash", "action": "make", "output": "make: *** [all] Error 1", "exit_code_zero": False}
    file.write_bytes(gzip.compress(line(steps=[broken]).encode()))

    taken(memory, "mini-swe-agent", file)

    episode = memory.episodes.get(memory.episodes.list().episodes[0].id)
    at = episode.started_at
    assert episode.task == "Mend the basket"
    assert episode.steps == (Step("bash", "make", result=StepError("make: *** [all] Error 1"), recorded_at=at),)
    assert (episode.context.language, episode.context.tags) == ("python", ("mini-swe-agent",))


def test_a_submitted_patch_is_a_claim_and_anything_else_a_failure(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text(line() + line(id="second/shop-1", claimed="not submitted"), encoding="utf-8")

    taken(memory, "mini-swe-agent", file)

    outcomes = [memory.episodes.get(row.id).outcome for row in memory.episodes.list().episodes]
    assert Success("The agent submitted a patch. Whether it solves the task is not recorded.") in outcomes
    assert Failure(reason="The agent ended with: not submitted.") in outcomes


def test_a_search_that_finds_nothing_has_not_failed(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    nothing = {"tool": "bash", "action": "grep -rn basket src", "output": "", "exit_code_zero": False}
    file.write_text(line(steps=[nothing]), encoding="utf-8")

    taken(memory, "mini-swe-agent", file)

    assert memory.episodes.get(memory.episodes.list().episodes[0].id).steps[0].result == StepSuccess()


@pytest.mark.parametrize("text", ["nonsense\n", '{"id": "x", "task": "y"}\n', '{"steps": 3, "id": "x", "task": "y"}\n'])
def test_a_line_that_is_no_run_is_named_and_the_others_are_read(memory: Memory, tmp_path: Path, text: str) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text(text + line(), encoding="utf-8")

    summary = taken(memory, "mini-swe-agent", file)

    assert (summary.imported, summary.bad) == (1, 1)
    assert summary.reports[0].where == f"{file}:1"
