"""Records of earlier schemas get the voice of the door that is known."""

from pathlib import Path

import apsw

from memory_mcp.models.episodes import EpisodeFilter
from tests.conftest import OpenMemory
from tests.storage.test_earlier_schemas import unpack


def test_records_of_earlier_schemas_get_the_voice_of_their_door(tmp_path: Path, open_memory: OpenMemory) -> None:
    shown = unpack(5, tmp_path / "home")
    first, second, third = (each["id"] for each in shown["episodes"])
    notes = [each["id"] for each in shown["notes"]["notes"]]
    connection = apsw.Connection(str(tmp_path / "home" / "memory.db"))
    connection.execute("UPDATE audit_events SET actor = 'server' WHERE document_id = ?", (first,)).fetchall()
    connection.execute("UPDATE documents SET source_kind = 'git', source_id = 'a' WHERE id = ?", (second,)).fetchall()
    connection.execute(
        "UPDATE documents SET created_at = created_at - 86400000000 WHERE kind = 'note' AND id = ?", (notes[0],)
    ).fetchall()
    connection.close()

    memory = open_memory("shop")

    assert memory.trust.voices([first, second, third]) == {first: "agent", second: "repository", third: "user"}
    assert memory.trust.voices(notes[:1]) == {notes[0]: "import"}
    assert set(memory.trust.voices(notes[1:]).values()) <= {"user"}
    assert len(memory.episodes.list(EpisodeFilter()).episodes) == len(shown["episodes"])
