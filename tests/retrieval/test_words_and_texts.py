"""What is indexed: words of identifiers, pairs of ideographs, chunks, dates."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.clock import micros
from memory_mcp.embeddings.words import content_words, words
from memory_mcp.retrieval.dates import named_spans
from memory_mcp.retrieval.keywords import match_expression, query_terms
from memory_mcp.retrieval.texts import MOST_CHUNKS, chunks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parse_HTTPHeader", ["parsehttpheader", "parse", "http", "header"]),
        ("src/app.py", ["srcapppy", "src", "app", "py"]),
        ("ERR_CONN_42", ["errconn42", "err", "conn", "42"]),
        ("E1234", ["e1234", "e", "1234"]),
        ("数据库连接 retry", ["数据", "据库", "库连", "连接", "retry"]),
        ("Füße über", ["füße", "über"]),
        ("don't", ["don", "t"]),
        ("", []),
    ],
)
def test_identifiers_are_kept_whole_and_in_parts(text: str, expected: list[str]) -> None:
    found = words(text)

    assert [word for word in expected if word not in found] == []


def test_stop_words_leave_a_question_unless_there_is_nothing_else() -> None:
    assert content_words("how do I fix the login") == ["fix", "login"]
    assert content_words("what is it") == ["what", "is", "it"]


def test_a_letter_with_a_mark_is_no_border_within_a_word() -> None:
    assert words("schließen") == ["schließen"]
    assert words("größteZahl") == ["größtezahl", "größte", "zahl"]


@given(st.text())
def test_no_word_of_a_question_is_an_operator(text: str) -> None:
    terms = query_terms(text)

    assert len(terms) <= 32
    assert len(set(terms)) == len(terms)
    assert match_expression(terms).count('"') == 2 * len(terms)


@given(st.text(max_size=5000), st.integers(100, 1000))
def test_chunks_are_bounded_and_lose_no_word(text: str, size: int) -> None:
    pieces = chunks(text, size)

    assert 1 <= len(pieces) <= MOST_CHUNKS
    assert all(len(piece) <= size for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


NOW = micros(datetime(2024, 6, 12, 9, 30, tzinfo=UTC))  # a Wednesday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("what broke on 2024-03-05?", (2024, 3, 5), (2024, 3, 6)),
        ("in March 2024", (2024, 3, 1), (2024, 4, 1)),
        ("on 5 March 2024", (2024, 3, 5), (2024, 3, 6)),
        ("Dec 2023", (2023, 12, 1), (2024, 1, 1)),
        ("2024-11", (2024, 11, 1), (2024, 12, 1)),
        ("what did she say on 8 May", (2024, 5, 8), (2024, 5, 9)),
        ("the talk of August 8th", (2023, 8, 8), (2023, 8, 9)),
        ("what broke last March", (2024, 3, 1), (2024, 4, 1)),
        ("the plan from last week", (2024, 6, 3), (2024, 6, 10)),
        ("what we said on Monday", (2024, 6, 10), (2024, 6, 11)),
        ("what failed yesterday", (2024, 6, 11), (2024, 6, 12)),
        ("three days ago", (2024, 6, 9), (2024, 6, 10)),
        ("two months ago", (2024, 4, 1), (2024, 5, 1)),
        ("last year", (2023, 1, 1), (2024, 1, 1)),
    ],
)
def test_named_days_and_months_are_understood(
    text: str, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    expected = (micros(datetime(*start, tzinfo=UTC)), micros(datetime(*end, tzinfo=UTC)))

    assert named_spans(text, NOW) == [expected]


@pytest.mark.parametrize("text", ["nothing", "2024-13-45", "9999-12", "this may fail in a summary"])
def test_what_is_no_date_is_passed_over(text: str) -> None:
    assert named_spans(text, NOW) == []


@given(st.text(max_size=300))
def test_any_text_can_be_read_for_dates(text: str) -> None:
    assert all(start < end for start, end in named_spans(f"{text} 999 years ago", NOW))
