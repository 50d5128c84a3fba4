"""This module finds among the decisions of a project what replaces or contradicts what."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from memory_mcp.models.decisions import Decision, LinkKind
from memory_mcp.telling.replacing import View, amended, amends, compare
from memory_mcp.telling.subjects import weights

Found = tuple[int, int, LinkKind, str]  # keys of the newer and the older, what it does to it, why
_LEAST_SHARED = 2  # words that tell, or a name of code, before two decisions are compared
_TELLING = 1.0
_SHORTEST_HASH = 7  # characters of a commit's name


def links_among(decisions: Mapping[int, Decision], fresh: Collection[int]) -> list[Found]:
    """Return what stands between decisions, by key, where at least one of the two is fresh."""
    views = {key: view_of(key, each) for key, each in decisions.items()}
    found = [*_pairwise(views, fresh), *_amendments(views)]
    return list({(newer, older): (newer, older, kind, why) for newer, older, kind, why in found}.values())


def view_of(key: int, decision: Decision) -> View:
    """Return what of a decision is compared."""
    return View(
        id=key,
        source=decision.source_id,
        text=decision.text,
        said_at=decision.said_at,
        files=decision.files,
        origin=decision.origin,
        reverts=decision.reverts,
    )


def _pairwise(views: Mapping[int, View], fresh: Collection[int]) -> Iterator[Found]:
    holding: dict[str, list[int]] = {}
    by_origin: dict[str, list[int]] = {}
    for key, view in views.items():
        for word, weight in weights(view.text).items():
            if weight >= _TELLING:
                holding.setdefault(word, []).append(key)
        if view.origin:
            by_origin.setdefault(view.origin[:_SHORTEST_HASH], []).append(key)
    for key in fresh:
        if key not in views:
            continue
        shared: Counter[int] = Counter()
        for word, weight in weights(views[key].text).items():
            if weight >= _TELLING:
                shared.update({other: round(weight) for other in holding[word]})
        others = {other for other, count in shared.items() if count >= _LEAST_SHARED}
        others |= set(_reverted(views[key], views, by_origin))
        for other in sorted(others - {key}):
            yield from _between(views[key], views[other])


def _reverted(view: View, views: Mapping[int, View], by_origin: Mapping[str, Iterable[int]]) -> Iterator[int]:
    """Return the keys of decisions that a commit reverts, or that revert its commit."""
    if view.reverts:
        yield from by_origin.get(view.reverts[:_SHORTEST_HASH], ())
    if view.origin:
        start = view.origin[:_SHORTEST_HASH]
        yield from (key for key, other in views.items() if other.reverts.startswith(start))


def _between(one: View, other: View) -> Iterator[Found]:
    older, newer = sorted((one, other), key=lambda each: (each.said_at, each.id))
    if verdict := compare(newer, older):
        yield newer.id, older.id, verdict.kind, verdict.why


def _amendments(views: Mapping[int, View]) -> Iterator[Found]:
    """Find the one record that each amendment is about; looked for anew each time, as an older one may come later."""
    by_source: dict[str, list[View]] = {}
    for view in views.values():
        by_source.setdefault(view.source, []).append(view)
    for source, said in by_source.items():
        if not any(amends(each.text) for each in said):
            continue
        begun = min(each.said_at for each in said)
        older = {
            other: kept
            for other, others in by_source.items()
            if other != source and (kept := [each for each in others if each.said_at < begun])
        }
        for newer, old in amended(said, older):
            yield newer.id, old.id, "replaces", "amended"
