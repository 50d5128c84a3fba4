"""This module holds the tools that advise at the start of a task, before an action, and take feedback."""

from memory_mcp.errors import InvalidInputError
from memory_mcp.models.episodes import Context
from memory_mcp.models.recommendations import Wanted
from memory_mcp.patterns import dead_ends
from memory_mcp.server import learning_answers, learning_arguments
from memory_mcp.server.answers import Rendered
from memory_mcp.server.desk import Desk

_CHECK_PATIENCE_S = 0.0  # one batch


def recommend_playbook(desk: Desk, given: learning_arguments.RecommendPlaybook) -> Rendered:
    """Make a playbook, or show one again."""
    if given.playbook_id:
        return learning_answers.playbook_of(desk.memory.advice.find_playbook(given.playbook_id))
    if not given.task_description.strip():
        raise InvalidInputError("give task_description, or the playbook_id of a playbook to see again")
    desk.learn()
    context = Context(language=given.language, framework=given.framework)
    return learning_answers.playbook_of(desk.session.playbook(Wanted(given.task_description, context, given.task_type)))


def recommend_patterns(desk: Desk, given: learning_arguments.RecommendPatterns) -> Rendered:
    """Recommend patterns."""
    desk.learn()
    context = Context(domain=given.domain, language=given.language, framework=given.framework)
    wanted = Wanted(given.task_description, context, given.task_type, given.limit)
    return learning_answers.given_of(desk.session.patterns(wanted))


def check_action(desk: Desk, given: learning_arguments.CheckAction) -> Rendered:
    """Say what is known against an action."""
    step = dead_ends.planned("", given.command, given.file)
    pending = desk.memory.learning.count_left(_CHECK_PATIENCE_S)
    return learning_answers.check_of(
        dead_ends.check_in(desk.memory.store, step, desk.session.episode_id, pending=pending, root=desk.memory.root)
    )


def record_feedback(desk: Desk, given: learning_arguments.RecordFeedback) -> Rendered:
    """Take feedback."""
    judged = desk.memory.advice.judge(
        given.feedback,
        recommendation_id=given.recommendation_id,
        document_ids=given.pattern_ids,
        rating=given.rating,
        note=given.note,
    )
    counted = [
        {"id": each, "followed": judged.tallies[each].uses, "went_well": judged.tallies[each].wins}
        for each in judged.document_ids
        if each in judged.tallies
    ]
    message = "" if judged.document_ids else "it counts for no pattern: nothing of it was recommended here and acted on"
    return {"recorded": given.feedback, "counts_for": counted} | ({"message": message} if message else {})
