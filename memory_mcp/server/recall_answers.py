"""This module renders ranked hits: lean ones, so that all that are asked for are shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from memory_mcp.clock import iso
from memory_mcp.models.recall import Answer, Hit, Place
from memory_mcp.models.snapshots import UNKNOWN
from memory_mcp.retrieval.passages import LESSON_CHARACTERS, PASSAGE_CHARACTERS, best_passage
from memory_mcp.server.answers import Rendered, fitting, present
from memory_mcp.server.deciding_hits import Deciding
from memory_mcp.telling.choosing import chosen
from memory_mcp.visible import visible_values

_LEAN_BYTES = 5_900  # of a whole answer, below 6 KB; blanks count that some clients write behind commas and colons
_EXPLAINED_BYTES = 7_900
_ABOUT_BYTES = 900  # what is said of the means
_NOTES_BYTES = 250  # what is said of texts that were cut and of hits that were left out
_LEAST_BYTES = 280  # of one of many hits; so many are always shown that each gets as much
_AROUND_CHARACTERS = 80
_SHARES = (1.0, 0.8, 0.6, 0.45, 0.3, 0.2, 0.12, 0.06, 0.0)  # of the lengths
_LEAST_SHARE = 0.2  # of the name of a project
_SHORTEST = 8  # characters; less of a text tells nothing
_MOST_TAGS, _MOST_WORDS, _MOST_CORRECTED, _MOST_REASONS = 5, 24, 5, 4
_WORD_CHARACTERS, _REASON_CHARACTERS = 40, 200
_BRIEF = 0.3  # of the lengths, of hits beside what was decided
_CUT = "…"
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # hidden where nothing follows them
_NOTHING_DECIDED = Deciding()


def ids_in(answer: Answer) -> Iterator[str]:
    """Yield the ids that its hits are shown with."""
    for hit in answer.hits:
        yield hit.id
        if hit.place:
            yield hit.place.conversation_id


def answer_of(
    answer: Answer,
    *,
    home: str,
    explain: bool,
    short: Mapping[str, str] | None = None,
    decided: Deciding = _NOTHING_DECIDED,
    by: Mapping[str, str] | None = None,
) -> Rendered:
    """Render ranked hits of a project; long texts get shorter before hits are left out, and what was cut is said.

    `short` maps ids to those that are shown, `by` to whose word a record is that is not the user's or the repository's.
    Hits of `decided` carry whole sentences, and the others a line each.
    """
    about = next((each for share in _SHARES if _size(each := _about(answer, share)) <= _ABOUT_BYTES), {})
    budget = (_EXPLAINED_BYTES if explain else _LEAN_BYTES) - _NOTES_BYTES - _size(about)
    share = _BRIEF if decided.records else 1.0

    def row_of(hit: Hit, share: float) -> Rendered:
        row = _hit_of(hit, share, home=home, explain=explain, short=short or {})
        return {**row, "by": by[hit.id]} if by and hit.id in by else row

    rows = [row_of(hit, share) for hit in answer.hits]
    for hit, row in zip(answer.hits, rows, strict=True):
        if hit.id in decided.replaced_by:
            newer = decided.replaced_by[hit.id]
            row["replaced_by"] = (short or {}).get(newer, newer)
    _add_decided(answer, rows, decided, budget)
    most = max(_fair([_size(row) for row in rows], budget), _LEAST_BYTES)
    for place, hit in enumerate(answer.hits):
        for share in _SHARES[1:]:
            if _size(rows[place]) <= most or "decided" in rows[place]:
                break
            rows[place] = row_of(hit, share)
    hits, left = fitting(rows, budget, _size)
    cut = sum(_is_cut(hit, row) for hit, row in zip(answer.hits, hits, strict=False))
    notes = {
        "message": None if hits else "nothing relevant is remembered",
        "cut": f"{cut} of these texts; get_episode with the hit's id and full_text shows a record whole"
        if cut
        else None,
        "left_out": f"{left} more hits; ask more narrowly, by tags, time or domain" if left else None,
    }
    return {"hits": hits, **about, **present(notes)}


def _add_decided(answer: Answer, rows: Sequence[Rendered], decided: Deciding, budget: int) -> None:
    """Add to the rows of hits the whole sentences that they decided, as far as the others leave room."""
    left = budget - sum(map(_size, rows))
    records = [decided.records[hit.id] for hit in answer.hits if hit.id in decided.records]
    places = {hit.id: place for place, hit in enumerate(answer.hits)}
    for each in chosen(records, max(left, 0)):
        row = rows[places[each.record.name]]
        before = _size(row)
        row["decided"] = [_line(line.line) for line in each.lines]
        while row["decided"] and _size(row) - before > left:  # escapes took more room
            row["decided"] = row["decided"][:-1]
        if not row["decided"]:
            del row["decided"]
        left -= _size(row) - before


def _about(answer: Answer, share: float) -> Rendered:
    """Say how the hits were found."""
    told = {
        "mode": answer.mode,
        "corrected": {
            _shortened(word, _WORD_CHARACTERS * share): [_shortened(each, _WORD_CHARACTERS * share) for each in near]
            for word, near in answer.corrected[:_MOST_CORRECTED]
        },
        "model": _shortened(answer.model or "", _AROUND_CHARACTERS * share),
        "degraded": [_shortened(each, _REASON_CHARACTERS * share) for each in answer.degraded[:_MOST_REASONS]],
        "pending_vectors": answer.pending or None,
    }
    return present(told)


def _size(row: Rendered) -> int:
    """Return the bytes of a value in JSON, with blanks behind commas and colons."""
    return len(msgspec.json.encode(row)) + 2 * (1 + len(row) + len(row.get("explain", ())))


def _fair(sizes: Sequence[int], budget: int) -> int:
    """Return the most bytes that a hit may have, so that all fit: short ones leave what they do not need to others."""
    for place, size in enumerate(sorted(sizes)):
        fair = budget // (len(sizes) - place)
        if size > fair:
            return fair
        budget -= size
    return max(sizes, default=0)


def _hit_of(hit: Hit, share: float, *, home: str, explain: bool, short: Mapping[str, str]) -> Rendered:
    others = "other_turns" if hit.kind == "turn" else "other_runs"
    text = _passage(hit.passage, hit.matched, PASSAGE_CHARACTERS * share)
    is_inside = hit.kind == "episode" and text.startswith(_CUT)
    return present(
        {
            "kind": hit.kind,
            f"{hit.kind}_id": short.get(hit.id, hit.id),
            "task": _shortened(hit.text, _AROUND_CHARACTERS * share) if is_inside else None,
            "text": text,
            "lesson": _passage(hit.lesson_passage, hit.matched, LESSON_CHARACTERS * share),
            "outcome": hit.outcome,
            "evidence": hit.evidence,
            "freshness": hit.freshness if hit.freshness != UNKNOWN else None,
            "relevance": round(hit.relevance, 2),
            "project": _shortened(hit.project, _AROUND_CHARACTERS * max(share, _LEAST_SHARE))
            if hit.project != home
            else None,
            "at": iso(hit.created_at),
            others: hit.repeats - 1 or None,
            **(_place_of(hit.place, share, short) if hit.place else {}),
            "explain": _reasons_of(hit, share) if explain else None,
        }
    )


def _reasons_of(hit: Hit, share: float) -> dict[str, Any]:
    """Render the parts of the score, and what it was given for."""
    parts = hit.parts
    words = hit.matched[: int(_MOST_WORDS * share)]
    return present(
        {
            "score": hit.score,
            "keyword": parts.keyword or None,
            "similarity": parts.similarity or None,
            **{name: round(value, 4) for name, value in parts.boosts.items()},
            "bm25": None if parts.bm25 is None else round(parts.bm25, 3),
            "cosine": None if parts.cosine is None else round(parts.cosine, 4),
            "matched": [_shortened(word, _WORD_CHARACTERS) for word in words],
            "more_matched": len(hit.matched) - len(words) or None,
            "reward": hit.reward,
            "age_days": hit.age_days,
            "task_type": _shortened(hit.task_type or "", _WORD_CHARACTERS * share),
            "tags": [_shortened(tag, _AROUND_CHARACTERS * share) for tag in hit.tags[: int(_MOST_TAGS * share)]],
            "importance": hit.place.importance if hit.place else None,
        }
    )


def _place_of(place: Place, share: float, short: Mapping[str, str]) -> Rendered:
    return {
        "conversation_id": short.get(place.conversation_id, place.conversation_id),
        "title": _shortened(place.title, _AROUND_CHARACTERS * share),
        "step": place.position + 1,
        "before": _shortened(place.before, _AROUND_CHARACTERS * share),
        "after": _shortened(place.after, _AROUND_CHARACTERS * share),
    }


def _line(text: str) -> str:
    """Return a text on one line; escapes of what is hidden count."""
    return " ".join(visible_values(text).split())


def _shortened(text: str, longest: float) -> str:
    """Return the beginning of a text, with … where it is cut; nothing of one that would be too short to tell."""
    line, most = _line(text), int(longest)
    if len(line) <= most:
        return line
    return line[: most - 1].rstrip(_JOINERS) + _CUT if most >= _SHORTEST else ""


def _passage(text: str, matched: Sequence[str], longest: float) -> str:
    """Return the best passage of a passage, where that is too long."""
    line, most = _line(text), int(longest)
    if len(line) <= most or most < _SHORTEST:
        return line if len(line) <= most else ""
    cut = best_passage(line, dict.fromkeys(matched, 1.0), most)
    return _line(cut)


def _is_cut(hit: Hit, row: Rendered) -> bool:
    """Whether less of the record's own words is shown than there are."""
    whole = len(" ".join(hit.text.split())), len(" ".join(hit.lesson.split()))
    return len(row.get("text", "")) < whole[0] or len(row.get("lesson", "")) < whole[1]
