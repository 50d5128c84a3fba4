"""`memory-cli conversation`."""

import json
from pathlib import Path

from tests.cli.conftest import Run, as_json

LINES = "\n".join(
    json.dumps(line)
    for line in (
        {"role": "user", "text": "where do the logs go?", "time": "2026-01-31T09:30:00Z"},
        {
            "role": "assistant",
            "text": "to Loki, query them in Grafana",
            "time": "2026-01-31T09:31:00Z",
            "important": True,
        },
    )
)


def test_a_conversation_is_added_listed_viewed_found_and_erased(run: Run) -> None:
    made = run("conversation", "add", "-", "--title", "logging", "--tag", "ops", text=LINES).stdout.strip()
    run("conversation", "append", made, "-", text='{"role": "user", "text": "thanks"}')

    assert "logging" in run("conversation", "list").stdout
    shown = run("conversation", "view", made).stdout
    assert "assistant" in shown
    assert "*): to Loki" in shown
    hits = as_json(run("conversation", "search", "Loki Grafana", "--json"))["hits"]
    assert hits[0]["place"]["conversation_id"] == made
    assert [turn["position"] for turn in as_json(run("conversation", "view", made, "--json"))] == [0, 1, 2]
    run("conversation", "delete", made, "--yes")
    assert "No conversations in project desk." in run("conversation", "list").stdout


def test_a_conversation_without_a_title_is_called_by_its_first_words(run: Run, tmp_path: Path) -> None:
    talk = tmp_path / "talk.jsonl"
    talk.write_text('{"role": "user", "text": "where do the logs go?"}\n')

    made = run("conversation", "add", str(talk)).stdout.strip()

    (row,) = as_json(run("conversation", "list", "--json"))["episodes"]
    assert (row["id"], row["task"]) == (made, "where do the logs go?")


def test_a_bad_line_is_named_and_nothing_is_kept(run: Run) -> None:
    result = run("conversation", "add", "-", text=LINES + "\nno json", code=1)

    assert "line 3 of - is no message" in str(result.exception)
    assert as_json(run("conversation", "list", "--json"))["episodes"] == []
