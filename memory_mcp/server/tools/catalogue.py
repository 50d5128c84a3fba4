"""This module lists the tools with what an agent reads about each, and which of them a server offers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

from msgspec import Struct

from memory_mcp.errors import ConfigError
from memory_mcp.server import arguments, learning_arguments
from memory_mcp.server.answers import Rendered
from memory_mcp.server.arguments import Arguments
from memory_mcp.server.desk import Desk
from memory_mcp.server.tools import advice, conversations, handoffs, links, operations, patterns, records, rules

Toolset = Literal["default", "records", "learning", "tags", "relationships"]
_ALL = "all"


class Tool(Struct, frozen=True):
    """A tool: what the agent reads about it, the function behind it, and the toolset that it comes with."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Desk, Any], Rendered]
    reads_only: bool = False
    destroys: bool = False
    toolset: Toolset = "default"


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "query_memory",
            "Recall",
            "Call before you start a task or when an error looks familiar: past episodes and notes, with lessons.",
            arguments.QueryMemory,
            records.query_memory,
            reads_only=True,
        ),
        Tool(
            "recommend_playbook",
            "Playbook",
            "Call at the start of a task: steps that worked for similar ones, pitfalls, sources.",
            learning_arguments.RecommendPlaybook,
            advice.recommend_playbook,
        ),
        Tool(
            "create_episode",
            "Start an episode",
            "Call when you begin a task worth remembering; keep the episode_id.",
            arguments.CreateEpisode,
            records.create_episode,
        ),
        Tool(
            "check_action",
            "Check an action",
            "Call before a risky or repeated command or edit: how it failed before, what ended the error.",
            learning_arguments.CheckAction,
            advice.check_action,
            reads_only=True,
        ),
        Tool(
            "add_episode_steps",
            "Record steps",
            "Call after telling steps, above all failures and what fixed them; several at once are fine.",
            arguments.AddEpisodeSteps,
            records.add_episode_steps,
        ),
        Tool(
            "complete_episode",
            "Complete an episode",
            "Call when the task ends, however it ended; the verdict is what the next agent will read.",
            arguments.CompleteEpisode,
            records.complete_episode,
        ),
        Tool(
            "record_feedback",
            "Judge advice",
            "Call when a playbook, pattern or hit helped or hindered.",
            learning_arguments.RecordFeedback,
            advice.record_feedback,
        ),
        Tool(
            "checkpoint_episode",
            "Checkpoint",
            "Call before you stop unfinished work: another session can resume it.",
            learning_arguments.CheckpointEpisode,
            handoffs.checkpoint_episode,
        ),
        Tool(
            "resume_from_handoff",
            "Resume",
            "Call to take up a checkpoint: starts an episode that follows it.",
            learning_arguments.HandoffId,
            handoffs.resume_from_handoff,
        ),
        Tool(
            "remember_note",
            "Remember a fact",
            "Call for a lasting fact or preference that is no task.",
            arguments.RememberNote,
            records.remember_note,
        ),
        Tool(
            "get_episode",
            "Read an episode",
            "Call to read a hit in full.",
            arguments.GetEpisode,
            records.get_episode,
            reads_only=True,
        ),
        Tool(
            "health_check",
            "Health",
            "Call when the memory seems wrong or slow.",
            arguments.Nothing,
            operations.health_check,
            reads_only=True,
        ),
        Tool(
            "remember_conversation",
            "Remember a conversation",
            "Keep messages that may matter later; query_memory finds each by itself.",
            arguments.RememberConversation,
            conversations.remember_conversation,
            toolset="records",
        ),
        Tool(
            "list_episodes",
            "List episodes",
            "Newest first; use query_memory to search by meaning.",
            arguments.ListEpisodes,
            records.list_episodes,
            reads_only=True,
        ),
        Tool(
            "update_episode",
            "Correct an episode",
            "Change description, context or tags.",
            arguments.UpdateEpisode,
            records.update_episode,
            toolset="records",
        ),
        Tool(
            "delete_episode",
            "Delete an episode",
            "Erase for good; only when the user asks.",
            arguments.EpisodeId,
            records.delete_episode,
            destroys=True,
            toolset="records",
        ),
        Tool(
            "delete_note",
            "Delete a note",
            "Erase for good a note that is wrong.",
            arguments.NoteId,
            records.delete_note,
            destroys=True,
            toolset="records",
        ),
        Tool(
            "get_handoff",
            "Read a handoff",
            "Read a checkpoint without resuming it.",
            learning_arguments.HandoffId,
            handoffs.get_handoff,
            reads_only=True,
            toolset="records",
        ),
        Tool(
            "get_metrics",
            "Metrics",
            "Calls, errors, latencies and sizes of this server.",
            arguments.Nothing,
            operations.get_metrics,
            reads_only=True,
        ),
        Tool(
            "recommend_patterns",
            "Recommend patterns",
            "Patterns worth following for a task or error, each with why, sources and when not to.",
            learning_arguments.RecommendPatterns,
            advice.recommend_patterns,
            toolset="learning",
        ),
        Tool(
            "search_patterns",
            "Search patterns",
            "Find patterns by task, command, file or error.",
            learning_arguments.SearchPatterns,
            patterns.search_patterns,
            reads_only=True,
        ),
        Tool(
            "analyze_patterns",
            "Analyze patterns",
            "What this project keeps doing: the strongest patterns and rules.",
            learning_arguments.AnalyzePatterns,
            patterns.analyze_patterns,
            reads_only=True,
            toolset="learning",
        ),
        Tool(
            "explain_pattern",
            "Explain a pattern",
            "One pattern with its evidence.",
            learning_arguments.PatternId,
            patterns.explain_pattern,
            reads_only=True,
            toolset="learning",
        ),
        Tool(
            "list_tags",
            "List tags",
            "Every tag with its number of records.",
            arguments.Nothing,
            links.list_tags,
            reads_only=True,
            toolset="tags",
        ),
        Tool(
            "tag_record",
            "Tag",
            "Add and remove tags of an episode or note.",
            learning_arguments.TagRecord,
            links.tag_record,
            toolset="tags",
        ),
        Tool(
            "rename_tag",
            "Rename a tag",
            "Rename a tag on every record.",
            learning_arguments.RenameTag,
            links.rename_tag,
            toolset="tags",
        ),
        Tool(
            "add_relationship",
            "Link episodes",
            "Say how two episodes belong together.",
            learning_arguments.Relate,
            links.add_relationship,
            toolset="relationships",
        ),
        Tool(
            "remove_relationship",
            "Unlink episodes",
            "Remove a relationship.",
            learning_arguments.Relate,
            links.remove_relationship,
            destroys=True,
            toolset="relationships",
        ),
        Tool(
            "related_episodes",
            "Related episodes",
            "The episodes within some links of one.",
            learning_arguments.RelatedEpisodes,
            links.related_episodes,
            reads_only=True,
            toolset="relationships",
        ),
        Tool(
            "order_episodes",
            "Order episodes",
            "All episodes linked by a kind, what comes first before what builds on it.",
            learning_arguments.OrderEpisodes,
            links.order_episodes,
            reads_only=True,
            toolset="relationships",
        ),
        Tool(
            "rules",
            "Decisions",
            "Call before you change a file: what was decided for it, and what contradicts. Add, settle and retire only"
            " what the user says.",
            learning_arguments.Rules,
            rules.rules,
        ),
    )
}


def offered(toolsets: Iterable[str]) -> dict[str, Tool]:
    """Return the default tools and those of further toolsets.

    Raises:
        ConfigError: there is no such toolset.

    """
    wanted = {"default", *toolsets}
    if unknown := sorted(wanted - {*get_args(Toolset), _ALL}):
        known = ", ".join(sorted({*get_args(Toolset), _ALL} - {"default"}))
        raise ConfigError(f"no toolset {', '.join(unknown)}; there are {known}")
    return {name: tool for name, tool in TOOLS.items() if _ALL in wanted or tool.toolset in wanted}
