"""Memories that live: random changes as users make them, and comparisons of the caches with the database."""

import random
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, EpisodeFilter, Failure, OutcomeType, Status, Step, StepSuccess, Success
from memory_mcp.models.recall import RECORDS, Kind, Scope
from memory_mcp.retrieval.blocks import Layout
from memory_mcp.retrieval.vectors import cosines, rank
from memory_mcp.storage import search_index
from memory_mcp.storage.sights import Sight
from tests.fakes import SlowProvider

QUESTION = np.linspace(-1, 1, 8).astype(np.float32)
DOMAINS, LANGUAGES, TAGS = ("web", "data", ""), ("python", "rust"), ("red", "green", "blue")


def ready(memory: Memory, fold_at: int = 1) -> Memory:
    """Give a memory a small model whose vectors are folded into the cache at once."""
    memory.providers[:] = [SlowProvider()]
    memory.similarity.vectors.fold_at = fold_at
    return memory


def embed(memory: Memory) -> None:
    memory.index.follow_vectors(memory.providers[0], patience_s=60)


def same_as_the_database(memory: Memory, sight: Sight) -> int:
    """Compare what the cache and one snapshot of the database say; return how many documents that were."""
    with memory.store.database.read() as session:
        vector_set = search_index.find_vector_set(session, "fake:slow")
    assert vector_set
    vectors = memory.similarity.vectors
    with vectors.opened(vector_set, Layout(8, in_columns=False)) as base, memory.store.database.read() as session:
        found = dict(rank(vectors.parts(session, base, vector_set, sight), QUESTION, 10_000))
        condition, bindings = sight.condition()
        keys = session.rows(
            f"SELECT d.key FROM documents d LEFT JOIN episodes e ON e.key = d.key WHERE {condition}", bindings
        )
        expected = cosines(search_index.read_vectors(session, vector_set.key, [key for (key,) in keys]), QUESTION)
    assert found == pytest.approx(expected, abs=1e-5)
    return len(found)


def sight_of(memory: Memory, dice: random.Random) -> Sight:
    def maybe(*values: object) -> object:
        return dice.choice(values) if dice.random() < 0.3 else None

    now = memory.clock.now()
    chosen = EpisodeFilter(
        status=maybe(*get_args(Status)),  # type: ignore[arg-type]  # one of its values
        outcome=maybe(*get_args(OutcomeType)),  # type: ignore[arg-type]  # as above
        domain=maybe(*DOMAINS),  # type: ignore[arg-type]  # as above
        language=maybe(*LANGUAGES),  # type: ignore[arg-type]  # as above
        tags=tuple(tag for tag in TAGS if dice.random() < 0.2),
        since=maybe(now - 5, now),  # type: ignore[arg-type]  # as above
        until=maybe(now - 3, now + 1),  # type: ignore[arg-type]  # as above
    )
    kinds: tuple[Kind, ...] = dice.choice(
        [RECORDS, ("episode", "note"), ("episode",), ("note", "turn"), ("pattern",), ("decision",)]
    )
    return Sight(memory.store.wall, dice.choice(get_args(Scope)), chosen, kinds, now)


class Life:
    """Random changes to a memory, each as a user could make it."""

    def __init__(self, memory: Memory, dice: random.Random, *, valid_us: int = 4) -> None:
        self.memory, self.dice, self.valid_us = memory, dice, valid_us
        self.episodes: list[str] = []
        self.notes: list[str] = []

    def step(self) -> None:
        moves: list[Callable[[], object]] = [self.start, self.start, self.note]
        if self.episodes:
            moves += [self.update, self.complete, self.append, self.erase]
        if self.notes:
            moves += [self.supersede, self.forget, self.decide]
        self.dice.choice(moves)()

    def start(self) -> None:
        dice = self.dice
        tags = tuple(tag for tag in TAGS if dice.random() < 0.4)
        place = Context(domain=dice.choice(DOMAINS), language=dice.choice(LANGUAGES), tags=tags)
        task = "".join(dice.choices("etaoinsr ", k=30)) + "x" * dice.choice((1, 1, 2_500))
        episode, _ = self.memory.episodes.start(task, context=place, is_global=dice.random() < 0.2)
        self.episodes.append(episode.id)

    def note(self) -> None:
        valid_until = self.memory.clock.now() + self.valid_us if self.dice.random() < 0.3 else None
        note, _ = self.memory.notes.add("".join(self.dice.choices("etaoinsr ", k=30)) + "x", valid_until=valid_until)
        self.notes.append(note.id)

    def supersede(self) -> None:
        old = self.notes.pop(self.dice.randrange(len(self.notes)))
        note, _ = self.memory.notes.add("a newer fact" + "o" * self.dice.randrange(9), supersedes=old)
        self.notes.append(note.id)

    def forget(self) -> None:
        self.memory.notes.delete(self.notes.pop(self.dice.randrange(len(self.notes))))

    def decide(self) -> None:
        older = self.memory.decisions.list(limit=5).decisions
        replaces = [self.dice.choice(older).id] if older and self.dice.random() < 0.5 else []
        made, _ = self.memory.decisions.add("never " + "".join(self.dice.choices("etaoinsr ", k=30)), replaces=replaces)
        if self.dice.random() < 0.3:
            self.memory.decisions.retire(made.id)
        self.memory.decisions.follow()

    def update(self) -> None:
        changes = Changes(domain=self.dice.choice(DOMAINS), add_tags=("red",), is_global=self.dice.random() < 0.3)
        self.memory.episodes.update(self.dice.choice(self.episodes), changes)

    def complete(self) -> None:
        chosen = self.dice.choice(self.episodes)
        if self.memory.episodes.get(chosen).outcome is None:
            self.memory.episodes.complete(chosen, Success("done") if self.dice.random() < 0.5 else Failure("not done"))

    def append(self) -> None:
        chosen = self.dice.choice(self.episodes)
        if self.memory.episodes.get(chosen).outcome is None:
            self.memory.episodes.append(chosen, [Step("bash", "ls", result=StepSuccess("x" * self.dice.randrange(99)))])

    def erase(self) -> None:
        self.memory.episodes.delete(self.episodes.pop(self.dice.randrange(len(self.episodes))))
