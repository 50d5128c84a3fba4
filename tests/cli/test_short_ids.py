"""Every command takes short ids, and searches show them."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main

from memory_cli.app import app
from tests.cli.conftest import Run, as_json


def taking_ids(command: Any, words: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return every command with a parameter that names a record."""
    if hasattr(command, "list_commands"):
        below = {name: command.get_command(None, name) for name in command.list_commands(None)}
        return {each for name, one in below.items() for each in taking_ids(one, (*words, name))}
    named = {each.name for each in command.params}
    ids = {"episode", "pattern", "recommendation", "supersedes"}
    return {words} if ids & named or any(name.endswith("_id") for name in named) else set()


def made(run: Run, tmp_path: Path) -> dict[str, str]:
    """Make a record of each kind and return their short ids."""
    talk = tmp_path / "talk.jsonl"
    talk.write_text(json.dumps({"role": "user", "text": "the till is open"}) + "\n", encoding="utf-8")
    first = run("episode", "create", "mend the till", "--type", "bug_fix", "--domain", "shop").stdout.strip()
    run("episode", "log-step", first, "bash", "make till", "--result", "success", "--output", "ok")
    run("episode", "complete", first, "--verdict", "it rings")
    found = {
        "closed": first,
        "episode": run("episode", "create", "mend the till").stdout.strip(),
        "other": run("episode", "create", "paint the till").stdout.strip(),
        "third": run("episode", "create", "sell the till").stdout.strip(),
        "note": run("note", "add", "the till speaks German").stdout.strip(),
        "talk": run("conversation", "add", str(talk)).stdout.strip(),
    }
    found["rule"] = run("rule", "add", "never push to main").stdout.strip()
    found["handoff"] = run("handoff", "create", found["episode"], "--note", "half done").stdout.strip()
    found["decision"] = run("decision", "add", "never close the till").stdout.strip()
    found["newer"] = run("decision", "add", "always close the till").stdout.strip()
    found["playbook"] = as_json(run("playbook", "recommend", "mend the till", "--json"))["id"]
    return {name: each[-8:] for name, each in found.items()}


def test_every_command_takes_short_ids(run: Run, tmp_path: Path) -> None:
    ids = made(run, tmp_path)
    calls = (
        ("episode", "view", ids["episode"]),
        ("episode", "log-step", ids["episode"], "bash", "ls"),
        ("episode", "update", ids["episode"], "--add-tag", "x"),
        ("tag", "add", ids["note"], "till"),
        ("tag", "remove", ids["note"], "till"),
        ("relationship", "add", ids["episode"], "blocks", ids["other"]),
        ("relationship", "list", ids["episode"]),
        ("relationship", "graph", ids["episode"]),
        ("relationship", "remove", ids["episode"], "blocks", ids["other"]),
        ("handoff", "create", ids["other"]),
        ("handoff", "view", ids["handoff"]),
        ("handoff", "resume", ids["handoff"]),
        ("handoff", "export", ids["handoff"], str(tmp_path / "handoff.json")),
        ("playbook", "view", ids["playbook"]),
        ("playbook", "recommend", "mend the till", "--episode", ids["episode"]),
        ("pattern", "recommend", "mend the till", "--episode", ids["episode"]),
        ("check", "pytest", "--episode", ids["episode"]),
        ("feedback", "helped", ids["playbook"], "--pattern", ids["closed"]),
        ("conversation", "view", ids["talk"]),
        ("conversation", "append", ids["talk"], str(tmp_path / "talk.jsonl")),
        ("note", "add", "it speaks French", "--supersedes", ids["note"]),
        ("rule", "view", ids["rule"]),
        ("rule", "accept", ids["rule"]),
        ("rule", "reject", ids["rule"]),
        ("rule", "delete", ids["rule"], "--yes"),
        ("decision", "view", ids["decision"]),
        ("decision", "list", "--source", ids["note"]),
        ("decision", "settle", ids["newer"], ids["decision"]),
        ("decision", "retire", ids["decision"]),
        ("decision", "add", "count the till", "--replaces", ids["newer"]),
        ("episode", "complete", ids["other"]),
        ("episode", "fail", ids["third"], "no time"),
        ("note", "delete", ids["note"], "--yes"),
        ("conversation", "delete", ids["talk"], "--yes"),
        ("episode", "delete", ids["closed"], "--yes"),
    )
    for words in calls:
        run(*words)

    shown = {words[:length] for words in calls for length in (1, 2)}
    elsewhere = {("pattern", "view"), ("quarantine", "release"), ("quarantine", "drop")}  # no such record is made here
    assert taking_ids(typer.main.get_command(app)) - shown == elsewhere


def test_a_search_shows_short_ids_and_passages_and_the_parts_of_the_score_when_asked(run: Run) -> None:
    run("episode", "create", f"Move the shop. {'Some more words. ' * 60} The voucher is kept. {'And more. ' * 30}")
    whole = as_json(run("episode", "search", "voucher", "--json"))["hits"][0]["id"]

    lean = run("episode", "search", "voucher").stdout
    explained = run("episode", "search", "voucher", "--explain").stdout

    assert "The voucher is kept." in lean
    assert "Move the shop. Some more words." in lean
    assert all(whole[-8:] in shown and whole not in shown for shown in (lean, explained))
    assert "similarity" in explained
    assert "similarity" not in lean


def test_a_search_says_which_words_it_looked_up_instead(run: Run) -> None:
    for number in range(3):
        run("note", "add", f"deployment {number} goes through the pipeline")

    assert "note: nothing holds 'deploymnet'; looked up deploy" in run("note", "search", "deploymnet pipelne").stdout


@pytest.mark.parametrize("text", ["", "abc", "%", "CAFE0123", "zzzzzzzz"])
def test_what_is_no_id_is_refused_in_a_sentence(run: Run, text: str) -> None:
    for words in (("episode", "view", text), ("note", "delete", text, "--yes"), ("tag", "add", text, "x")):
        result = run(*words, code=1)

        assert result.output.count("\n") <= 1
