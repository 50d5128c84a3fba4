"""This module derives the facts of a project from the surveys of its episodes."""

from collections.abc import Sequence

from memory_mcp.facts.counting import grouped
from memory_mcp.facts.environment_facts import install_traps, setup_facts
from memory_mcp.facts.file_facts import file_facts, together_facts
from memory_mcp.facts.test_facts import absent_facts, failing_facts, proof_facts, test_command_facts
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed


def project_facts(surveys: Sequence[Surveyed]) -> list[Fact]:
    """Return what is known of a project, in the order in which a newcomer needs it."""
    groups = grouped(surveys)
    return [
        *setup_facts(groups),
        *test_command_facts(groups),
        *install_traps(groups),
        *failing_facts(groups),
        *absent_facts(groups),
        *proof_facts(groups),
        *file_facts(groups),
        *together_facts(groups),
    ]
