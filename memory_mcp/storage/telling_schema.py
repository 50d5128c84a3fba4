"""This module holds the sixth schema: what is told to agents, from whom it comes, and what was said."""

from memory_mcp.storage.decision_schema import DECISIONS
from memory_mcp.storage.ledger_schema import LEDGER
from memory_mcp.storage.trust_schema import TRUST

# Widening a CHECK: see learning_schema.
_KINDS = "kind IN (''episode'', ''note'', ''pattern'', ''turn'')"
_MORE_KINDS = "kind IN (''episode'', ''note'', ''pattern'', ''turn'', ''decision'', ''rule'')"

SIXTH_SCHEMA: tuple[str, ...] = (
    "PRAGMA writable_schema = ON",
    f"UPDATE sqlite_schema SET sql = replace(sql, '{_KINDS}', '{_MORE_KINDS}') WHERE name = 'documents'",
    "PRAGMA writable_schema = RESET",
    *TRUST,
    *LEDGER,
    *DECISIONS,
)
