"""This module holds the tool that shows and settles what was decided."""

from memory_mcp.clock import iso
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.decisions import Decision
from memory_mcp.models.voices import Voice
from memory_mcp.server import answers, learning_answers, learning_arguments
from memory_mcp.server.answers import BUDGET_BYTES, Rendered
from memory_mcp.server.desk import Desk

_DOOR: Voice = "agent"  # whatever an agent says through a tool is its own word
_MOST = 10  # decisions, and pairs, of one answer
_SHORT_HASH, _MOST_FILES = 10, 5


def rules(desk: Desk, given: learning_arguments.Rules) -> Rendered:
    """Show what was decided, or change what holds."""
    match given.action:
        case "list":
            return _listed(desk, given)
        case "add":
            return _added(desk, given)
        case "settle":
            decision_id, other_id = _needed(given.decision_id, "decision_id"), _needed(given.other_id, "other_id")
            receipt = desk.memory.decisions.settle(decision_id, other_id, both=given.both)
        case "retire":
            receipt = desk.memory.decisions.retire(_needed(given.decision_id, "decision_id"))
    return {"decision_id": receipt.id, "receipt": answers.receipt_of(receipt)}


def decision_of(decision: Decision) -> Rendered:
    """Render a decision."""
    said = {
        "decision_id": decision.id,
        "decision": decision.text,
        "said": iso(decision.said_at)[:10],
        "by": decision.voice,
        "source": f"commit {decision.origin[:_SHORT_HASH]}" if decision.origin else decision.source_kind,
        "source_id": decision.source_id,
        "files": list(decision.files[:_MOST_FILES]),
        "replaced_by": decision.replaced_by,
        "contradicts": list(decision.contradicts),
        "retired": iso(decision.retired_at)[:10] if decision.retired_at is not None else None,
    }
    return answers.present(said)


def _listed(desk: Desk, given: learning_arguments.Rules) -> Rendered:
    decisions = desk.memory.decisions
    pending = desk.decide()
    if given.file or given.name:
        chosen = decisions.about(filter(None, [given.file]), filter(None, [given.name]), _MOST)
    else:
        chosen = decisions.list(limit=_MOST).decisions
    shown, left = learning_answers.page_of((decision_of(each) for each in chosen), BUDGET_BYTES * 3 // 4)
    pairs = [
        {
            "why": link.why,
            "newer": decision_of(decisions.get(link.newer)),
            "older": decision_of(decisions.get(link.older)),
        }
        for link in decisions.contradictions(_MOST)
    ]
    against, more = learning_answers.page_of(pairs, BUDGET_BYTES // 4)
    told = {
        "contradictions": against,
        "left_out": left + more or None,
        "message": None if shown or against else "nothing is known to be decided here",
        "pending": pending or None,
    }
    return {"decisions": shown, **answers.present(told)}


def _added(desk: Desk, given: learning_arguments.Rules) -> Rendered:
    made, receipt = desk.memory.decisions.add(
        given.text,
        files=filter(None, [given.file]),
        names=filter(None, [given.name]),
        voice=_DOOR,
        replaces=[given.other_id] if given.other_id else (),
    )
    return {"decision_id": made.id, "receipt": answers.receipt_of(receipt)}


def _needed(value: str | None, name: str) -> str:
    if not value:
        raise InvalidInputError(f"this action needs {name}; 'list' shows the ids")
    return value
