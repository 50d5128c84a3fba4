"""Relevance: words that stand together say more than words that chance brings together."""

import pytest

from memory_mcp.models.recall import Query
from memory_mcp.retrieval.relevance import pairs_held
from tests.conftest import OpenMemory

PROVIDERS = ("hash", "none")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_words_that_stand_together_are_more_relevant_than_words_apart(open_memory: OpenMemory, provider: str) -> None:
    memory = open_memory(provider=provider)
    memory.notes.add("the voucher table is read before a currency is chosen, the exchange comes later")
    memory.notes.add("the currency exchange is chosen, the voucher comes later, before the table is read")

    hits = memory.recall.search(Query("currency exchange")).hits

    together, apart = sorted(hits, key=lambda hit: "currency exchange" not in hit.text)
    assert together.relevance > apart.relevance + 0.3


def test_words_that_stand_together_are_told_without_the_index(open_memory: OpenMemory) -> None:
    pairs = (("currency", "exchange"), ("exchange", "voucher"), ("change", "loses"))

    with open_memory().store.database.read() as session:
        assert pairs_held(session, "the currency exchanges loses the voucher", pairs) == (("currency", "exchange"),)


def test_a_question_of_generic_words_that_stand_apart_is_answered_by_silence(open_memory: OpenMemory) -> None:
    memory = open_memory()
    for number in range(200):
        memory.notes.add(f"note {number}: the parser of part {number % 7} reads option {number % 11} before a table")

    assert (
        memory.recall.search(Query("option to skip frozen accounts of closed tables in yearly statements")).hits == ()
    )


def test_a_word_common_everywhere_says_little_even_where_one_record_of_the_store_holds_it(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory(provider="none")
    for number in range(100):
        memory.notes.add(f"voucher {number} is drawn on the ledger of branch {number % 7}")
    memory.notes.add("the option of the exporter is read from the default")
    memory.notes.add("the accrual of the exporter is read from the quarterly")

    common, rare = (
        memory.recall.search(Query(asked)).hits[0].relevance
        for asked in ("exporter wombat option", "exporter wombat accrual")
    )

    assert common < rare - 0.1


def test_the_pieces_of_a_version_say_nothing_about_relevance(open_memory: OpenMemory) -> None:
    memory = open_memory(provider="none")
    for number in range(100):
        memory.notes.add(f"voucher {number} is drawn on the ledger of branch {number % 7}")
    memory.notes.add("the accrual of the exporter is read from the quarterly")

    plain, with_piece, alone = (memory.recall.search(Query(asked)).hits for asked in ("accrual", "accrual 8", "8"))

    assert with_piece[0].relevance == plain[0].relevance
    assert alone != ()
