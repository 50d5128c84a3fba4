"""`memory-cli replay`: recorded runs against a memory that knows only the past, without touching the user's own."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, as_json

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "mini-swe-agent"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/mini-swe-agent beside the checkout")
SUBJECTS = ("the basket forgets its discount", "invoices print twice", "thumbnails are upside down")


def line(number: int, **changes: Any) -> str:
    steps = [
        {"tool": "bash", "action": "make deploy", "output": "error: no key for the server", "exit_code_zero": False},
        {"tool": "bash", "action": "sed -i s/a/b/ src/basket.py", "output": "", "exit_code_zero": True},
    ]
    run = {"id": f"run/shop__shop-{number}", "task": SUBJECTS[number], "steps": steps, "claimed": "submitted"}
    return json.dumps({**run, **changes}) + "\n"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(line(number) for number in range(3)), encoding="utf-8")
    return file


def measured(report: dict[str, Any], measure: str) -> dict[str, tuple[float, float]]:
    return {each["arm"]: (each["part"], each["whole"]) for each in report["measures"] if each["measure"] == measure}


def test_a_project_is_replayed_from_its_own_episodes_which_stay_as_they_are(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    run("import", "mini-swe-agent", str(recorded))
    before = run("export", "-").stdout

    report = as_json(run("replay", "--json"))

    assert (report["runs"], report["tasks"], report["projects"]) == (3, 3, 1)
    assert [each["known"] for each in report["seen"]] == [0, 1, 2]
    assert measured(report, "failures forewarned")["ours"][1] == 3
    assert run("export", "-").stdout.split("\n", 1)[1] == before.split("\n", 1)[1]  # its first line holds the time
    assert list((tmp_path / "home").glob("*replay*")) == []


def test_recorded_runs_are_replayed_without_a_memory_of_ones_own(run: Run, recorded: Path, tmp_path: Path) -> None:
    shown = run("replay", "--runs", str(recorded)).stdout

    assert "3 runs of 3 tasks in 1 project, in the order of time" in shown
    assert "same text failed in half of its runs" in shown
    assert "Forewarned means that the memory would have said so before it happened" in shown
    assert "prevented" not in shown
    assert not (tmp_path / "home" / "memory.db").exists()


def test_files_behind_the_first_one_are_runs_too(run: Run, recorded: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(line(0, id="run/mail__mail-1"), encoding="utf-8")

    report = as_json(run("replay", "--runs", str(recorded), str(other), "--json"))

    assert (report["runs"], report["projects"]) == (4, 2)


def test_a_limit_asks_at_the_newest_runs_and_the_earlier_ones_are_known(run: Run, recorded: Path) -> None:
    report = as_json(run("replay", "--runs", str(recorded), "--limit", "1", "--json"))

    assert [(each["run"], each["known"]) for each in report["seen"]] == [("run/shop__shop-2", 2)]


def test_hindsight_is_said(run: Run, recorded: Path) -> None:
    report = run("replay", "--runs", str(recorded), "--hindsight").stdout

    assert "with hindsight: later runs of other tasks are known too" in report


def test_a_project_without_runs_and_unfit_words_are_refused(run: Run, recorded: Path, tmp_path: Path) -> None:
    assert "no run with steps is recorded there" in str(run("replay", code=1).exception)
    assert "there is no project nowhere" in str(run("replay", "nowhere", code=1).exception)
    assert "one project at a time, not 2" in str(run("replay", "a", "b", code=1).exception)
    assert "--format says whose files --runs names" in str(run("replay", "--format", "codex", code=1).exception)
    assert "no transcripts of 'x'" in str(run("replay", "--runs", str(recorded), "--format", "x", code=1).exception)
    absent = run("replay", "--runs", str(tmp_path / "absent"), code=1)
    assert f"{tmp_path / 'absent'}: it cannot be read: No such file or directory" in absent.stderr
    run("replay", "--runs", str(recorded), "--limit", "0", code=2)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    file, scratch = tmp_path / "runs.jsonl", tmp_path / "scratch"
    scratch.mkdir()
    file.write_text("".join(line(0, id=f"{number}/a__b-{number}", task=f"task {number}") for number in range(300)))
    command = [sys.executable, "-m", "memory_cli.entrance", "replay", "--runs", str(file)]
    environ = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "TMPDIR": str(scratch)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(scratch.glob("*/memory.db")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert (output, b"Traceback" in errors) == (b"", False)
    assert list(scratch.iterdir()) == []


@needs_data
def test_two_shared_runs_are_replayed_alike_each_time(run: Run, tmp_path: Path) -> None:
    whole = DATA / "astropy__astropy.jsonl.gz"

    first, again = (run("replay", "--runs", str(whole), "--limit", "2", "--json").stdout for _ in range(2))

    report = json.loads(first)
    assert [(each["known"], each["files"]) for each in report["seen"]] == [
        (4, ["astropy/io/fits/fitsrec.py"]),
        (5, ["astropy/wcs/wcs.py"]),
    ]
    assert hashlib.sha256(first.encode()).digest() == hashlib.sha256(again.encode()).digest()
    assert list(tmp_path.rglob("memory.db")) == []


def test_no_place_for_the_scratch_store_is_said(recorded: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "TMPDIR": str(recorded)}
    command = [
        *(sys.executable, "-c"),
        "import tempfile, sys; tempfile.tempdir = sys.argv.pop(); from memory_cli.entrance import main; main()",
        *("replay", "--runs", str(recorded), str(tmp_path / "absent" / "scratch")),
    ]

    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no temporary directory can be made for the replay: No such file or directory; set TMPDIR" in ended.stderr
