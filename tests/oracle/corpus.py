"""What clients say, well and badly, at every revision: sessions of lines."""

import json
from typing import Any

from msgspec import Struct

HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "1999-01-01", "2026-07-28")
STATELESS = "2026-07-28"
CLIENT = {"name": "corpus", "version": "1"}
INITIALIZED = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'
METADATA: tuple[Any, ...] = ({}, None, [], 5, {"progressToken": "t"}, {"progressToken": []})
CANCELLED: tuple[Any, ...] = (2, "4", 77, None, [], 1.5)
EPISODE = {"task_description": "mend the till", "task_type": "bug_fix", "domain": "shop"}
# methods with their parameters, good and bad, that mean the same at every revision
REQUESTS: tuple[tuple[str, Any], ...] = (
    ("tools/list", {}),
    ("tools/list", None),
    ("tools/list", {"cursor": "x"}),
    ("tools/list", {"cursor": 5}),
    ("tools/list", {"cursor": None, "other": 1}),
    ("tools/call", {"name": "create_episode", "arguments": EPISODE}),
    ("tools/call", {"name": "remember_note", "arguments": {"text": "tea is at four ☕", "tags": ["a", "b"]}}),
    ("tools/call", {"name": "remember_note", "arguments": {"text": 5}}),
    ("tools/call", {"name": "remember_note", "arguments": {}}),
    ("tools/call", {"name": "remember_note"}),
    ("tools/call", {"name": "remember_note", "arguments": None}),
    ("tools/call", {"name": "remember_note", "arguments": []}),
    ("tools/call", {"name": "remember_note", "arguments": {"text": "x", "colour": "red"}}),
    ("tools/call", {"name": "no_such_tool", "arguments": {}}),
    ("tools/call", {"name": "delete_note", "arguments": {"note_id": "0" * 32}}),
    ("tools/call", {"name": 5}),
    ("tools/call", {"arguments": {}}),
    ("tools/call", None),
    ("tools/call", {"name": "get_episode", "arguments": {"episode_id": "f" * 32}}),
    ("tools/call", {"name": "health_check", "arguments": {"deep": [[[[[[1]]]]]]}}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "memory://nothing"}),
    ("resources/read", {"uri": "memory://episodes/zz"}),
    ("resources/read", {"uri": 7}),
    ("resources/read", {}),
    ("resources/subscribe", {"uri": "memory://health"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "recall_before_you_start", "arguments": {"task": "paint {it}"}}),
    ("prompts/get", {"name": "recall_before_you_start"}),
    ("prompts/get", {"name": "recall_before_you_start", "arguments": {"task": 5}}),
    ("prompts/get", {"name": "no such prompt"}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": "b"}}),
    ("completion/complete", {}),
    ("logging/setLevel", {"level": "info"}),
    ("logging/setLevel", {"level": 5}),
    ("subscriptions/listen", {}),
    ("server/discover", {}),
    ("ping", {}),
    ("ping", {"anything": [1]}),
    ("tasks/list", {}),
    ("no/such/method", {"a": 1}),
    ("", {}),
)
BROKEN: tuple[bytes, ...] = (
    b"hello",
    b"\xff\xfe\x00",
    b"{",
    b'{"jsonrpc": "2.0", "id": 501, "method": "ping"',
    b"[]",
    b'[{"jsonrpc": "2.0", "id": 502, "method": "ping"}]',
    b"5",
    b"null",
    b'"text"',
    b"{}",
    b'{"id": 503}',
    b'{"id": 504, "method": "ping"}',
    b'{"jsonrpc": "1.0", "id": 505, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 506, "method": 5}',
    b'{"jsonrpc": "2.0", "id": 507, "method": "ping", "params": []}',
    b'{"jsonrpc": "2.0", "id": 508, "method": "ping", "params": null}',
    b'{"jsonrpc": "2.0", "id": 509, "method": "ping", "params": 5}',
    b'{"jsonrpc": "2.0", "id": "text", "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": "", "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": -1, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 123456789012345678901234567890, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 510, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 511, "result": 5}',
    b'{"jsonrpc": "2.0", "id": 512, "error": {"code": 1, "message": "no"}}',
    b'{"jsonrpc": "2.0", "id": 513, "error": 5}',
    b'{"jsonrpc": "2.0", "id": null, "error": {"code": 1, "message": "no"}}',
    b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 514, "method": "ping"}\r',
    b'{"jsonrpc": "2.0", "id": 515, "method": "ping", "params": {"x": "cut \\ud83d"}}',
    b'{"jsonrpc": "2.0", "id": "cut \\ud83d", "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 516, "method": "cut \\ud83d"}',
    b'{"jsonrpc": "2.0", "id": 517, "method": "ping", "params": {"x": 1e400}}',
    b'{"jsonrpc": "2.0", "id": 518, "method": "ping", "params": {"x": NaN}}',
    b'{"jsonrpc": "2.0", "id": 519, "method": "ping", "params": {"x": ' + b"[" * 300 + b"]" * 300 + b"}}",
    b'{"jsonrpc": "2.0", "id": 520, "method": "ping", "params": {"x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    b'{"jsonrpc": "2.0", "id": 521, "method": "ping", "params": {"x": ' + b"9" * 5_000 + b"}}",
    b'{"jsonrpc": "2.0", "id": 522, "id": 523, "method": "ping"}',
    b'{"jsonrpc": "2.0", "method": "ping"}',
    b'{"jsonrpc": "2.0", "method": "no/such/method"}',
    b'{"jsonrpc": "2.0", "id": 524, "method": "tools/call", "params": {"x": "' + b"y" * (1 << 20) + b'"}}',
    b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": true, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
)


class Session(Struct):
    """Lines of one connection; `held`: the store is locked until the request "free" is answered."""

    lines: list[bytes]
    held: bool = False


def request(number: int | str, method: str, params: Any = None) -> bytes:
    given = {} if params is None else {"params": params}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, **given}).encode()


def notification(method: str, params: Any = None) -> bytes:
    given = {} if params is None else {"params": params}
    return json.dumps({"jsonrpc": "2.0", "method": method, **given}).encode()


def initialize(number: int, revision: Any = "2025-11-25", **other: Any) -> bytes:
    given = {"protocolVersion": revision, "capabilities": {}, "clientInfo": CLIENT, **other}
    return request(number, "initialize", given)


def envelope(**other: Any) -> dict[str, Any]:
    """Return `_meta` of a request of 2026-07-28; a None leaves a key out."""
    prefix = "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": STATELESS, f"{prefix}clientCapabilities": {}, f"{prefix}clientInfo": CLIENT}
    meta |= {f"{prefix}{name}" if name != "progressToken" else name: value for name, value in other.items()}
    return {name: value for name, value in meta.items() if value is not None}


def stateless(number: int | str, method: str, params: Any = None, **other: Any) -> bytes:
    return request(number, method, {**(params or {}), "_meta": envelope(**other)})


def sessions() -> dict[str, Session]:
    """Return every session by its name."""
    made = {
        f"handshake {revision}": Session(
            [initialize(0, revision), INITIALIZED, *(request(n, *each) for n, each in enumerate(REQUESTS, 1))]
        )
        for revision in HANDSHAKES
    }
    made["2026-07-28"] = Session([stateless(n, *each) for n, each in enumerate(REQUESTS, 1)])
    made["broken lines"] = Session([initialize(0), INITIALIZED, *BROKEN])
    return made | odd_handshakes() | odd_envelopes() | in_flight()


def odd_handshakes() -> dict[str, Session]:
    listing = request(9, "tools/list")
    return {
        "nothing at all": Session([]),
        "no handshake": Session([listing, request(1, "ping"), request(2, "no/such"), initialize(3), listing]),
        "only initialized": Session([INITIALIZED, listing]),
        "initialized between": Session([request(1, "ping"), listing, INITIALIZED, listing]),
        "initialize alone": Session([initialize(0), listing]),
        "initialize twice": Session([initialize(0, "2024-11-05"), INITIALIZED, initialize(1, "2025-06-18"), listing]),
        "bad initialize": Session(
            [
                request(1, "initialize"),
                request(2, "initialize", {}),
                request(3, "initialize", {"protocolVersion": 5, "capabilities": {}, "clientInfo": CLIENT}),
                request(4, "initialize", {"protocolVersion": "2025-11-25", "clientInfo": CLIENT}),
                request(5, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}}),
                initialize(6, clientInfo={"name": "x"}),
                initialize(7, capabilities={"roots": 5}),
                initialize(8, capabilities={"experimental": {"a": {}}, "sampling": {}, "other": 1}),
                listing,
            ]
        ),
        "an envelope after a handshake": Session(
            [initialize(0), INITIALIZED, stateless(1, "tools/list"), stateless(2, "server/discover"), listing]
        ),
        "odd metadata": Session(
            [
                initialize(0),
                INITIALIZED,
                *(request(n, "ping", {"_meta": meta}) for n, meta in enumerate(METADATA, 1)),
            ]
        ),
    }


def odd_envelopes() -> dict[str, Session]:
    first = stateless(0, "server/discover")
    return {
        "an unknown revision first": Session(
            [stateless(1, "tools/list", protocolVersion="2099-01-01"), initialize(2), stateless(3, "prompts/list")]
        ),
        "odd envelopes": Session(
            [
                first,
                stateless(1, "prompts/list", protocolVersion=5),
                stateless(2, "prompts/list", protocolVersion="2025-11-25"),
                stateless(3, "prompts/list", protocolVersion=None),
                stateless(4, "prompts/list", clientCapabilities=None),
                stateless(5, "prompts/list", clientCapabilities=5),
                stateless(6, "prompts/list", clientCapabilities={"roots": {}, "elicitation": {"form": {}}}),
                stateless(7, "prompts/list", clientInfo=None),
                stateless(8, "prompts/list", clientInfo={"name": "x"}),
                stateless(9, "prompts/list", logLevel="info"),
                stateless(10, "prompts/list", logLevel="loud"),
                stateless(11, "prompts/list", progressToken="t"),
                stateless(12, "prompts/list", progressToken=[]),
                request(13, "prompts/list"),
                request(14, "prompts/list", {}),
                request(15, "prompts/list", {"_meta": 5}),
                initialize(16),
                request(17, "initialize"),
                request(18, "ping"),
                INITIALIZED,
                request(19, "no/such"),
                stateless(20, "no/such", protocolVersion="2099-01-01"),
            ]
        ),
    }


def in_flight() -> dict[str, Session]:
    begin = [initialize(0), INITIALIZED]
    note = {"name": "remember_note", "arguments": {"text": "kept"}}
    count = {"name": "count", "arguments": {}}

    def cancel(request_id: Any) -> bytes:
        return notification("notifications/cancelled", {"requestId": request_id, "reason": "enough"})

    free = request("free", "ping")
    return {
        "cancelled": Session(
            [
                *begin,
                *(request(n, "tools/call", note) for n in range(1, 6)),
                *map(cancel, CANCELLED),
                notification("notifications/cancelled"),
                free,
            ],
            held=True,
        ),
        "cancelled at 2026-07-28": Session(
            [
                stateless(1, "tools/call", note),
                stateless(2, "tools/call", note),
                cancel(1),
                stateless("free", "prompts/list"),
            ],
            held=True,
        ),
        "ids used again": Session([*begin, *(request(1, "ping") for _ in range(3)), request("1", "ping")]),
        "pipelined": Session([*begin, *(request(n, "tools/call", note) for n in range(1, 21)), request(21, "ping")]),
        "progress": Session(
            [
                *begin,
                request(1, "tools/call", {**count, "_meta": {"progressToken": "t"}}),
                request(2, "tools/call", {**count, "_meta": {"progressToken": 7}}),
                request(3, "tools/call", count),
            ]
        ),
        "progress at 2026-07-28": Session([stateless(1, "tools/call", count, progressToken="t")]),
    }
