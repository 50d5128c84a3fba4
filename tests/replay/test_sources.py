"""Runs are read from any transcripts that the importers read, and what is none is named."""

import gzip
import json
from pathlib import Path

import pytest

from memory_cli.replay.sources import read_runs
from memory_mcp.errors import InvalidInputError

MINI = {
    "id": "first_run/shop__shop-12",
    "task": "Mend the basket",
    "steps": [{"tool": "bash", "action": "make", "output": "", "exit_code_zero": True}],
    "claimed": "submitted",
}
PLAIN = {"task": "Mend the mail", "steps": [{"tool": "bash", "action": "make", "result": "success"}]}
CLAUDE = [
    {"type": "user", "sessionId": "s1", "uuid": "1", "cwd": "/work/shop", "message": {"role": "user", "content": "Go"}},
    {
        "type": "assistant",
        "sessionId": "s1",
        "uuid": "2",
        "cwd": "/work/shop",
        "message": {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "make"}}],
        },
    },
]
CODEX = [
    {"type": "session_meta", "payload": {"id": "c", "cwd": "/work/mail"}},
    {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [{"text": "Go on"}]}},
    {
        "type": "response_item",
        "payload": {"type": "function_call", "name": "shell", "arguments": '{"command": ["make"]}', "call_id": "1"},
    },
]
TRAJECTORY = {"trajectory": [{"action": "make", "observation": "ok"}], "info": {"exit_status": "submitted"}}


def written(path: Path, *lines: object) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_every_kind_of_transcript_is_known_by_its_beginning(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl.gz", MINI)
    written(tmp_path / "b.jsonl", *CLAUDE)
    written(tmp_path / "c.jsonl", *CODEX)
    written(tmp_path / "d.jsonl", PLAIN)
    written(tmp_path / "shop-7.traj", TRAJECTORY)

    found, bad = read_runs([tmp_path])

    assert bad == []
    assert [(each.project, each.episode.task) for each in found] == [
        ("shop__shop", "Mend the basket"),
        ("/work/shop", "Go"),
        ("/work/mail", "Go on"),
        ("d", "Mend the mail"),
        ("shop", "shop-7: no issue text recorded"),
    ]


def test_what_is_no_transcript_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    odd = written(tmp_path / "a.jsonl", {"colour": "blue"})
    broken = tmp_path / "b.jsonl.gz"
    broken.write_bytes(b"no gzip")
    good = written(tmp_path / "c.jsonl", MINI, {**MINI, "id": "x", "task": "y" * 20, "steps": 3})

    found, bad = read_runs([odd, broken, good, tmp_path / "absent"])

    assert [each.name for each in found] == ["first_run/shop__shop-12"]
    assert [each.where for each in bad] == [str(odd), str(broken), f"{good}:2", str(tmp_path / "absent")]
    assert "name its kind with --format, of claude-code, codex" in bad[0].reason


def test_a_named_kind_is_believed_and_an_unknown_one_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", PLAIN)

    assert [each.episode.task for each in read_runs([file], "jsonl")[0]] == ["Mend the mail"]
    with pytest.raises(InvalidInputError, match="no transcripts of 'aider' are read here; there are claude-code"):
        read_runs([file], "aider")


def test_a_run_that_the_store_could_not_keep_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", {**MINI, "task": "  "}, MINI)

    found, bad = read_runs([file])

    assert (len(found), len(bad)) == (1, 1)
    assert "the task is empty" in bad[0].reason


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder, secret = tmp_path / "runs", written(tmp_path / "secret.jsonl", MINI)
    folder.mkdir()
    (folder / "a.jsonl").symlink_to(secret)

    found, bad = read_runs([folder])

    assert found == []
    assert "leads out of" in bad[0].reason
