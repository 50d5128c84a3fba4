"""This module holds the tools that search, compare and explain patterns."""

from memory_mcp.models.patterns import PatternFilter
from memory_mcp.patterns.earning import is_earned
from memory_mcp.patterns.heuristics import heuristics
from memory_mcp.patterns.listing import listed
from memory_mcp.server import learning_answers, learning_arguments
from memory_mcp.server.answers import BUDGET_BYTES, Rendered
from memory_mcp.server.desk import Desk


def search_patterns(desk: Desk, given: learning_arguments.SearchPatterns) -> Rendered:
    """Find patterns by text."""
    desk.learn()
    found = desk.memory.recommender.search(given.query, given.limit)
    shown, left = learning_answers.page_of(
        ({**learning_answers.line_of(pattern), "relevance": hit.relevance} for pattern, hit in found), BUDGET_BYTES
    )
    message = {} if found else {"message": "no pattern is known for this"}
    return {"patterns": shown, **message, **({"left_out": left} if left else {})}


def analyze_patterns(desk: Desk, given: learning_arguments.AnalyzePatterns) -> Rendered:
    """Show the patterns of most episodes, with the rules that they bear out, and the facts of the project."""
    desk.learn()
    page = listed(desk.memory.store.patterns, PatternFilter(kind=given.kind), is_earned, limit=given.limit)
    facts = desk.memory.facts.list() if given.kind is None else []
    rules = [
        {"rule": f"{rule.condition}: {rule.action}", "times": rule.times, "of": rule.of, "pattern_id": pattern.id}
        for pattern in page.patterns
        for rule in heuristics(pattern)[:2]
    ]
    told, facts_left = learning_answers.page_of(
        ({"topic": fact.topic, "fact": fact.text} for fact in facts), BUDGET_BYTES // 2
    )
    shown, left = learning_answers.page_of(
        (learning_answers.line_of(each) for each in page.patterns), BUDGET_BYTES // 4
    )
    fitting_rules, rules_left = learning_answers.page_of(rules, BUDGET_BYTES // 8)
    left_out = left or rules_left or facts_left
    return {
        **({"facts": told} if told else {}),
        "patterns": shown,
        "heuristics": fitting_rules,
        "recommendations": desk.memory.store.recommendations.counts(),
        **({"left_out": left_out} if left_out else {}),
    }


def explain_pattern(desk: Desk, given: learning_arguments.PatternId) -> Rendered:
    """Show one pattern with its evidence."""
    return learning_answers.pattern_of(desk.memory.store.patterns.get(given.pattern_id))
