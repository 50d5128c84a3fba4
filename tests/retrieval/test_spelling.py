"""Misspelt words, compounds and names made of signs find what they mean, and the answer says what was looked up."""

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory


@pytest.fixture
def filled(open_memory: OpenMemory) -> Memory:
    memory = open_memory(recall={"matrix_documents": 0})
    memory.notes.add("The deployment pipeline needs node 22")
    memory.notes.add("Die Verbindung zum Pool wird nach einer Minute geschlossen")
    memory.notes.add("Compile the C++ part with clang")
    memory.notes.add("The C# client needs .NET 8")
    memory.notes.add("The F# scripts are generated")
    memory.notes.add("数据库连接 is closed")
    memory.notes.add("The invoice is rounded to cents")
    return memory


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        ("deploymnet pipelne", "The deployment"),
        ("Verbindungspool schließen", "Die Verbindung"),
        ("invocie", "The invoice"),
        ("C++", "Compile the C++"),
        ("c#", "The C#"),
        (".NET", "The C#"),
        ("F#", "The F#"),
        ("库", "数据库"),
        ("接", "数据库"),
    ],
)
def test_the_right_record_alone_is_found(filled: Memory, question: str, beginning: str) -> None:
    hits = filled.recall.search(Query(question)).hits

    assert [hit.text.startswith(beginning) for hit in hits] == [True]


def test_what_was_looked_up_instead_is_said(filled: Memory) -> None:
    answer = filled.recall.search(Query("deploymnet pipelne"))

    assert answer.corrected == (("deploymnet", ("deploy",)), ("pipelne", ("pipelin",)))
    assert filled.recall.search(Query("deployment")).corrected == ()
