"""This module derives the facts of a project from the surveys of its episodes."""

from collections.abc import Sequence

from memory_mcp.facts.check_facts import absent_facts, proof_facts
from memory_mcp.facts.counting import Group
from memory_mcp.facts.environment_facts import install_traps, own_packages, setup_facts
from memory_mcp.facts.failing_facts import failing_facts
from memory_mcp.facts.file_facts import customary_facts, file_facts, together_facts
from memory_mcp.facts.habit_facts import commit_facts, gone_facts, import_facts, option_facts, place_facts
from memory_mcp.facts.runner_facts import test_command_facts
from memory_mcp.facts.version_facts import version_facts
from memory_mcp.facts.workaround_facts import workaround_traps
from memory_mcp.models.facts import Fact


def facts_of(groups: Sequence[Group]) -> list[Fact]:
    """Return what is known of a project, in the order in which a newcomer needs it."""
    own = own_packages(groups)
    around = workaround_traps(groups, sorted(own))
    installs = install_traps(groups)
    return [
        *setup_facts(groups),
        *version_facts(groups, own),
        *test_command_facts(groups),
        *around,
        *installs,
        *gone_facts(groups, {fact.subject for fact in (*around, *installs)}, own),
        *option_facts(groups),
        *import_facts(groups),
        *failing_facts(groups),
        *absent_facts(groups),
        *proof_facts(groups),
        *file_facts(groups),
        *place_facts(groups),
        *commit_facts(groups),
        *customary_facts(groups),
        *together_facts(groups),
    ]
