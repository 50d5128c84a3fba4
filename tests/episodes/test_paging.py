"""Cursors visit every row once, whatever is added meanwhile."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from memory_mcp.config.places import places
from memory_mcp.config.settings import Settings, StoreSettings
from memory_mcp.memory import Memory
from tests.fakes import FrozenClock


@settings(max_examples=30, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    limit=st.integers(1, 7),
    newcomers=st.integers(0, 3),
)
def test_cursors_visit_every_row_once_although_rows_arrive(gaps: list[int], limit: int, newcomers: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        chosen = Settings(store=StoreSettings(home=home))
        clock = FrozenClock()
        with Memory(chosen, places(chosen, settings_file=Path(home)), "pages", actor="test", clock=clock) as memory:
            expected: list[str] = []
            for gap in gaps:  # a gap of nothing makes rows of one and the same moment
                clock.moment += gap
                expected.insert(0, memory.episodes.start("a task")[0].id)

            seen: list[str] = []
            cursor = None
            while True:
                page = memory.episodes.list(limit=limit, cursor=cursor)
                seen += [row.id for row in page.episodes]
                clock.moment += 1
                for _ in range(newcomers):
                    memory.episodes.start("a newcomer")
                if page.next_cursor is None:
                    break
                cursor = page.next_cursor

            assert seen == expected
