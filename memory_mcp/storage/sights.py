"""This module says which documents a query may find, and which rank together."""

import json
from typing import Literal

from msgspec import Struct

from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.models.recall import RECORDS, Kind, Scope
from memory_mcp.storage.decision_schema import IS_REPLACED
from memory_mcp.storage.documents import Wall
from memory_mcp.storage.filters import episode_conditions

Group = Literal["records", "patterns", "decisions"]
_CURRENT: dict[Group, str] = {
    "records": "NOT EXISTS (SELECT 1 FROM notes n WHERE n.key = d.key"
    " AND (n.superseded_by IS NOT NULL OR n.valid_until <= :now))",
    "patterns": "NOT EXISTS (SELECT 1 FROM patterns r WHERE r.key = d.key AND r.retired_at IS NOT NULL)",
    "decisions": "NOT EXISTS (SELECT 1 FROM decisions r WHERE r.key = d.key AND r.retired_at IS NOT NULL)"
    f" AND NOT {IS_REPLACED}",
}
_OF_GROUP: dict[Group, str] = {
    "records": "d.kind NOT IN ('pattern', 'decision')",
    "patterns": "d.kind = 'pattern'",
    "decisions": "d.kind = 'decision'",
}


def group_of(kind: Kind) -> Group:
    """Return with which documents one of a kind ranks."""
    return "patterns" if kind == "pattern" else "decisions" if kind == "decision" else "records"


class Sight(Struct, frozen=True):
    """Which documents a query may find."""

    wall: Wall
    scope: Scope
    filter: EpisodeFilter
    kinds: tuple[Kind, ...]
    now: int

    @property
    def group(self) -> Group:
        """Which documents rank together: patterns and decisions among themselves, all others together."""
        return group_of(self.kinds[0]) if len(self.kinds) == 1 else "records"

    def condition(self) -> tuple[str, dict[str, object]]:
        """Return the SQL condition over documents d and episodes e, with its bindings."""
        conditions, bindings = episode_conditions(self.filter)
        conditions += [_CURRENT[self.group], self.reach()]
        if self.group == "records" and set(self.kinds) != set(RECORDS):
            conditions.append("d.kind IN (SELECT value FROM json_each(:kinds))")
            bindings["kinds"] = json.dumps(self.kinds)
        return " AND ".join(conditions), {**bindings, **({"now": self.now} if self.group == "records" else {})}

    def reach(self) -> str:
        """Return the condition of the wall and the group alone."""
        of_group = _OF_GROUP[self.group]
        return of_group if self.scope == "all" else f"{self.wall.visible()} AND {of_group}"
