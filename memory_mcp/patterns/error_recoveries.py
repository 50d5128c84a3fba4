"""This module extracts error recoveries: an error's signature, what made the action pass, what did not."""

from memory_mcp.actions.cures import cure
from memory_mcp.actions.signatures import telling_line
from memory_mcp.models.episodes import StepError, StepTimeout
from memory_mcp.models.patterns import ErrorRecovery, Finding, Fix
from memory_mcp.patterns.observations import Observation
from memory_mcp.patterns.triviality import is_scrap, is_trivial, scripts_of

_LONGEST_ERROR = 300


def error_recoveries(seen: Observation, root: str = "") -> list[Finding]:
    """Return every error of an episode that ended, recovered from or not, each signature once, with its cure."""
    if seen.episode.outcome is None:
        return []
    found: dict[str, Finding] = {}
    own_scripts = scripts_of(seen)
    for each in seen.recoveries:
        at = each.failures[0]
        if is_trivial(seen.episode.steps[at], seen.actions[at], each.signature, own_scripts):
            continue
        recovered = each.passed is not None
        fix = [at for at in each.fix if not is_scrap(seen.episode.steps[at], seen.actions[at])]
        detail = Fix(
            error=error_line(seen, each.failures[0]),
            action=seen.actions[each.failures[0]].text,
            fix=tuple(dict.fromkeys(cure(seen.episode.steps[at], seen.actions[at], root) for at in fix)),
            attempts=tuple(dict.fromkeys(seen.actions[at].text for at in each.attempts)),
            files=tuple(
                dict.fromkeys(file for at in fix if seen.actions[at].changes for file in seen.actions[at].files)
            ),
            tries=len(each.failures),
        )
        if each.signature not in found or recovered:
            evidence = seen.evidence(detail, float(recovered))
            found[each.signature] = Finding(ErrorRecovery(each.signature), (evidence,))
    return list(found.values())


def error_line(seen: Observation, at: int) -> str:
    """Return the line of a failed step that names its error."""
    result = seen.episode.steps[at].result
    return telling_line(result.message)[:_LONGEST_ERROR] if isinstance(result, StepError | StepTimeout) else ""
