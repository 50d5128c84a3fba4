"""This module replaces secrets and e-mail addresses, and drops private passages, in texts and values."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.redaction.finding import secrets
from memory_mcp.redaction.names import names_secret

T = TypeVar("T")
_EMAIL = expression(r"(?<![\w.+/:-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z]{2,24}\b(?!:)")
_PRIVATE = expression(r"<private>[\s\S]*?(?:</private>|\Z)", re.IGNORECASE)
_NOTHING_LEFT = "(private)"
_IDENTITIES = frozenset(("id", "project", "episode_id", "kind", "type", "document_ids"))  # ids, not text
_SHORTEST = 9  # characters of `<private>`; of a password with its name ten
_LEAST_FIELD = 6  # least length of a value under the name of a secret
_LONGEST_HEADER = 40
_ROUNDS = 4  # replacing one secret may uncover another, as with a URL inside a URL


class Redactor(Struct, frozen=True):
    """Replaces each secret by `<name of its shape>` and drops what stands between <private> and </private>."""

    emails: bool = False

    def text(self, text: str) -> str:
        """Return the text without secrets; a second pass changes nothing."""
        return self._text(text, None)

    def name(self, name: str) -> str:
        """Return a lookup name without secrets; different names stay different."""
        cleaned = self.text(name)
        told_apart = crc32(name.encode(errors="replace"))
        return cleaned if cleaned == name else f"{cleaned}#{told_apart:08x}"

    def clean(self, value: T) -> T:
        """Return a value with every text in it redacted except ids; the same object if nothing changes."""
        cleaned: T = self._clean(value, None)
        return cleaned

    def count(self, value: Any) -> Counter[str]:
        """Count the secrets inside a value by the names of their shapes."""
        found: Counter[str] = Counter()
        self._clean(value, found)
        return found

    def _text(self, text: str, found: Counter[str] | None) -> str:
        if len(text) < _SHORTEST:
            return text
        if "<" in text and "<private>" in text.lower():
            text, dropped = _PRIVATE.subn("", text)
            if found is not None:
                found["private"] += dropped
            text = text if text.strip() else _NOTHING_LEFT
        for _ in range(_ROUNDS):
            spans = secrets(text)
            if not spans:
                break
            if found is not None:
                found.update(span.name for span in spans)
            text = _replaced(text, spans)
        if self.emails and "@" in text:
            text, addresses = _EMAIL.subn("<email>", text)
            if found is not None and addresses:
                found["email"] += addresses
        return text

    def _clean(self, value: Any, found: Counter[str] | None) -> Any:
        if isinstance(value, str):
            return self._text(value, found)
        if isinstance(value, Struct):
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__ if name not in _IDENTITIES)
            changed = {name: new for name, old in fields if (new := self._clean(old, found)) is not old}
            return msgspec.structs.replace(value, **changed) if changed else value
        if isinstance(value, dict):
            cleaned = {self._clean(name, found): self._field(name, inner, found) for name, inner in value.items()}
            return value if _same(value.values(), cleaned.values()) and value.keys() == cleaned.keys() else cleaned
        if isinstance(value, list | tuple):
            inside = self._items(value, found)
            return value if _same(value, inside) else type(value)(inside)
        return value

    def _items(self, values: Sequence[Any], found: Counter[str] | None) -> list[Any]:
        """Redact the items of a list; the item after `--password` is a secret."""
        items: list[Any] = []
        option = ""
        for value in values:
            items.append(self._field(option, value, found) if option else self._clean(value, found))
            option = value if isinstance(value, str) and value.startswith("--") and "=" not in value else ""
        return items

    def _field(self, name: Any, value: Any, found: Counter[str] | None) -> Any:
        """Redact a value under a name; under a secret's name it is a secret, whatever it looks like."""
        if not isinstance(name, str) or not isinstance(value, str) or value.startswith("<"):
            return self._clean(value, found)
        introduction = f"{name}: "
        cleaned = self._text(introduction + value, found) if _is_header(name) else self._text(value, found)
        cleaned = cleaned.removeprefix(introduction) if _is_header(name) else cleaned
        if cleaned != value or len(value) < _LEAST_FIELD or " " in value or not names_secret(name):
            return value if cleaned == value else cleaned
        if found is not None:
            found["secret"] += 1
        return "<secret>"


def _is_header(name: str) -> bool:
    return name[-_LONGEST_HEADER:].lower().endswith(("authorization", "cookie"))


def _replaced(text: str, spans: list[Any]) -> str:
    pieces: list[str] = []
    last = 0
    for start, end, name in spans:
        pieces += (text[last:start], f"<{name}>")
        last = end
    return "".join((*pieces, text[last:]))


def _same(before: Iterable[Any], after: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(before, after, strict=True))
