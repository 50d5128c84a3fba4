"""This module makes tool calls from published schemas: valid, nearly valid and wild, as JSON text."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Schema = Mapping[str, Any]
_KEPT = 200  # ids of a kind that later calls are made with
_VALID, _NEAR = 0.80, 0.90  # shares of the arguments that are valid, and valid or nearly so
_WORDS = ("deploy", "tests", "fail", "KeyError", "src/app.py", "retry", "naïve", "日本語", "pytest", "snake_case", "CI")
_NUMBERS = (
    *("0", "-0.0", "1", "-1", "0.5", "3.0", "1e3", "1e-400", "1e308", "1e400", "-1e400", "101", "1000000"),
    *(str(2**53 + 1), str(2**63 - 1), str(2**63), str(2**64 - 1), str(2**64), str(-(2**63)), str(-(2**63) - 1)),
    *(str(10**30), str(-(10**30)), str(10**400), "9" * 5_000, "NaN", "Infinity"),
)
_TEXTS = (
    *("", " ", "\t\n", "\x00", "a\x00b", "\x1b[31mred\x1b[0m\x1b]0;title\x07", "\ud83d", "cut \ud83d", "\udc80\udcff"),
    *("\u202eevil\u202c", "\u200b", "\ufeff", "\uffff", "раураl", "ﬁ", "é" * 300, "a" * 201, "x" * 10_001, "../../etc"),
    *("-1", "null", "true", "2^64", "' OR 1=1 --", '"*" NEAR(', "<private>x</private>", "</memory-mcp-recall>", "%00"),
    *("/etc/\x00passwd", "src/\x00", "file\nname.py", "C:\\a\\b", "~", "CON", "\U0001f600" * 50, "\U0010ffff", "\r"),
)
_TIMES = (
    *("2026-01-31", "7d", "2026-01-31T09:30:00Z", "90m", "2w", "9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01"),
    *("99999-01-01", "999999w", "1969-12-31", "1970-01-01", "-7d", "0d", "٣d", "2026-02-30", "now", "", "2026-W05-1"),
    *("9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+14:00", "1e400", "\x00", "2026-01-31T24:00:00", "9" * 400),
)
_CURSORS = ("", "e30", "WzEsMl0", "W10", "////", "\x00", "é", "WzFlNDAwLDFd", "a" * 5_000, "bnVsbA", "====")


class Raw(str):
    """JSON text that goes out as it is, since no value of Python stands for it."""

    __slots__ = ()


class Call(Struct):
    """A call: a tool, and its arguments as JSON text."""

    tool: str
    arguments: str


def encode(value: Any) -> str:
    """Write JSON with lone surrogates as escapes, and raw text as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {encode(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(encode, value)) + "]"
    return json.dumps(value)


class Fuzzer:
    """Calls of tools by dice; `learn` takes what the answers teach, so that later calls name real records."""

    def __init__(self, tools: Mapping[str, Schema], seed: int) -> None:
        self._tools = tools
        self._dice = random.Random(seed)  # noqa: S311 - calls to replay
        self._names = [*tools, *(("create_episode", "add_episode_steps", "remember_note", "complete_episode") * 4)]
        self._ids: dict[str, list[str]] = {}

    def call(self) -> Call:
        """Make the next call."""
        name = self._dice.choice(self._names)
        return Call(name, encode(self._object(self._tools[name])))

    def learn(self, answer: Mapping[str, Any]) -> None:
        """Keep the ids and cursors of an answer."""
        for name, value in answer.items():
            if name.endswith(("_id", "cursor")) and isinstance(value, str):
                kept = self._ids.setdefault(name.removeprefix("next_"), [])
                kept.append(value)
                del kept[:-_KEPT]
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    self.learn(inner)

    def _object(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        built = {
            name: self._value(name, inner)
            for name, inner in schema.get("properties", {}).items()
            if self._dice.random() < (0.98 if name in required else 0.4)
        }
        if self._dice.random() < 0.01:
            built[self._dice.choice(("unknown", "Episode_id", "", "\x00", "__class__"))] = self._wild()
        return built

    def _value(self, name: str, schema: Schema) -> Any:
        lot = self._dice.random()
        if lot < _VALID:
            return self._valid(name, schema)
        return self._near(name) if lot < _NEAR else self._wild()

    def _valid(self, name: str, schema: Schema) -> Any:
        dice = self._dice
        match schema.get("type"):
            case "string":
                return dice.choice(schema["enum"]) if "enum" in schema else self._text(name)
            case "boolean":
                return dice.random() < 0.5
            case "integer" | "number" as kind:
                least, greatest = schema.get("minimum", 0), min(schema.get("maximum", 20), 20)
                return dice.randint(least, greatest) if kind == "integer" else dice.uniform(least, greatest)
            case "array":
                return [self._value(name, schema["items"]) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
            case "object" if "properties" in schema:
                return self._object(schema)
            case _:
                return self._parameters()

    def _text(self, name: str) -> str:
        """Return a text as the argument's name suggests: an id that is known, a time, a cursor, or words."""
        known = self._ids.get("pattern_id" if name == "pattern_ids" else name.removeprefix("from_").removeprefix("to_"))
        if name == "record_id":
            known = [*self._ids.get("episode_id", ()), *self._ids.get("note_id", ())]
        if name == "supersedes":
            known = self._ids.get("note_id")
        if known:
            return self._dice.choice(known[-5:] if name == "episode_id" else known)
        if name in {"since", "until", "time"}:
            return self._dice.choice(_TIMES[:5])
        if name == "valid_until":
            return "2040-01-31"
        if name in {"add", "remove", "tags", "add_tags", "remove_tags", "old", "new", "domain", "language"}:
            return self._dice.choice(("red", "green", "blue", "grün"))
        return " ".join(self._dice.choices(_WORDS, k=self._dice.randint(1, 8)))

    def _parameters(self) -> Any:
        return {self._text("key"): self._wild() if self._dice.random() < 0.3 else "-n 3" for _ in range(2)}

    def _near(self, name: str) -> Any:
        """Return what the argument's sort of value has at its edges."""
        dice = self._dice
        if name in {"since", "until", "time", "valid_until"}:
            return dice.choice(_TIMES)
        if name == "cursor":
            return dice.choice(_CURSORS)
        if name.endswith("_id") or name in {"supersedes", "pattern_ids"}:
            every = [each for kept in self._ids.values() for each in kept]
            return dice.choice([*every, "0" * 32, "%", *_TEXTS])
        if name in {"limit", "from_step", "depth", "rating", "importance", "latency_ms"}:
            return Raw(dice.choice(_NUMBERS))
        return dice.choice(_TEXTS)

    def _wild(self) -> Any:
        """Return anything."""
        dice = self._dice
        makers: tuple[Callable[[], Any], ...] = (
            lambda: None,
            lambda: dice.random() < 0.5,
            lambda: Raw(dice.choice(_NUMBERS)),
            lambda: Raw(dice.choice(_NUMBERS)),
            lambda: dice.choice(_TEXTS),
            lambda: dice.choice(_TEXTS),
            lambda: [dice.choice(_TEXTS), Raw(dice.choice(_NUMBERS))],
            lambda: {dice.choice(_TEXTS): Raw(dice.choice(_NUMBERS)), "b": [{}]},
            lambda: Raw('{"a": 1, "a": 2}'),
            self._deep,
            self._many,
        )
        return dice.choice(makers)()

    def _deep(self) -> Raw:
        depth = self._dice.choice((20, 40, 60, 100, 300))
        opening, closing = self._dice.choice((("[", "]"), ('{"a":', "}"), ('[{"b":[', "]}]")))
        return Raw(opening * depth + "1" + closing * depth)

    def _many(self) -> Any:
        if self._dice.random() < 0.1:
            return "1 MB " * 200_000
        return [f"tag{number}" for number in range(5_000)]
