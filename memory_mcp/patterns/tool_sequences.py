"""This module extracts tool sequences: contiguous runs of normalised actions that several episodes share."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from memory_mcp.actions.commands import KIND_OF
from memory_mcp.actions.steps import Action

SHORTEST, LONGEST = 2, 6
_MOST_NEW = 5  # runs that one episode may add, the most widely shared first
_OTHERS_PER_HUNDRED = 100
_IDLE = {"read", "search", "other"}  # a run of nothing but looking around teaches nothing


class SharedRun(Struct, frozen=True):
    """A run and the numbers (in the given order) of the other episodes that hold it too."""

    tokens: tuple[str, ...]
    others: tuple[int, ...]


def runs_of(tokens: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Yield every contiguous run of 2 to 6 tokens."""
    for length in range(SHORTEST, min(LONGEST, len(tokens)) + 1):
        for start in range(len(tokens) - length + 1):
            yield tuple(tokens[start : start + length])


def shared_runs(
    own: Sequence[str], others: Sequence[Sequence[str]], known: Collection[tuple[str, ...]] = ()
) -> list[SharedRun]:
    """Return the longest runs that enough other episodes hold too, and every known run.

    One other is enough among the first hundred, one more for each further hundred: in a large project any run has a
    twin by chance. Each distinct token becomes one character, so that looking for a run is looking for a substring.
    """
    letters: dict[str, str] = {}
    encoded = "".join(_letter(token, letters) for token in own)
    texts = ["".join(_letter(token, letters) for token in other) for other in others]
    corpus = "\0".join(texts)
    least = 1 + len(others) // _OTHERS_PER_HUNDRED
    words = {letter: token for token, letter in letters.items()}
    found: dict[str, None] = {}
    reached = 0
    for start in range(len(encoded) - SHORTEST + 1):
        longest = _longest_shared(encoded, start, corpus, least)
        if longest >= SHORTEST and start + longest > reached:
            found[encoded[start : start + longest]] = None
            reached = start + longest
    runs = [SharedRun(tuple(words[letter] for letter in run), _holders(run, texts)) for run in found]
    old = {run for run in known if len(run) <= len(own)}
    held = {own_run for own_run in runs_of(own) if own_run in old}
    new = sorted(
        (run for run in runs if run.tokens not in held and len(run.others) >= least and _tells(run.tokens)),
        key=lambda run: (-len(run.others) * len(run.tokens), run.tokens),
    )
    seen_again = [SharedRun(run, ()) for run in sorted(held)]
    return seen_again + new[:_MOST_NEW]


def distinct(actions: Sequence[Action]) -> list[Action]:
    """Return the actions, immediate repetitions once."""
    return [action for at, action in enumerate(actions) if at == 0 or action.token != actions[at - 1].token]


def place_of(run: Sequence[str], kept: Sequence[Action]) -> Sequence[Action] | None:
    """Return the actions that make up the first occurrence of a run among distinct actions, or None."""
    for start in range(len(kept) - len(run) + 1):
        if all(kept[start + at].token == token for at, token in enumerate(run)):
            return kept[start : start + len(run)]
    return None


def _letter(token: str, letters: dict[str, str]) -> str:
    return letters.setdefault(token, chr(0xE000 + len(letters)))  # from the private use area upwards


def _longest_shared(encoded: str, start: int, corpus: str, least: int) -> int:
    longest = 0
    for length in range(SHORTEST, min(LONGEST, len(encoded) - start) + 1):
        if corpus.count(encoded[start : start + length]) < least:
            break
        longest = length
    return longest


def _holders(run: str, texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(texts) if run in text)


def _tells(tokens: Sequence[str]) -> bool:
    return len(set(tokens)) >= SHORTEST and any(_kind(token) not in _IDLE for token in tokens)


def _kind(token: str) -> str:
    last = token.rsplit(" && ", maxsplit=1)[-1]
    return KIND_OF.get(last, KIND_OF.get(last.split(" ")[0], KIND_OF.get(last.split(" ")[-1], "other")))
