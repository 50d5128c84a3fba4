"""This module scores a completed episode; pure arithmetic."""

import math
from collections.abc import Sequence

from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.episodes.shown_outcomes import runs_of
from memory_mcp.models.episodes import Episode, Failure, Reward, Typical, share_of

LEAST_EPISODES = 5  # of one domain and task type, before their medians are what efficiency is measured against
_UNKNOWN = 0.3  # given back untried, or a success that is only claimed
_TYPICAL_STEPS = {"simple": 5, "moderate": 12, "complex": 30, None: 12}
_COMPLEXITY = {"simple": 0.9, "moderate": 1.0, "complex": 1.15, None: 1.0}
_GREATEST = 2.0
_RECOVERED, _MOST_RECOVERED = 0.05, 2
_VARIED, _VARIED_TOOLS = 0.05, 3


def reward(episode: Episode, typical: Typical | None = None) -> Reward:
    """Return outcome x efficiency x complexity x quality + learning bonus, within 0 and 2.

    A failure gets the bonus alone, at most 0.15; giving a task back early (efficiency 1 or more) gets 0.19 or more, and
    a success that is only claimed no more than that.
    """
    actions = [action_of(step) for step in episode.steps]
    measured = typical if typical and typical.episodes >= LEAST_EPISODES else None
    done = share_of(episode.outcome)
    outcome = done if done is not None else 0.0 if isinstance(episode.outcome, Failure | None) else _UNKNOWN
    efficiency = _efficiency(episode, measured)
    complexity = _COMPLEXITY[episode.context.complexity]
    quality = _quality(episode, actions)
    bonus = _learning_bonus(actions, recoveries(episode.steps, actions))
    total = outcome * efficiency * complexity * quality + bonus
    return Reward(
        total=round(min(max(total, 0.0), _GREATEST), 4),
        outcome=round(outcome, 4),
        efficiency=round(efficiency, 4),
        quality=round(quality, 4),
        complexity=complexity,
        learning_bonus=round(bonus, 4),
        typical=measured,
    )


def _efficiency(episode: Episode, typical: Typical | None) -> float:
    """Return 1.25 for no effort, 1 for the typical, tending to 0.75: the geometric mean of steps and time.

    An episode that recorded no steps, or took no time (an imported commit), is not judged by them.
    """
    usual_steps = typical.steps if typical else _TYPICAL_STEPS[episode.context.complexity]
    factors = [_of_ratio(len(episode.steps), usual_steps)] if episode.steps else []
    if typical and episode.completed_at is not None:
        factors.append(_of_ratio((episode.completed_at - episode.started_at) / 1e6, typical.seconds))
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) ** (1 / len(known)) if known else 1.0


def _of_ratio(effort: float, usual: float) -> float | None:
    return 0.75 + 0.5 * usual / (usual + effort) if effort > 0 and usual > 0 else None


def _quality(episode: Episode, actions: Sequence[Action]) -> float:
    """Return 1.2 less 0.4 x the share of failed steps, 0.05 more for artifacts, 0.1 more or less for the last test."""
    known = [step for step in episode.steps if step.result is not None]
    quality = 1.2 - 0.4 * sum(step.failed for step in known) / len(known) if known else 1.0
    if getattr(episode.outcome, "artifacts", ()):
        quality += 0.05
    runs = runs_of(episode.steps, actions)
    if runs:
        quality += 0.1 if runs[-1].passed else -0.1
    return quality


def _learning_bonus(actions: Sequence[Action], found: Sequence[Recovery]) -> float:
    """Return 0.05 for each of two errors overcome and 0.05 for three or more kinds of action."""
    recovered = min(sum(each.passed is not None for each in found), _MOST_RECOVERED)
    varied = len({action.token for action in actions}) >= _VARIED_TOOLS
    return _RECOVERED * recovered + _VARIED * varied
