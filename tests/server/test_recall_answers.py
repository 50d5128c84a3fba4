"""What recall ranks is what its tool shows: every hit, within six kilobytes."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.importers.commits import read_json_lines
from memory_mcp.importers.git import import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Failure, Step, StepSuccess, Success
from memory_mcp.models.recall import Query
from memory_mcp.server.desk import Desk
from memory_mcp.server.recall_answers import answer_of
from tests.fakes import FrozenClock
from tests.server.clients import call, connected

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
NOTE = "The voucher is kept when a currency is exchanged. "
MOST_BYTES = 6_000


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def history(memory: Memory) -> list[str]:
    import_commits(memory.episodes, memory.relationships, read_json_lines(DATA / "git" / "llm.jsonl.gz"))
    return [row["subject"] for row in lines(DATA / "git" / "llm.jsonl.gz")][::60]


def decisions(memory: Memory) -> list[str]:
    rows = lines(DATA / "decisions" / "decisions.jsonl.gz")
    for row in rows:
        texts = [("user", row["request"]), ("assistant", row["decision"]), ("user", row.get("commit_body") or "ok")]
        messages = [Message(role, text, memory.clock.now()) for role, text in texts]
        memory.conversations.remember(row.get("commit_subject") or "", messages)
    return [row["request"] for row in rows][::4]


def runs(memory: Memory) -> list[str]:
    tasks = []
    for path in sorted((DATA / "mini-swe-agent").glob("*.gz")):
        for row in lines(path):
            episode, _ = memory.episodes.start(row["task"][:10_000])
            steps = [
                Step(each["tool"], each["action"][:2_000] or "-", {}, StepSuccess(each["output"][:1_000]))
                for each in row["steps"][:20]
            ]
            if steps:
                memory.episodes.append(episode.id, steps)
            memory.learning.complete(episode.id, Failure(reason=f"{row['claimed']}: not checked"))
            tasks.append(row["task"])
    return [task[:9_000] for task in tasks[::9]]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")
@pytest.mark.parametrize("fill", [history, decisions, runs])
def test_what_is_ranked_is_shown_within_six_kilobytes(memory: Memory, fill: Callable[[Memory], list[str]]) -> None:
    questions = fill(memory)

    for question in questions:
        answer = memory.recall.search(Query(question, limit=10))
        shown = answer_of(answer, home=memory.project, explain=False)

        assert [hit[f"{hit['kind']}_id"] for hit in shown["hits"]] == [hit.id for hit in answer.hits]
        assert len(json.dumps(shown, ensure_ascii=False).encode()) <= MOST_BYTES
        assert "left_out" not in shown
        assert all(len(hit["text"]) <= 240 and len(hit.get("lesson", "")) <= 160 for hit in shown["hits"])


@pytest.mark.parametrize("word", ["voucher", "Gutschein", "優惠券"])
def test_ten_hits_of_any_script_are_shown_with_the_passage_that_matches(memory: Memory, word: str) -> None:
    for number in range(10):
        memory.notes.add(f"{word[0] * 900} {number}. The {word} is kept. {word[-1] * 900}")

    answer = memory.recall.search(Query(word, limit=10))
    shown = answer_of(answer, home="here", explain=False)

    assert len(shown["hits"]) == 10
    assert len(json.dumps(shown, ensure_ascii=False).encode()) <= MOST_BYTES
    assert shown["cut"] == "10 of these texts; get_episode with the hit's id shows a record whole"


def test_a_lean_hit_says_what_it_is_and_its_score_when_asked(memory: Memory) -> None:
    note = memory.notes.add("filler words here. " * 60 + NOTE + "More filler. " * 60, tags=("shop",))[0]
    answer = memory.recall.search(Query("voucher currency"))

    (lean,) = answer_of(answer, home="here", explain=False)["hits"]
    (full,) = answer_of(answer, home="elsewhere", explain=True)["hits"]

    assert NOTE.strip() in lean.pop("text")
    assert lean == {"kind": "note", "note_id": note.id, "relevance": lean["relevance"], "at": full["at"]}
    assert full["project"] == "here"
    assert full["explain"]["tags"] == ["shop"]
    assert full["explain"]["score"] == answer.hits[0].score
    assert full["explain"]["matched"] == ["voucher", "currency"]


def test_of_a_repeated_task_the_run_that_succeeded_is_shown_and_of_a_talk_the_best_turn(
    memory: Memory, clock: FrozenClock
) -> None:
    for outcome in (Failure("the driver is too old"), Success("a newer driver", evidence="user"), Failure("no disk")):
        episode, _ = memory.episodes.start("upgrade the database driver")
        memory.learning.complete(episode.id, outcome)
    said = ["x" * 200, "The driver of the database is upgraded on Friday.", "y" * 200, "And the database?"]
    memory.conversations.remember("plans", [Message("user", text, clock.now()) for text in said])

    hits = answer_of(memory.recall.search(Query("upgrade the database driver")), home="here", explain=False)["hits"]

    run, turn = sorted(hits, key=lambda hit: str(hit["kind"]))
    assert (run["outcome"], run["lesson"], run["other_runs"]) == ("success", "a newer driver", 2)
    assert (turn["text"], turn["other_turns"]) == (f"user: {said[1]}", 3)
    assert (len(turn["before"]), len(turn["after"])) == (80, 80)


@pytest.mark.anyio
async def test_get_episode_shows_the_whole_record_of_every_hit(desk: Desk) -> None:
    async with connected(desk) as client:
        text = f"{'filler words here. ' * 60}{NOTE}"
        note = await call(client, "remember_note", text=text, tags=["shop"])
        messages = [{"role": "user", "text": f"{place}: the ledger closes at noon"} for place in range(3)]
        talk = await call(client, "remember_conversation", messages=messages)

        hits = (await call(client, "query_memory", query="1: ledger closes"))["hits"]
        hit = next(each for each in hits if each["kind"] == "turn")
        whole = await call(client, "get_episode", episode_id=note["note_id"], full_text=True)
        said = await call(client, "get_episode", episode_id=hit["turn_id"])

        assert (whole["kind"], whole["text"], whole["tags"]) == ("note", text, ["shop"])
        assert said["episode_id"] == talk["conversation_id"]
        assert said["messages"][0]["step"] == hit["step"]
