"""This module is `memory-cli cache`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.monitoring import cache_care

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The hot cache of episodes and vectors that processes share; it can be cleared at any time.",
)


@app.command()
def stats(context: typer.Context, json: show.Json = False) -> None:
    """Show where it lies, what it holds and how often it served, all processes together."""
    with memory_of(context) as memory:
        state, counts = cache_care.cache_of(memory.store).state(), memory.store.episodes.hot.counts()
    if json:
        show.as_json({"files": state, "episodes": counts})
        return
    rows = [
        ("path", state.path),
        ("in use", f"no: {state.trouble}" if state.trouble else "yes" if state.entries else "not yet"),
        ("size of the file", f"{state.bytes / 1e6:.1f} MB"),
        ("room before the map grows", f"{state.map_bytes / 1e6:.0f} MB" if state.map_bytes else ""),
        ("processes reading", str(max(state.readers - 1, 0))),
        ("episodes", str(state.entries.get("episodes", 0))),
        ("blocks of vectors and what belongs to them", str(state.entries.get("vectors", 0))),
    ]
    if counts:
        rows += [
            ("bytes of episodes", str(counts.bytes)),
            ("reads served", str(counts.hits)),
            ("reads not served", str(counts.misses)),
            ("episodes that had to leave", str(counts.evictions)),
        ]
    rows += [("rebuilt", reason) for reason in state.rebuilt]
    show.table("Cache", ("what", "value"), rows)


@app.command()
def clear(context: typer.Context) -> None:
    """Throw everything in it away; servers that run fill it again."""
    with memory_of(context) as memory:
        cache_care.cache_of(memory.store).clear()
    show.line("cleared")


@app.command()
def warm(
    context: typer.Context,
    episodes: Annotated[int, typer.Option(min=0, help="How many of the newest episodes to read into it.")] = 1_000,
    json: show.Json = False,
) -> None:
    """Fill it ahead of need: the newest episodes of this project, and the vectors of the whole store."""
    with memory_of(context) as memory, show.progress() as bar:
        task = bar.add_task("episodes", total=episodes)
        parts = (memory.store, memory.index, memory.similarity)
        done = cache_care.warm(*parts, episodes, lambda count: bar.advance(task, count))
        bar.update(task, total=done.episodes)
    if json:
        show.as_json(done)
    else:
        show.line(f"{done.episodes} episodes read, vectors of {done.vectors} documents folded in")


@app.command()
def verify(context: typer.Context, json: show.Json = False) -> None:
    """Compare everything in it with the store; exit code 1 if an answer could be wrong or something erased is left."""
    with memory_of(context) as memory, show.progress() as bar:
        task = bar.add_task("episodes", total=None)
        found = cache_care.verify(memory.store, memory.similarity, lambda count: bar.advance(task, count))
        bar.update(task, total=found.episodes)
    if json:
        show.as_json(found)
    else:
        show.line(
            f"{found.episodes} episodes compared: {found.wrong} wrong, {found.left_over} of erased ones, "
            f"{found.outdated} outdated (replaced when next read)"
        )
        show.line(f"vectors of {found.vectors} documents compared: {found.wrong_vectors} wrong")
    if not found.is_right:
        show.error("clear it with 'memory-cli cache clear'")
        raise typer.Exit(1)
