"""Files of other programs are edited in place: what is not ours stays, byte for byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_cli.clients.jsonc import inserted, parse, removed
from memory_mcp.errors import InvalidInputError

ENTRY = {"command": "memory-mcp", "args": []}
PATH = ("mcpServers", "memory-mcp")

COMMENTED = """// my settings
{
    /* theme */ "theme": "dark", // nice
    "mcpServers": {
        // the files
        "files": { "command": "files-mcp" }, // trailing
    },
}
"""

REMARKED = '{\n  "mcpServers": {\n    "x": {} // last\n  } /* all */\n}\n'


def test_an_entry_is_added_between_comments_and_trailing_commas() -> None:
    entry = '\n        "memory-mcp": {\n            "command": "memory-mcp",\n            "args": []\n        },'

    assert inserted(COMMENTED, PATH, ENTRY) == COMMENTED.replace("// trailing", f"// trailing{entry}")


@pytest.mark.parametrize(
    "text",
    [
        COMMENTED,
        '{\n  "a": 1\n}\n',
        '{\n\t"a": [1, 2],\n\t"mcpServers": {\n\t\t"x": {}\n\t}\n}',
        '{"a":1}',
        '{"mcpServers": {"x": {"command": "y"}}}',
        "{}",
        "{ /* nothing yet */ }\n",
        "{ // nothing yet\n}\n",
        '{\n  "a": 1, // one\n  // the end\n}\n',
        '\ufeff{\r\n  "a": 1\r\n}\r\n',
        '{\n  "mcpServers": {\n    "x": {} // last\n  }\n}\n',
    ],
)
def test_what_was_added_can_be_removed_without_a_trace(text: str) -> None:
    added = inserted(text, PATH, ENTRY)

    found = parse(added).find(PATH)
    assert found is not None
    assert found.value == ENTRY
    assert inserted(added, PATH, ENTRY) == added
    back = removed(added, PATH)
    assert parse(back).value == parse(text).value
    assert back.split() == text.split()


def test_an_exact_round_trip_of_the_usual_files() -> None:
    for text in (
        COMMENTED,
        '{\n  "a": 1\n}\n',
        '{\n  "mcpServers": {\n    "x": {}\n  }\n}\n',
        "{}",
        '{"a": 1}',
        REMARKED,
    ):
        assert removed(inserted(text, PATH, ENTRY), PATH) == text


def test_an_array_grows_and_shrinks() -> None:
    text = '{\n  "hooks": {\n    "Stop": [\n      { "other": 1 } // theirs\n    ]\n  }\n}\n'

    added = inserted(text, ("hooks", "Stop", -1), {"ours": 2})
    added = inserted(added, ("hooks", "Start", -1), {"ours": 3})

    assert parse(added).value == {"hooks": {"Stop": [{"other": 1}, {"ours": 2}], "Start": [{"ours": 3}]}}
    assert "// theirs" in added
    assert removed(removed(added, ("hooks", "Start", 0)), ("hooks", "Stop", 1)) == text


def test_an_empty_file_becomes_a_document() -> None:
    assert json.loads(inserted("", PATH, ENTRY)) == {"mcpServers": {"memory-mcp": ENTRY}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no JSON at line 1"),
        ('{"a" 1}', "a colon is missing"),
        ('{"a": 1 "b": 2}', "a comma or } is missing"),
        ('{\n"a": nothing}', "no JSON at line 2: 'nothing' is no value"),
        ("{} {}", "more follows after the end"),
        ("[" * 500, "nested too deeply"),
        ("{1: 2}", "a key is no text"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match="no JSON") as refused:
        inserted(text, PATH, ENTRY)
    assert reason in str(refused.value)


def test_a_place_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'mcpServers' is no place for 'memory-mcp'"):
        inserted('{"mcpServers": []}', PATH, ENTRY)
    with pytest.raises(InvalidInputError, match="'the document' is no place for 'mcpServers'"):
        inserted("[]", PATH, ENTRY)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.dictionaries(st.text().filter(lambda name: name != "mcpServers"), VALUES), st.sampled_from([None, 2, 4, "\t"])
)
def test_any_document_keeps_everything_else(document: dict[str, Any], indent: int | str | None) -> None:
    text = json.dumps(document, indent=indent)

    added = inserted(text, PATH, ENTRY)

    assert json.loads(added) == {**document, "mcpServers": {"memory-mcp": ENTRY}}
    assert removed(added, PATH) == text or json.loads(removed(added, PATH)) == document
