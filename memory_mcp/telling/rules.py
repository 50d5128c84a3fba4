"""This module keeps what the user wants in every session: proposed from their words, told once they accept it."""

from collections.abc import Mapping, Sequence
from typing import Any

from memory_mcp.clock import Clock
from memory_mcp.errors import IllegalMoveError
from memory_mcp.models import checks, limits
from memory_mcp.models.episodes import Step
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.rules import FoundRule, Rule, RuleAction, RuleState
from memory_mcp.models.voices import voice_of
from memory_mcp.storage.store import Store
from memory_mcp.telling.forbidding import breaks, check_of
from memory_mcp.telling.rule_finding import identity_of

OPEN: tuple[RuleState, ...] = ("accepted", "proposed")


class Rules:
    """The rules of one project; `root` is the work tree, to which paths are relative."""

    def __init__(self, store: Store, clock: Clock, root: str) -> None:
        self._store = store
        self._clock = clock
        self._root = root

    def add(self, text: str) -> tuple[Rule, Receipt]:
        """Keep a rule that the user states; through an agent's door it is only proposed.

        Raises:
            InvalidInputError: the text is empty, too long, or has no word that matters.

        """
        said = " ".join(checks.text(text, "the rule", limits.NOTE_CHARACTERS, required=True).split())
        found = FoundRule(said, identity_of(said) or said.lower(), self._clock.now(), check_of(said))
        receipt = self._store.rules.add(found, voice_of(self._store.writer.door(None)))
        return self._store.rules.get(receipt.id), receipt

    def get(self, rule_id: str) -> Rule:
        """Return a rule.

        Raises:
            NotFoundError: no such rule here.

        """
        return self._store.rules.get(rule_id)

    def list(self, states: Sequence[RuleState] = OPEN) -> tuple[Sequence[Rule], int]:
        """Return the rules in these states, those said most often first, and how many damaged ones were left out."""
        return self._store.rules.in_states(states)

    def accept(self, rule_id: str, action: RuleAction | None = None) -> Receipt:
        """Let a rule stand in briefings, and where it can be checked let a breach lead to `action`.

        Raises:
            NotFoundError: no such rule here.
            IllegalMoveError: an agent accepts what rests on no word of the user's.

        """
        if voice_of(self._store.writer.door(None)) != "user" and not self._store.rules.get(rule_id).quotes:
            raise IllegalMoveError(f"rule {rule_id} rests on no word of the user's, so only the user may accept it")
        return self._store.rules.decide(rule_id, "accepted", action, self._clock.now())

    def reject(self, rule_id: str) -> Receipt:
        """Let a rule never be told nor proposed again.

        Raises:
            NotFoundError: no such rule here.

        """
        return self._store.rules.decide(rule_id, "rejected", None, self._clock.now())

    def delete(self, rule_id: str) -> Receipt:
        """Erase a rule; if it is said again it is proposed again.

        Raises:
            NotFoundError: no such rule here.

        """
        return self._store.rules.delete(rule_id)

    def broken_by(self, step: Step, written: Mapping[str, Any] | None = None) -> Sequence[Rule]:
        """Return the accepted rules that a call which is about to be made would break, the strictest first.

        `written` are the arguments with the whole texts that it writes, where the step keeps less of them.
        """
        strict: dict[RuleAction, int] = {"deny": 0, "ask": 1, "warn": 2}
        found = [
            rule for rule in self._store.rules.checked() if rule.check and breaks(rule.check, step, self._root, written)
        ]
        return sorted(found, key=lambda rule: strict[rule.action])
