"""SWE-agent trajectories become episodes with their real commands, observations and exit status."""

import json
from pathlib import Path

import pytest

from memory_mcp.errors import ImporterError
from memory_mcp.importers.swe_agent import import_trajectory
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, StepTimeout, Success

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "swe-agent"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/swe-agent beside the checkout")


@needs_data
def test_a_real_trajectory_keeps_commands_failures_and_exit_status(memory: Memory) -> None:
    imported = import_trajectory(memory.episodes, DATA / "pydicom-1458.traj")

    episode = memory.episodes.get(imported.episode_id)
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
    first = [import_trajectory(memory.episodes, file) for file in sorted(DATA.glob("*.traj"))]
    again = [import_trajectory(memory.episodes, file) for file in sorted(DATA.glob("*.traj"))]

    assert [each.known for each in first] == [False] * 4
    assert [each.known for each in again] == [True] * 4
    assert [each.episode_id for each in again] == [each.episode_id for each in first]


def test_an_unknown_exit_status_stays_unknown(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "odd.traj"
    turns = [{"action": "pytest -x", "observation": "EXECUTION TIMED OUT"}, {"action": " ", "observation": ""}]
    file.write_text(json.dumps({"trajectory": turns, "info": {}}), encoding="utf-8")

    episode = memory.episodes.get(import_trajectory(memory.episodes, file).episode_id)

    assert episode.outcome is None
    assert [type(step.result) for step in episode.steps] == [StepTimeout]


@pytest.mark.parametrize("text", ["nonsense", '{"history": []}'])
def test_a_file_that_is_no_trajectory_is_named(memory: Memory, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.traj"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ImporterError, match=r"bad\.traj is no SWE-agent trajectory"):
        import_trajectory(memory.episodes, file)
