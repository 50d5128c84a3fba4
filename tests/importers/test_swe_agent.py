"""SWE-agent trajectories become episodes with their real commands, observations and exit status."""

import json
from pathlib import Path

import pytest

from memory_mcp.importers.records import Bad
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, StepTimeout, Success
from tests.importers.taking import taken

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "swe-agent"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/swe-agent beside the checkout")


@needs_data
def test_a_real_trajectory_keeps_commands_failures_and_exit_status(memory: Memory) -> None:
    taken(memory, "swe-agent", DATA / "pydicom-1458.traj")

    episode = memory.episodes.get(memory.episodes.list().episodes[0].id)
    assert episode.task.startswith("pydicom-1458: Pixel Representation attribute should be optional")
    assert [step.tool for step in episode.steps] == [
        *("create", "edit", "python", "find_file", "open", "edit", "edit", "edit", "edit", "python", "rm", "submit"),
    ]
    assert [number for number, step in enumerate(episode.steps, 1) if step.failed] == [3, 6, 7, 8]
    failure = episode.steps[2].result
    assert isinstance(failure, StepError)
    assert "AttributeError" in failure.message
    assert isinstance(episode.outcome, Success)
    assert "Exit status: submitted" in episode.outcome.verdict
    assert "pydicom/pixel_data_handlers/numpy_handler.py" in episode.outcome.verdict


@needs_data
def test_importing_a_trajectory_again_changes_nothing(memory: Memory) -> None:
    first, again = taken(memory, "swe-agent", DATA), taken(memory, "swe-agent", DATA)

    assert (first.imported, first.known) == (4, 0)
    assert (again.imported, again.known) == (0, 4)


def test_an_unknown_exit_status_stays_unknown(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "odd.traj"
    turns = [{"action": "pytest -x", "observation": "EXECUTION TIMED OUT"}, {"action": " ", "observation": ""}]
    file.write_text(json.dumps({"trajectory": turns, "info": {}}), encoding="utf-8")

    taken(memory, "swe-agent", file)
    episode = memory.episodes.get(memory.episodes.list().episodes[0].id)

    assert episode.outcome is None
    assert [type(step.result) for step in episode.steps] == [StepTimeout]


@pytest.mark.parametrize("text", ["nonsense", '{"history": []}'])
def test_a_file_that_is_no_trajectory_is_named(memory: Memory, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.traj"
    file.write_text(text, encoding="utf-8")

    summary = taken(memory, "swe-agent", file)

    (bad,) = summary.reports
    assert isinstance(bad, Bad)
    assert "bad.traj is no SWE-agent trajectory" in bad.reason
