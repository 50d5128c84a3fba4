"""Keyword matches ranked by the postings of the index get the scores of FTS5, whatever was written before."""

import random
from collections.abc import Sequence

import pytest

from memory_mcp.errors import IndexDamagedError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.models.recall import RECORDS, Query
from memory_mcp.retrieval.keyword_ranking import ENGINE
from memory_mcp.retrieval.postings import Postings
from memory_mcp.storage.sights import Sight
from tests.conftest import OpenMemory

_WORDS = [f"word{number}" for number in range(30)]
_LIMIT = 20


def written(memory: Memory, rng: random.Random) -> str:
    length = rng.choice((1, 3, 9, 40, 200))
    text = " ".join(rng.choices(_WORDS, weights=[1 / (place + 1) for place in range(len(_WORDS))], k=length))
    note, _ = memory.notes.add(f"{text} {rng.random()}")
    return note.id


def sight_of(memory: Memory, **wanted: object) -> Sight:
    return Sight(memory.store.wall, "project", EpisodeFilter(**wanted), RECORDS, memory.clock.now())  # type: ignore[arg-type]


def both(memory: Memory, postings: Postings, words: Sequence[str], sight: Sight) -> tuple[dict[int, float], ...]:
    memory.index.keywords.follow()
    with memory.store.database.read() as session:
        found = postings.asked().ranked(session, words, sight, _LIMIT)
        return dict(found), dict(ENGINE.ranked(session, words, sight, _LIMIT))


@pytest.mark.parametrize("seed", range(6))
def test_scores_equal_those_of_fts5_while_records_come_and_go(memory: Memory, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible, and no secret
    ids = [written(memory, rng) for _ in range(60)]
    postings = Postings()

    for _ in range(8):
        words = rng.sample(_WORDS, k=rng.randint(1, 6))

        ours, theirs = both(memory, postings, words, sight_of(memory))

        assert ours == theirs
        memory.notes.delete(ids.pop(rng.randrange(len(ids))))
        ids += [written(memory, rng) for _ in range(rng.randint(1, 9))]


def test_an_index_that_was_rebuilt_is_ranked_by_what_it_holds_now(memory: Memory) -> None:
    rng = random.Random(7)  # noqa: S311 - reproducible, and no secret
    for _ in range(40):
        written(memory, rng)
    postings = Postings()
    both(memory, postings, ["word1"], sight_of(memory))

    memory.store.mend_index("keywords")

    ours, theirs = both(memory, postings, ["word1", "word2"], sight_of(memory))
    assert ours == theirs != {}


def test_another_snapshot_that_is_older_is_ranked_by_its_own_lengths(memory: Memory) -> None:
    rng = random.Random(8)  # noqa: S311 - reproducible, and no secret
    for _ in range(20):
        written(memory, rng)
    memory.index.keywords.follow()
    postings = Postings()

    with memory.store.database.read() as older:
        theirs = ENGINE.ranked(older, ["word1"], sight_of(memory), _LIMIT)
        postings._lengths._state = {"keywords": 10_000}  # noqa: SLF001 - as a later snapshot has left it

        assert list(postings.asked().ranked(older, ["word1"], sight_of(memory), _LIMIT)) == list(theirs)


def test_lengths_that_were_read_ahead_are_the_same(memory: Memory) -> None:
    rng = random.Random(9)  # noqa: S311 - reproducible, and no secret
    for _ in range(50):
        written(memory, rng)
    memory.index.keywords.follow()
    postings = Postings()

    with memory.store.database.read() as session:
        postings.warm(session)

    ours, theirs = both(memory, postings, ["word1", "word3"], sight_of(memory))
    assert ours == theirs


@pytest.mark.parametrize("words", [["数"], ["数据", "word1"], ["word1", "don't"], ["nowhere"], ["word1", "words1"]])
def test_phrases_beginnings_and_unknown_words_are_ranked_as_fts5_does(memory: Memory, words: list[str]) -> None:
    for text in ("数据库连接 word1", "数字 word2", "don't word1 word1", "words1 of one"):
        memory.notes.add(text)

    ours, theirs = both(memory, Postings(), words, sight_of(memory))

    assert ours == theirs


def test_a_narrow_filter_finds_the_few_among_many_better_matches(memory: Memory) -> None:
    for number in range(400):
        memory.notes.add(f"word1 word1 note {number}")
    rare, _ = memory.notes.add(f"word1 {' '.join(_WORDS)} at length", tags=("rare",))

    ours, theirs = both(memory, Postings(), ["word1"], sight_of(memory, tags=("rare",)))

    assert ours == theirs
    assert len(ours) == 1
    assert memory.recall.search(Query("word1", filter=EpisodeFilter(tags=("rare",)))).hits[0].id == rare.id


def test_a_record_without_a_length_is_damage(memory: Memory) -> None:
    memory.notes.add("word1")
    memory.index.keywords.follow()
    with memory.store.database.write() as session:
        session.run("DELETE FROM keywords_docsize")

    with memory.store.database.read() as session, pytest.raises(IndexDamagedError):
        Postings().asked().ranked(session, ["word1"], sight_of(memory), _LIMIT)


def test_the_count_of_a_common_word_is_kept_until_a_hundredth_as_many_changes_came(open_memory: OpenMemory) -> None:
    memory = open_memory()
    postings = Postings()

    def counted() -> int:
        memory.index.keywords.follow()
        with memory.store.database.read() as session:
            return postings.asked().counts(session, ["common", "rare"])["common"]

    for number in range(1_000):
        memory.notes.add(f"common {number}")
    memory.notes.add("rare")
    before = counted()
    for number in range(10):
        memory.notes.add(f"common again {number}")
    within = counted()
    memory.notes.add("common at last")

    assert (before, within, counted()) == (1_000, 1_000, 1_011)


def test_the_count_of_a_rare_word_is_that_of_now(memory: Memory) -> None:
    postings = Postings()
    for expected in (1, 2, 3):
        memory.notes.add(f"rare {expected}")
        memory.index.keywords.follow()

        with memory.store.database.read() as session:
            assert postings.asked().counts(session, ["rare", "absent"]) == {"rare": expected}
