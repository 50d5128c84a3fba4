"""This module is the plain rule that warnings are compared with: the same text failed in half of its runs."""

from collections import Counter

from memory_mcp.models.episodes import Step


class SameText:
    """Speaks before a step whose very text failed in at least half of its runs, here or in what it builds on."""

    def __init__(self, before: "SameText | None" = None) -> None:
        self._before = before
        self._ran: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    def add(self, step: Step) -> None:
        """Count a step that was run."""
        if step.result is not None:
            self._ran[step.action] += 1
            self._failed[step.action] += step.failed

    def warns(self, step: Step) -> bool:
        """Whether the rule speaks before a step."""
        ran, failed = self.counts(step.action)
        return ran > 0 and 2 * failed >= ran

    def counts(self, text: str) -> tuple[int, int]:
        """Return how often a text ran and failed."""
        ran, failed = self._before.counts(text) if self._before else (0, 0)
        return ran + self._ran[text], failed + self._failed[text]
