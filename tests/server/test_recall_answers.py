"""What recall ranks is what its tool shows: every hit, within six kilobytes."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_mcp.clock import iso
from memory_mcp.importers.commits import read_json_lines
from memory_mcp.importers.git import import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Failure, Step, StepSuccess, Success
from memory_mcp.models.recall import Answer, Hit, Place, Query, ScoreParts
from memory_mcp.server.desk import Desk
from memory_mcp.server.recall_answers import answer_of, ids_in
from memory_mcp.visible import visible_values
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock
from tests.server.clients import call, connected
from tests.server.conftest import RawServer

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
NOTE = "The voucher is kept when a currency is exchanged. "
MOST_BYTES = 6_000
MOST_EXPLAINED_BYTES = 8_000
BOOSTS = ("success", "recency", "date", "neighbour", "talk", "importance", "project")
COSTLY = ("x", "word ", "優惠", "\\", '"', "\x1b", "\u202e", "👩\u200d👧\u200d👦", "ß", "\U000e0041", "क्\u200dष", " ")


def filled(number: int, *, kind: Any, piece: str, share: float) -> Hit:
    """Return a hit of which each text is as long as share says, and made of a piece."""

    def text(longest: int) -> str:
        return (piece * longest)[: int(longest * share)]

    return Hit(
        kind=kind,
        id=f"{number:030x}bb",
        project=text(200),
        text=text(10_000),
        score=1.2345,
        relevance=1.2345,
        parts=ScoreParts(0.9876, 0.8765, dict.fromkeys(BOOSTS, 0.123456), 12.3456, 0.98765),
        matched=(text(60),) * int(76 * share),
        created_at=1_700_000_000_000_000,
        age_days=1234.56,
        outcome="partial_success",
        reward=0.1234,
        task_type=text(200),
        tags=(text(100),) * int(50 * share),
        repeats=int(1_000 * share) + 1,
        lesson=text(400),
        passage=text(240),
        lesson_passage=text(160),
        place=Place(f"{number:030x}aa", text(10_000), 100_000, 0.5, text(300), text(300)) if kind == "turn" else None,
        freshness="stale" if kind == "episode" else "unknown",
    )


SHARES = st.sampled_from((0.0, 0.1, 0.5, 1.0))
PIECES = st.lists(st.sampled_from(COSTLY), min_size=1, max_size=3).map("".join)
KINDS = st.sampled_from(("episode", "note", "pattern", "turn"))


ROWS = st.lists(st.tuples(KINDS, PIECES, SHARES), min_size=10, max_size=10)


def answer_with(rows: list[tuple[str, str, float]], word: str) -> Answer:
    hits = tuple(
        filled(number, kind=kind, piece=piece, share=share) for number, (kind, piece, share) in enumerate(rows)
    )
    told = word * 30
    return Answer(hits, "hybrid", told, (told * 40,) * 6, 10**9, corrected=((told, (told,) * 3),) * 40)


@settings(max_examples=80, deadline=None)
@given(rows=ROWS, word=PIECES, explain=st.booleans(), is_short=st.booleans())
def test_ten_hits_are_shown_whatever_they_hold(
    rows: list[tuple[str, str, float]], word: str, *, explain: bool, is_short: bool
) -> None:
    answer = answer_with(rows, word)
    ids = {each: each[-8:] for each in ids_in(answer)} if is_short else {}

    shown = visible_values(answer_of(answer, home="here", explain=explain, short=ids))

    assert [hit[f"{hit['kind']}_id"] for hit in shown["hits"]] == [ids.get(hit.id, hit.id) for hit in answer.hits]
    assert len(json.dumps(shown, ensure_ascii=False).encode()) <= (MOST_EXPLAINED_BYTES if explain else MOST_BYTES)
    assert "left_out" not in shown


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_short_hits_stay_whole_beside_long_ones(rows: list[tuple[str, str, float]]) -> None:
    answer = answer_with(rows, "x")
    short = msgspec.structs.replace(
        filled(11, kind="note", piece="x", share=0.0), passage="kept whole", lesson_passage="so is this"
    )

    shown = answer_of(msgspec.structs.replace(answer, hits=(short, *answer.hits[1:])), home="", explain=False)

    assert (shown["hits"][0]["text"], shown["hits"][0]["lesson"]) == ("kept whole", "so is this")


def test_of_a_hundred_hits_as_many_are_shown_as_fit_and_the_others_counted(memory: Memory) -> None:
    for number in range(100):
        memory.notes.add(f"voucher {number} {'filler words ' * 60}")

    shown = answer_of(memory.recall.search(Query("voucher", limit=100)), home="here", explain=False)

    assert len(json.dumps(shown, ensure_ascii=False).encode()) <= MOST_BYTES
    assert 18 <= len(shown["hits"]) < 100
    assert shown["left_out"] == f"{100 - len(shown['hits'])} more hits; ask more narrowly, by tags, time or domain"


def test_a_passage_from_the_middle_of_a_long_task_is_shown_with_how_the_task_begins(memory: Memory) -> None:
    memory.episodes.start("Move the shop to the new ledger. " + "Some more words. " * 60 + NOTE + "And more. " * 60)

    (hit,) = answer_of(memory.recall.search(Query("voucher currency")), home="here", explain=False)["hits"]

    assert NOTE.strip() in hit["text"]
    assert hit["task"] == "Move the shop to the new ledger. Some more words. Some more words. Some more wo…"


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
    assert shown["cut"] == "10 of these texts; get_episode with the hit's id and full_text shows a record whole"


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


@pytest.mark.anyio
@pytest.mark.parametrize("word", ["ledger ", "優惠券"])
async def test_a_long_record_is_shown_in_part_and_whole_when_asked(desk: Desk, word: str) -> None:
    text = f"{word * 3_000}"[:9_000].strip()
    async with connected(desk) as client:
        note = (await call(client, "remember_note", text=text, tags=[f"{word[0] * 99}{n}" for n in range(9)]))[
            "note_id"
        ]
        talk = await call(client, "remember_conversation", messages=[{"role": "user", "text": text}] * 3)
        turn = desk.memory.conversations.turns(desk.memory.store.ids.full(talk["conversation_id"]))[1]

        part = await call(client, "get_episode", episode_id=note)
        whole = await client.call_tool("get_episode", {"episode_id": note, "full_text": True})
        said = await client.call_tool("get_episode", {"episode_id": turn.id[-8:], "full_text": True})

        assert text.startswith(part["text"][:1_000])
        assert " characters]" in part["text"]
        assert whole.structured_content["text"] == text
        assert said.structured_content["messages"][0] == {
            "step": 2,
            "role": "user",
            "text": text,
            "at": iso(turn.message.at),
        }
        assert said.structured_content["next_step"] == 3


@pytest.mark.parametrize("provider", ["none", "hash"])
def test_the_run_that_succeeded_is_shown_where_only_words_of_one_that_failed_are_asked_for(
    open_memory: OpenMemory, provider: str
) -> None:
    memory = open_memory(provider=provider)
    for step, outcome in (
        ("psql: flux capacitor overheated", Failure("no")),
        ("apt upgrade", Success("a newer driver")),
    ):
        episode, _ = memory.episodes.start("upgrade the database driver")
        memory.episodes.append(episode.id, [Step("bash", step, {}, StepSuccess("ok"))])
        memory.learning.complete(episode.id, outcome)

    for _ in range(2):  # before and after the index holds them
        (hit,) = answer_of(memory.recall.search(Query("flux capacitor overheated")), home="here", explain=False)["hits"]
        memory.index.keywords.follow()

        assert (hit["outcome"], hit["lesson"], hit["other_runs"]) == ("success", "a newer driver", 1)
        assert hit["relevance"] >= 1


@pytest.mark.parametrize("piece", ["優惠券", 'say \\"', "👩\u200d👧\u200d👦"])
def test_over_real_pipes_ten_hits_of_the_worst_kind_fit_into_six_kilobytes(
    raw: Callable[..., RawServer], piece: str
) -> None:
    server = raw("--toolsets", "records")
    server.begin()
    for number in range(10):
        messages = [{"role": piece * 20, "text": f"voucher {number} {piece * 2_000}"}] * 3
        talk = {"messages": messages, "title": piece * 1_000, "tags": [(piece * 30)[:90]]}
        assert not server.call(number, "remember_conversation", **talk)["isError"]

    answer = server.call(20, "query_memory", query="voucher", limit=10)
    explained = server.call(21, "query_memory", query="voucher", limit=10, explain=True)["structuredContent"]

    (block,) = answer["content"]
    shown = answer["structuredContent"]
    assert json.loads(block["text"]) == shown
    assert (len(shown["hits"]), len(explained["hits"])) == (10, 10)
    assert len({hit["conversation_id"] for hit in shown["hits"]}) == 10
    assert len(block["text"].encode()) <= MOST_BYTES
    assert len(json.dumps(shown, ensure_ascii=False).encode()) <= MOST_BYTES
    assert shown["cut"].startswith("10 of these texts; get_episode")
    assert all(piece[0] in hit["text"] and hit["title"] and hit["other_turns"] == 2 for hit in shown["hits"])
