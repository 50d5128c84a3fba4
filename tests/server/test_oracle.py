"""Our stdio core answers as the official SDK does, but for differences that are listed with their reasons."""

import json
import re
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from memory_mcp.memory import Memory
from memory_mcp.server.desk import Desk
from memory_mcp.server.methods import Call, CallTool, Method, methods_of
from tests.oracle.corpus import HANDSHAKES, STATELESS, Session, sessions
from tests.oracle.sides import Side

SESSIONS = sessions()
LEAST_COMPARED = 190
_VARYING = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=sequence)\W+\d+")
Answers = dict[str, list[str]]


class Difference(Struct):
    """Answers that differ on purpose: which, how many each side gives, and the code that ours have."""

    reason: str
    ids: tuple[str, ...]
    ours: int
    theirs: int
    code: int


NOT_SERVED = "a method that we do not serve does not exist, whatever its parameters; the SDK looks at these first"
NO_ID = "a request whose id is null, 1.5, true or {} is refused; the SDK takes it for a notification, and is silent"
DIFFERENCES: dict[str, Difference] = {
    **{f"handshake {each}": Difference(NOT_SERVED, ("33", "35"), 1, 1, -32601) for each in HANDSHAKES},
    STATELESS: Difference(NOT_SERVED, ("33", "36"), 1, 1, -32601),
    "broken lines": Difference(NO_ID, ("null",), 13, 9, -32600),
}


def with_counting(desk: Desk) -> Mapping[str, Method]:
    """Add a tool that reports progress; none of the product's takes long enough to."""
    methods = dict(methods_of(desk))
    own = methods["tools/call"]

    def run(given: CallTool, call: Call) -> dict[str, Any]:
        if given.name != "count":
            return own.run(given, call)
        for done in (1, 2):
            call.progress(done, 2)
        return {"content": [{"type": "text", "text": "two"}], "isError": False}

    return methods | {"tools/call": msgspec.structs.replace(own, run=run)}


def answers_of(session: Session, home: Path, *, theirs: bool) -> Answers:
    """Return what a server says in a session, by the id that it answers, without what chance decides."""

    def opened() -> Memory:
        environ = {"MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "here"}
        return Memory.open(environ, home.parent, actor="test")

    desk = Desk(opened())
    with opened() as other:
        side = Side(with_counting(desk), theirs=theirs)
        with other.store.database.write() if session.held else nullcontext():
            for line in session.lines:
                side.send(line)
            if session.held:
                side.wait_for("free")
        said = side.finish()
    desk.close()
    answers: Answers = {}
    for each in said:
        text = _VARYING.sub("*", json.dumps(each, sort_keys=True))
        answers.setdefault(json.dumps(each.get("id", each.get("method"))), []).append(text)
    return {request_id: sorted(texts) for request_id, texts in answers.items()}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Answers, Answers]]:
    """Hold every session with both servers."""
    home = tmp_path_factory.mktemp("homes")
    return {
        name: (
            answers_of(session, home / f"ours-{number}", theirs=False),
            answers_of(session, home / f"theirs-{number}", theirs=True),
        )
        for number, (name, session) in enumerate(SESSIONS.items())
    }


@pytest.mark.parametrize("name", SESSIONS)
def test_our_core_answers_as_the_sdk_does(name: str, compared: dict[str, tuple[Answers, Answers]]) -> None:
    ours, theirs = compared[name]
    on_purpose = DIFFERENCES[name].ids if name in DIFFERENCES else ()

    assert {each: ours[each] for each in ours if each not in on_purpose} == {
        each: theirs[each] for each in theirs if each not in on_purpose
    }


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_we_answer_differently_is_what_is_said_here(
    name: str, compared: dict[str, tuple[Answers, Answers]]
) -> None:
    ours, theirs = compared[name]
    difference = DIFFERENCES[name]

    for each in difference.ids:
        added = set(ours[each]) - set(theirs[each])
        assert (len(ours[each]), len(theirs[each])) == (difference.ours, difference.theirs)
        assert {json.loads(text)["error"]["code"] for text in added} in ({difference.code}, set())
        assert ours[each] != theirs[each]


def test_the_corpus_is_large_and_nearly_all_of_it_is_answered_alike(
    compared: dict[str, tuple[Answers, Answers]],
) -> None:
    pairs = [
        (text, text in theirs.get(each, ()))
        for ours, theirs in compared.values()
        for each, texts in ours.items()
        for text in texts
    ]
    alike = sum(is_alike for _, is_alike in pairs)

    print(f"\n{len(pairs)} answers compared, {alike} alike")  # noqa: T201 - a figure to report
    assert len(pairs) >= LEAST_COMPARED
    assert alike >= LEAST_COMPARED
