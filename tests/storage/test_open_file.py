"""The open file."""

from pathlib import Path

import apsw
import pytest

from memory_mcp.storage.open_file import immutable_uri

READING = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


@pytest.mark.parametrize(
    "name", ["a b", "50%", "%23", "what?", "#1", "a&immutable=0", "büro", "日本", "a'b", 'a"b', "a+b", "a:b", "a;b=c"]
)
def test_a_file_is_read_as_it_is_whatever_signs_its_path_has(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / f"{name}.db"
    path.parent.mkdir()
    made = apsw.Connection(str(path))
    made.execute("CREATE TABLE here (x); INSERT INTO here VALUES (7)").fetchall()
    made.close()

    connection = apsw.Connection(immutable_uri(path), flags=READING)

    assert connection.execute("SELECT x FROM here").get == 7
    assert connection.filename == str(path)
    connection.close()
