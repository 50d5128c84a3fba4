"""A health check looks at a bounded part of what is derived, and finds damage that is wide-spread in each table."""

from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from memory_mcp.memory import Memory
from memory_mcp.monitoring import health
from memory_mcp.storage import glances
from memory_mcp.storage.database import Session
from tests.conftest import OpenMemory
from tests.storage.test_derived import DAMAGES, PAGED, PAGES, SQL, elsewhere, fill, filled, template

__all__ = ["filled", "template"]  # fixtures


UNSEEN = {"keywords_docsize another"}  # sizes that could be right: only the sum of all of them tells


@pytest.mark.parametrize("damage", sorted(DAMAGES.keys() - UNSEEN))
def test_a_health_check_finds_damage_in_rows(
    damage: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(SQL, str(filled[0]), *DAMAGES[damage][1])
    memory = open_memory()

    found = memory.store.index_faults(glances.find_faults)

    assert {fault.part for fault in found} == {DAMAGES[damage][0]}


@pytest.mark.parametrize("tree", PAGED)
def test_a_health_check_finds_damaged_pages(
    tree: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(PAGES, str(filled[0]), tree)
    memory = open_memory()

    checks = {check.name: check for check in health.check(memory.store, lambda: memory.providers).checks}

    assert checks["index"].status == "degraded"
    assert "'memory-cli index rebuild' mends it" in checks["index"].detail


def test_a_glance_at_a_whole_index_finds_nothing(memory: Memory) -> None:
    ids = fill(memory)
    for erased in ids[::3]:
        memory.notes.delete(erased)

    lagging = memory.store.index_faults(glances.find_faults)
    memory.index.follow_for_search(0)

    assert lagging == memory.store.index_faults(glances.find_faults) == []


def test_a_glance_takes_no_longer_in_a_larger_store(memory: Memory) -> None:
    fill(memory)
    small = steps_of_a_glance(memory.places.store)
    for _ in range(3):
        fill(memory)

    assert steps_of_a_glance(memory.places.store) < 1.5 * small


def steps_of_a_glance(path: Path) -> int:
    """Count hundreds of steps of SQLite's virtual machine."""
    connection = apsw.Connection(str(path))
    counted = [0]

    def count() -> bool:
        counted[0] += 1
        return False

    connection.set_progress_handler(count, 100)
    assert glances.find_faults(Session(connection)) == []
    connection.close()
    return counted[0]
