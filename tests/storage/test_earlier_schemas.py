"""Stores that earlier versions made open, and what they hold is what those versions showed of it.

`stores/schema-N.db.gz` was made by the last version with schema N, through its own `memory-cli`; `schema-N.json` is
what its `episode view --json` and `note list --json` printed. A new schema adds a pair for the one before it.
"""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from memory_mcp.importers.archives import Opened, export_lines, import_export
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, Episode, EpisodeFilter, Failure
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recall import Query
from memory_mcp.storage import checksums, codec
from memory_mcp.storage.migrations import MIGRATIONS
from tests.conftest import OpenMemory

STORES = Path(__file__).parent / "stores"
ROOT = Path(__file__).parent.parent.parent
EARLIER = sorted(int(path.name.removeprefix("schema-").removesuffix(".db.gz")) for path in STORES.glob("*.db.gz"))


def unpack(number: int, home: Path) -> dict[str, Any]:
    home.mkdir(mode=0o700, parents=True)
    (home / "memory.db").write_bytes(gzip.decompress((STORES / f"schema-{number}.db.gz").read_bytes()))
    shown: dict[str, Any] = json.loads((STORES / f"schema-{number}.json").read_text(encoding="utf-8"))
    for episode in shown["episodes"]:  # what a view adds to an episode: its status, how it belongs to others
        assert episode.pop("status") in {"active", "completed"}
        episode.pop("relationships", None)
    return shown


def holds(whole: Any, part: Any) -> bool:
    """Whether every value that was shown then is shown now; new fields may stand beside it."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and holds(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def plain(value: Any) -> Any:
    """Return a value as its JSON shows it."""
    return json.loads(msgspec.json.encode(value))


def exported(memory: Memory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export_lines(memory.store, memory.clock)]


def test_every_earlier_schema_has_its_store() -> None:
    assert set(range(1, MIGRATIONS[-1].number)) <= set(EARLIER)


@pytest.mark.parametrize("number", EARLIER)
def test_a_store_of_an_earlier_schema_is_served_as_it_was(number: int, tmp_path: Path, open_memory: OpenMemory) -> None:
    shown = unpack(number, tmp_path / "home")

    memory = open_memory("shop")

    for then in shown["episodes"]:
        assert holds(plain(memory.episodes.get(then["id"])), then)
    page = memory.episodes.list(EpisodeFilter())
    assert [row.id for row in page.episodes] == [then["id"] for then in reversed(shown["episodes"])]
    assert page.damaged == 0
    notes = memory.notes.list()
    assert holds(plain(notes.notes), shown["notes"]["notes"])
    assert memory.recall.search(Query("the basket of a guest is gone")).hits[0].id in {
        then["id"] for then in shown["episodes"][:2]
    }
    assert memory.store.faults() == []
    assert memory.store.counts()["damaged"] == 0


@pytest.mark.parametrize("number", EARLIER)
def test_a_store_of_an_earlier_schema_is_exported_whole(
    number: int, tmp_path: Path, open_memory: OpenMemory, another_home: OpenMemory
) -> None:
    shown = unpack(number, tmp_path / "home")
    old = open_memory("shop")
    lines = exported(old)
    file = tmp_path / "all.jsonl"
    file.write_bytes(b"".join(export_lines(old.store, old.clock)))

    new = another_home("shop")
    summary = import_export(
        lambda _: Opened(new.store, new.learning, new.decisions), file, lambda _: None, dry_run=False
    )

    episodes = {line["episode"]["id"]: line["episode"] for line in lines if "episode" in line}
    assert all(holds(episodes[then["id"]], then) for then in shown["episodes"])
    assert summary.bad == 0
    for then in shown["episodes"]:  # learning has looked at them since: claims are no longer scored as wins
        recorded = {name: value for name, value in then.items() if name not in {"reward", "reflection"}}
        assert holds(plain(new.episodes.get(then["id"])), recorded)


def test_successes_from_before_evidence_are_claims_until_their_steps_show_them(
    tmp_path: Path, open_memory: OpenMemory
) -> None:
    shown = unpack(4, tmp_path / "home")
    proved, claimed = (then["id"] for then in shown["episodes"][:2])
    memory = open_memory("shop")
    before = [memory.episodes.get(each).outcome for each in (proved, claimed)]

    memory.learning.follow()

    after = [memory.episodes.get(each) for each in (proved, claimed)]
    assert [outcome and outcome.evidence for outcome in before] == ["claimed", "claimed"]
    assert [each.outcome and each.outcome.evidence for each in after] == ["shown", "claimed"]
    assert [each.reward and each.reward.outcome for each in after] == [1.0, 0.3]
    listed = {row.id: row.evidence for row in memory.episodes.list(EpisodeFilter()).episodes}
    assert [listed[proved], listed[claimed]] == ["shown", "claimed"]
    learnt = memory.store.patterns.list(PatternFilter(), limit=50, cursor=None).patterns
    assert {each.episode_id for pattern in learnt for each in pattern.evidence if each.share} == {proved}


def test_feedback_from_before_evidence_is_kept(tmp_path: Path, open_memory: OpenMemory) -> None:
    unpack(4, tmp_path / "home")
    memory = open_memory("shop")

    memory.learning.follow()

    judged = memory.store.recommendations.counts()
    assert (judged["helped"], judged["hindered"]) == (2, 1)
    assert memory.store.faults() == []


@pytest.mark.parametrize("number", EARLIER)
def test_what_was_written_then_can_be_changed_now(number: int, tmp_path: Path, open_memory: OpenMemory) -> None:
    shown = unpack(number, tmp_path / "home")
    running = shown["episodes"][2]["id"]

    open_memory("shop").episodes.complete(running, Failure("the quarter is over"))

    read = open_memory("shop").episodes.get(running)
    assert read.outcome is not None
    assert [step.action for step in read.steps] == ["make report"]


def test_a_changed_byte_in_an_old_row_is_still_noticed(tmp_path: Path, open_memory: OpenMemory) -> None:
    shown = unpack(EARLIER[-1], tmp_path / "home")
    connection = apsw.Connection(str(tmp_path / "home" / "memory.db"))
    connection.execute("UPDATE episodes SET task = replace(task, 'basket', 'casket')").fetchall()
    connection.close()

    page = open_memory("shop").episodes.list(EpisodeFilter())

    assert page.damaged == 1
    assert [row.id for row in page.episodes] == [then["id"] for then in (shown["episodes"][2], shown["episodes"][1])]


def test_a_field_that_is_null_changes_no_checksum_and_one_that_is_not_does() -> None:
    fields = codec.episode_columns(Episode("", "", "a task", "", Context(), started_at=1, updated_at=1))
    stored = checksums.EPISODE.checksum(fields)

    assert checksums.EPISODE.match(stored, {**fields, "mood": None})
    assert not checksums.EPISODE.match(stored, {**fields, "mood": "good"})
    assert not checksums.EPISODE.match(stored, {**fields, "task": "another task"})
    assert not checksums.EPISODE.match(stored + (1 << 32), fields)


def test_columns_that_came_after_the_first_checksums_may_be_null(open_memory: OpenMemory) -> None:
    """A later column that cannot be null would change the checksums of the rows that lack it."""
    memory = open_memory()
    covered = {
        "episodes": (checksums.EPISODE, codec.EPISODE_COLUMNS[:-1]),
        "steps": (checksums.STEP, codec.STEP_COLUMNS[:-1]),
    }

    with memory.store.database.read() as session:
        for table, (fields, columns) in covered.items():
            required = {row[1] for row in session.rows(f"PRAGMA table_info({table})") if row[3]}
            names = [column.removeprefix("e.") for column in columns]
            assert [name for name in names if name in required and name not in fields.first] == []


ADD_A_COLUMN = """
import pathlib, sys
root = pathlib.Path(sys.argv[1])
def put(path, before, after):
    text = (root / path).read_text(encoding="utf-8")
    assert text.count(before) == 1, (path, before)
    (root / path).write_text(text.replace(before, before + after), encoding="utf-8")
put("memory_mcp/storage/migrations.py", {migration!r},
    '\\n    Migration({number}, "mood", ("ALTER TABLE episodes ADD COLUMN mood TEXT",)),')
put("memory_mcp/storage/codec.py", '"reflection": dump(episode.reflection),', '\\n        "mood": episode.mood,')
put("memory_mcp/storage/codec.py", 'reflection=_decoded(_REFLECTION, fields["reflection"]),',
    '\\n        mood=fields["mood"],')
put("memory_mcp/models/episodes.py", '    kind: EpisodeKind = "task"', '\\n    mood: str | None = None')
"""
USE_THE_COLUMN = """
import sys
import msgspec
from pathlib import Path
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter
with Memory.open({"MEMORY_MCP_HOME": sys.argv[1], "MEMORY_MCP_PROJECT_NAME": "shop"}, Path.cwd(), actor="t") as memory:
    page = memory.episodes.list(EpisodeFilter())
    new, _ = memory.episodes.start("a new task")
    memory.store.episodes.update(new.id, "update", lambda episode: msgspec.structs.replace(episode, mood="good"))
    moods = [memory.store.episodes.get(each).mood for each in (new.id, page.episodes[0].id)]
    print(memory.store.schema, len(page.episodes), page.damaged, *moods)
"""


def test_a_column_is_added_in_the_three_steps_of_the_documents(tmp_path: Path) -> None:
    """The steps of docs/schema.md, done to a copy of the product: no record of before is damaged."""
    unpack(EARLIER[-1], tmp_path / "home")
    shutil.copytree(ROOT / "memory_mcp", tmp_path / "memory_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    number = MIGRATIONS[-1].number
    last = f'Migration({number}, "{MIGRATIONS[-1].name}",'
    text = (ROOT / "memory_mcp" / "storage" / "migrations.py").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if last in line).strip()
    change = ADD_A_COLUMN.replace("{migration!r}", repr(line)).replace("{number}", str(number + 1))

    for code, argument in ((change, tmp_path), (USE_THE_COLUMN, tmp_path / "home")):
        command = [sys.executable, "-c", code, str(argument)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    assert done.stdout.split() == [str(number + 1), "3", "0", "good", "None"]


FULL = """
import os, resource, sys
from pathlib import Path
from memory_mcp.memory import Memory
from memory_mcp.errors import StoreFullError

sys.dont_write_bytecode = True  # Python would keep a module that it could write in part only
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
try:
    Memory.open(os.environ, Path("/"), actor="full")
except StoreFullError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 1, 4096, 16_384])
@pytest.mark.parametrize("number", [0, *EARLIER])
def test_a_store_that_cannot_be_brought_to_the_newest_schema_for_want_of_room_says_so(
    number: int, limit: int, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    if number:
        unpack(number, home)
    environ = {"MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "here"}

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(limit)], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert f"{home}" in done.stdout
    assert "free some space" in done.stdout
