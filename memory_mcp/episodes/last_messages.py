"""This module keeps an agent's last message as what it is: the agent's own claim of how its task ended."""

from msgspec.structs import replace

from memory_mcp.models.episodes import Outcome

_SAID = "The agent's last message, which is its claim: "
_LONGEST = 2_000


def with_claim(outcome: Outcome, message: str) -> Outcome:
    """Add what the agent said last to the verdict of an outcome; it changes nothing else."""
    said = message.strip()
    if not said:
        return outcome
    claim = f"{_SAID}{said if len(said) <= _LONGEST else f'{said[: _LONGEST - 1]}…'}"
    return replace(outcome, verdict=f"{outcome.verdict}\n{claim}" if outcome.verdict else claim)
