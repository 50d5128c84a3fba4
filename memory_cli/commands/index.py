"""This module is `memory-cli index`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.retrieval.rebuilding import Rebuildable, count_records, rebuild

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The keyword index and the vectors that searches rank by; they are derived from the records.",
)


@app.command()
def status(context: typer.Context, json: show.Json = False) -> None:
    """Show what the index holds, what it lacks and what is damaged; exit code 1 if anything is damaged."""
    with memory_of(context) as memory:
        faults = memory.store.index_faults()
        if any(not fault.is_partial for fault in faults):  # then nothing in it can be counted
            sizes, lag, is_rebuilding = None, None, None
        else:
            sizes, lag = memory.store.index_sizes(), memory.index.keywords.count_lag()
            is_rebuilding = memory.index.keywords.is_rebuilding()
    if json:
        show.as_json({"sizes": sizes, "not_indexed": lag, "is_rebuilding": is_rebuilding, "faults": faults})
    else:
        rows = [("damaged", f"{fault.table}: {fault.detail}") for fault in faults]
        if sizes is not None:
            rows.append(("records in the keyword index", str(sizes.keyword_entries)))
            rows += [
                (f"vectors of {each.model}", f"{each.documents} records{'' if each.complete else ', being made'}")
                for each in sizes.vectors
            ]
            rows.append(("records not indexed yet", str(lag)))
            rows.append(("being rebuilt", "yes" if is_rebuilding else "no"))
        show.table("Index", ("what", "value"), rows)
    if faults:
        show.error("mend it with 'memory-cli index rebuild'")
        raise typer.Exit(1)


@app.command(name="rebuild")
def rebuild_index(
    context: typer.Context,
    only: Annotated[
        Rebuildable | None,
        typer.Option(help="Rebuild one part instead of both; damage in the other part is still mended."),
    ] = None,
    json: show.Json = False,
) -> None:
    """Rebuild keyword index and vectors from the records; searches go on meanwhile, and Ctrl-C loses nothing."""
    with memory_of(context) as memory, show.progress() as bar:
        total = count_records(memory.store)
        tasks = {part: bar.add_task(part, total=total) for part in ("keywords", "vectors")}
        done = rebuild(
            memory.store,
            memory.index,
            memory.similarity,
            (only,) if only else ("keywords", "vectors"),
            lambda part, records: bar.advance(tasks[part], records),
        )
    if json:
        show.as_json(done)
    else:
        mended = f"; these were damaged: {', '.join(done.damaged)}" if done.damaged else ""
        show.line(f"rebuilt: {done.keywords} records in the keyword index, vectors of {done.vectors} records{mended}")
