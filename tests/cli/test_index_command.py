"""`memory-cli index`: what it says, mending, and what `doctor` and `health` say of damage."""

import subprocess
import sys
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.cli.conftest import Run, as_json
from tests.conftest import OpenMemory
from tests.storage.test_derived import DAMAGES, PAGED, PAGES, SQL

RECORDS = 30


@pytest.fixture
def store(open_memory: OpenMemory) -> str:
    """A closed store with notes that are indexed."""
    memory: Memory = open_memory("desk")
    for number in range(RECORDS):
        memory.notes.add(f"lantern number{number} over the harbour of word{number % 5}")
    memory.recall.search(Query("lantern"))
    memory.close()
    return str(memory.places.store)


def damage(code: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def part(found: list[dict[str, Any]], name: str, key: str = "part") -> dict[str, Any]:
    return next(each for each in found if each[key] == name)


@pytest.mark.usefixtures("store")
def test_status_of_an_undamaged_index_reports_its_sizes(run: Run) -> None:
    found = as_json(run("index", "status", "--json"))

    assert found["sizes"]["keyword_entries"] == RECORDS
    assert (found["not_indexed"], found["is_rebuilding"], found["faults"]) == (0, False, [])
    assert "records in the keyword index" in run("index", "status").output


@pytest.mark.usefixtures("store")
def test_rebuild_rebuilds_both_parts(run: Run) -> None:
    done = as_json(run("index", "rebuild", "--json"))

    assert done == {"damaged": [], "keywords": RECORDS, "vectors": RECORDS}
    assert as_json(run("index", "rebuild", "--only", "keywords", "--json"))["vectors"] == 0
    assert "rebuilt" in run("index", "rebuild").output


@pytest.mark.parametrize("name", [name for name in DAMAGES if name != "keywords_idx emptied"])
def test_doctor_and_health_name_the_command_that_mends_the_index(run: Run, store: str, name: str) -> None:
    damage(SQL, store, *DAMAGES[name][1])
    table = name.split("_", maxsplit=1)[0].split(maxsplit=1)[0]

    health = part(as_json(run("health", "--json"))["checks"], "index", "name")
    doctor = part(as_json(run("doctor", "--json", code=0)), "index")
    assert run("index", "status", code=1).output
    run("index", "rebuild")

    assert health["status"] == "degraded"
    assert table in health["detail"]
    assert "'memory-cli index rebuild' mends it" in health["detail"]
    assert (doctor["severity"], "'memory-cli index rebuild'" in doctor["advice"]) == ("warning", True)
    assert as_json(run("index", "status", "--json"))["faults"] == []
    assert part(as_json(run("health", "--json"))["checks"], "index", "name")["status"] == "ok"


@pytest.mark.parametrize("tree", PAGED)
def test_doctor_tells_damaged_pages_of_the_index_from_damaged_records(run: Run, store: str, tree: str) -> None:
    damage(PAGES, store, tree)

    doctor = as_json(run("doctor", "--json"))
    run("index", "rebuild")
    after = as_json(run("doctor", "--json"))

    assert part(doctor, "store")["severity"] == "ok"
    assert part(doctor, "index")["severity"] == "warning"
    assert [part(after, name)["severity"] for name in ("store", "index")] == ["ok", "ok"]


def test_doctor_still_finds_damage_in_the_records(run: Run, store: str) -> None:
    damage(PAGES, store, "notes")

    found = part(as_json(run("doctor", "--json", code=1)), "store")

    assert found["severity"] == "broken"
    assert "'memory-cli backup list'" in found["advice"]


@pytest.mark.usefixtures("store")
def test_an_interrupted_rebuild_is_continued(run: Run, open_memory: OpenMemory) -> None:
    memory = open_memory("desk")
    memory.store.empty_index("keywords")
    memory.notes.add("written while the index is made anew")
    assert memory.index.keywords.is_rebuilding()
    memory.index.keywords.follow(patience_s=-1.0)
    memory.close()

    done = as_json(run("index", "rebuild", "--only", "keywords", "--json"))

    assert done["keywords"] in {0, RECORDS + 1}
    assert as_json(run("index", "status", "--json"))["is_rebuilding"] is False
