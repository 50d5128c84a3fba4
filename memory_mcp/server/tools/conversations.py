"""This module holds the tool that remembers conversations."""

from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Context
from memory_mcp.models.moments import parse_moment
from memory_mcp.server import arguments
from memory_mcp.server.answers import Rendered, receipt_of
from memory_mcp.server.desk import Desk


def remember_conversation(desk: Desk, given: arguments.RememberConversation) -> Rendered:
    """Keep messages, as a new conversation or at the end of one."""
    now = desk.memory.clock.now()
    messages = [
        Message(each.role, each.text, parse_moment(each.time, now=now) if each.time else now, each.important)
        for each in given.messages
    ]
    if given.conversation_id:
        receipt = desk.memory.conversations.append(given.conversation_id, messages)
        return {"conversation_id": given.conversation_id, "added": len(messages), "receipt": receipt_of(receipt)}
    made, receipt = desk.memory.conversations.remember(given.title, messages, context=Context(tags=given.tags))
    return {"conversation_id": made.id, "added": len(messages), "receipt": receipt_of(receipt)}
