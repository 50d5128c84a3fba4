"""This module renders ranked hits: lean ones, so that all that are asked for are shown."""

from typing import Any

import msgspec

from memory_mcp.clock import iso
from memory_mcp.models.recall import Answer, Hit, Place
from memory_mcp.models.snapshots import UNKNOWN
from memory_mcp.retrieval.passages import LESSON_CHARACTERS, PASSAGE_CHARACTERS
from memory_mcp.server.answers import BUDGET_BYTES, Rendered, fitting, present
from memory_mcp.visible import visible_values

_LEAN_BYTES = 5_500  # of the hits, so that a whole answer stays below 6 KB
_EXPLAINED_BYTES = BUDGET_BYTES - 500
_AROUND_CHARACTERS = 80
_SHARES = (1.0, 0.8, 0.6, 0.45, 0.3, 0.2)  # of the lengths; shorter texts tell too little
_MOST_TAGS = 5
_CUT = "…"


def answer_of(answer: Answer, *, home: str, explain: bool) -> Rendered:
    """Render ranked hits of a project; texts get shorter before hits are left out, and what was cut is said."""
    budget = _EXPLAINED_BYTES if explain else _LEAN_BYTES
    rows: list[Rendered] = []
    for share in _SHARES:
        rows = [_hit_of(hit, share, home=home, explain=explain) for hit in answer.hits]
        if sum(len(msgspec.json.encode(row)) + 1 for row in rows) <= budget:
            break
    hits, left = fitting(rows, budget)
    nothing = {} if hits else {"message": "nothing relevant is remembered"}
    cut = sum(_is_cut(hit, row) for hit, row in zip(answer.hits, hits, strict=False))
    return {
        "hits": hits,
        "mode": answer.mode,
        **nothing,
        **present(
            {
                "corrected": {word: list(near) for word, near in answer.corrected},
                "model": answer.model,
                "degraded": list(answer.degraded),
                "pending_vectors": answer.pending or None,
                "cut": f"{cut} of these texts; get_episode with the hit's id shows a record whole" if cut else None,
                "left_out": f"{left} more hits; ask more narrowly, by tags, time or domain" if left else None,
            }
        ),
    }


def _hit_of(hit: Hit, share: float, *, home: str, explain: bool) -> Rendered:
    others = "other_turns" if hit.kind == "turn" else "other_runs"
    return present(
        {
            "kind": hit.kind,
            f"{hit.kind}_id": hit.id,
            "text": _shortened(hit.passage, PASSAGE_CHARACTERS, share),
            "lesson": _shortened(hit.lesson_passage, LESSON_CHARACTERS, share),
            "outcome": hit.outcome,
            "evidence": hit.evidence,
            "freshness": hit.freshness if hit.freshness != UNKNOWN else None,
            "relevance": round(hit.relevance, 2),
            "project": hit.project if hit.project != home else None,
            "at": iso(hit.created_at),
            others: hit.repeats - 1 or None,
            **(_place_of(hit.place, share) if hit.place else {}),
            "explain": _reasons_of(hit) if explain else None,
        }
    )


def _reasons_of(hit: Hit) -> dict[str, Any]:
    """Render the parts of the score, and what it was given for."""
    parts = hit.parts
    return present(
        {
            "score": hit.score,
            "keyword": parts.keyword or None,
            "similarity": parts.similarity or None,
            **{name: round(value, 4) for name, value in parts.boosts.items()},
            "bm25": None if parts.bm25 is None else round(parts.bm25, 3),
            "cosine": None if parts.cosine is None else round(parts.cosine, 4),
            "matched": list(hit.matched),
            "reward": hit.reward,
            "age_days": hit.age_days,
            "task_type": hit.task_type,
            "tags": [_shortened(tag, _AROUND_CHARACTERS, 1.0) for tag in hit.tags[:_MOST_TAGS]],
            "importance": hit.place.importance if hit.place else None,
        }
    )


def _place_of(place: Place, share: float) -> Rendered:
    return {
        "conversation_id": place.conversation_id,
        "title": _shortened(place.title, _AROUND_CHARACTERS, share),
        "step": place.position + 1,
        "before": _shortened(place.before, _AROUND_CHARACTERS, share),
        "after": _shortened(place.after, _AROUND_CHARACTERS, share),
    }


def _shortened(text: str, longest: int, share: float) -> str:
    """Return a text on one line and of a share of a length, with … where it is cut; escapes count."""
    line = " ".join(visible_values(text).split())
    most = int(longest * share)
    return line if len(line) <= most else line[: most - 1] + _CUT


def _is_cut(hit: Hit, row: Rendered) -> bool:
    """Whether less of the record's own words is shown than there are."""
    whole = len(" ".join(hit.text.split())), len(" ".join(hit.lesson.split()))
    return len(row.get("text", "")) < whole[0] or len(row.get("lesson", "")) < whole[1]
