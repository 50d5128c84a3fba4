"""This module scores a completed episode; pure arithmetic."""

from memory_mcp.models.episodes import Abstained, Episode, Failure, PartialSuccess, Reward, Success

_ABSTAINED = 0.3  # giving an infeasible task back is worth more than failing late
_TYPICAL_STEPS = {"simple": 5, "moderate": 12, "complex": 30, None: 12}
_GREATEST = 2.0


def reward(episode: Episode) -> Reward:
    """Return outcome x efficiency x quality, within 0 and 2.

    Efficiency falls smoothly from 1.25 for few steps, is 1 at the typical number for the complexity, and tends to 0.75;
    quality is 1.2 without errors and 0.8 when every known result is one.
    """
    outcome = _outcome_share(episode)
    typical = _TYPICAL_STEPS[episode.context.complexity]
    efficiency = 0.75 + 0.5 * typical / (typical + len(episode.steps)) if episode.steps else 1.0
    known = [step for step in episode.steps if step.result is not None]
    quality = 1.2 - 0.4 * sum(step.failed for step in known) / len(known) if known else 1.0
    return Reward(
        total=round(min(max(outcome * efficiency * quality, 0.0), _GREATEST), 4),
        outcome=round(outcome, 4),
        efficiency=round(efficiency, 4),
        quality=round(quality, 4),
    )


def _outcome_share(episode: Episode) -> float:
    match episode.outcome:
        case Success():
            return 1.0
        case PartialSuccess(completed=done, failed=missed):
            return len(done) / (len(done) + len(missed)) if done or missed else 0.5
        case Abstained():
            return _ABSTAINED
        case Failure() | None:
            return 0.0
