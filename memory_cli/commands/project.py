"""This module is `memory-cli project`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The wall between memories, and the layers of branches."
)

Branch = Annotated[str, typer.Argument(help="The branch's name.")]


@app.command("show")
def show_(context: typer.Context, json: show.Json = False) -> None:
    """Show the project of this directory: its name, work tree, branch, layer and records."""
    with memory_of(context) as memory:
        wall, tree = memory.store.wall, memory.tree
        found = {
            "project": memory.project,
            "layer": wall.project if wall.base_key is not None else None,
            "work_tree": str(tree.root) if tree else None,
            "branch": tree.branch if tree else None,
            "commit": tree.commit if tree else None,
            "records": memory.store.project_counts(),
        }
    if json:
        show.as_json(found)
        return
    for name, value in found.items():
        shown = ", ".join(f"{count} {kind}" for kind, count in value.items()) if isinstance(value, dict) else value
        show.line(f"{name:<10}{shown or 'none'}")


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """List every project of the memory, and the layers of this one."""
    with memory_of(context) as memory:
        projects = memory.store.projects()
        layers = [(each, memory.layers.is_merged(each)) for each in memory.layers.list()]
        here = memory.project
    if json:
        told = [{"branch": each.branch, "records": each.records, "merged": merged} for each, merged in layers]
        show.as_json({"projects": projects, "here": here, "layers": told})
        return
    show.table("Projects", ("name", "here"), ((name, "*" if name == here else "") for name in projects))
    if layers:
        merges = {True: "merged: 'project fold --merged' folds it in", False: "no", None: "cannot be told"}
        rows = ((each.branch, each.records, merges[merged]) for each, merged in layers)
        show.table(f"Layers of {here}", ("branch", "records", "merged"), rows)


@app.command()
def layer(
    context: typer.Context, branch: Annotated[str, typer.Argument(help="Without, the one checked out here.")] = ""
) -> None:
    """Give a branch a layer of its own: what is recorded on it stays there until it is folded in.

    On the branch the project's records are seen too; elsewhere those of the layer are not. Processes see the layer from
    their start on. When the branch is merged, a server or the hooks fold it in by themselves.
    """
    with memory_of(context) as memory:
        made = memory.layers.begin(branch)
        project = memory.store.wall.base or memory.project
    show.line(f"what is recorded on {made.branch} goes into {project}@{made.branch} from now on")


@app.command()
def fold(
    context: typer.Context,
    branch: Annotated[str, typer.Argument(help="The branch; or give --merged.")] = "",
    merged: Annotated[bool, typer.Option("--merged", help="Every layer whose branch is merged here.")] = False,
) -> None:
    """Move a layer's records into its project; what both imported from one source stays once."""
    if bool(branch) == merged:
        raise typer.BadParameter("give a branch, or --merged")
    with memory_of(context) as memory:
        folded = memory.layers.fold_merged() if merged else {branch: memory.layers.fold(branch)}
        memory.learning.follow()
    for name, count in folded.items():
        show.line(f"{name}: {count} records folded in")
    if not folded:
        show.line("no layer's branch is merged into what is checked out here")


@app.command()
def drop(
    context: typer.Context,
    branch: Branch,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase a layer with everything in it."""
    with memory_of(context) as memory:
        if not yes:
            show.confirm(f"Erase everything that was recorded on {branch} for good?", abort=True)
        dropped = memory.layers.drop(branch)
    show.line(f"{branch}: {dropped} records erased")
