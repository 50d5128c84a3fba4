"""This module is `memory-cli project`."""

from shlex import quote
from typing import Annotated, Any

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import memory_of, opening
from memory_mcp.episodes.projects import ProjectView
from memory_mcp.memory import Memory
from memory_mcp.models.identities import on_one_line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The wall between memories: what belongs to which project, and the layers of branches.",
)

Branch = Annotated[str, typer.Argument(help="The branch's name.")]
Name = Annotated[str, typer.Argument(help="The project's name.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("show")
def show_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The project's name; default: the one of this directory.")] = "",
    json: show.Json = False,
) -> None:
    """Show the project of this directory: what it owns, what it looks like, work tree, branch, layer and records."""
    with memory_of(context) as memory:
        view = memory.projects.show(name)
        found = {"project": view.name, **(_here(memory) if not name else {"records": {"records": view.records}})}
        notices = [] if name else memory.projects.notices()
    found |= {"paths": view.paths, "remotes": view.remotes, "roots": view.roots}
    found |= {"inside": view.inside, "looks_like": view.looks_like, "notices": notices}
    if json:
        show.as_json(found)
        return
    for heading, value in found.items():
        if heading != "notices":
            show.line(f"{heading:<11}{_shown(value)}")
    for notice in notices:
        show.line(notice)


def _here(memory: Memory) -> dict[str, Any]:
    wall, tree = memory.store.wall, memory.tree
    return {
        "layer": wall.project if wall.base_key is not None else None,
        "work_tree": str(tree.root) if tree else None,
        "branch": tree.branch if tree else None,
        "commit": tree.commit if tree else None,
        "records": memory.store.project_counts(),
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {kind}" for kind, count in value.items())
    return ", ".join(value) if isinstance(value, list) and value else value or "none"


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """List all projects with what they own, and the layers of this directory's project."""
    with memory_of(context) as memory:
        views = memory.projects.list()
        layers = [(each, memory.layers.is_merged(each)) for each in memory.layers.list()]
        here = memory.project
    if json:
        told = [{"branch": each.branch, "records": each.records, "merged": merged} for each, merged in layers]
        show.as_json({"projects": [view.name for view in views], "here": here, "layers": told, "details": views})
        return
    rows = (
        (view.name, "*" if view.name == here else "", view.records, "\n".join((*view.paths, *view.remotes)), _kin(view))
        for view in views
    )
    show.table("Projects", ("name", "here", "records", "owns", "looks like"), rows)
    if layers:
        merges = {True: "merged: 'project fold --merged' folds it in", False: "no", None: "cannot be told"}
        told_layers = ((each.branch, each.records, merges[merged]) for each, merged in layers)
        show.table(f"Layers of {here}", ("branch", "records", "merged"), told_layers)


def _kin(view: ProjectView) -> str:
    return f"inside {view.inside}" if view.inside else view.looks_like or ""


@app.command()
def rename(
    context: typer.Context,
    name: Name,
    new: Annotated[str, typer.Argument(help="Its new name.")],
    json: show.Json = False,
) -> None:
    """Give a project another name; it keeps its records and what it owns."""
    with memory_of(context) as memory:
        memory.projects.rename(name, new)
    _told({"renamed": name, "to": new}, f"{name} was renamed to {new}", json=json)


@app.command()
def merge(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The project to merge; it ceases to exist.")],
    target: Annotated[str, typer.Argument(help="The project that receives its records and what it owns.")],
    yes: Yes = False,
    json: show.Json = False,
) -> None:
    """Move all records and directories of a project into another; records that both imported are kept once."""
    with memory_of(context) as memory:
        records, there = memory.projects.show(name).records, memory.projects.show(target).records
        if not yes:
            show.confirm(
                f"Move {records} records of {name} into {target}, which has {there}? It cannot be undone.", abort=True
            )
        moved = memory.projects.merge(name, target)
    place = opening(context)
    with msgspec.structs.replace(place, flags={**place.flags, "project.name": target}).memory() as memory:
        memory.learning.follow()
    _told({"merged": name, "into": target, "records": moved}, f"{moved} records of {name} are in {target}", json=json)


@app.command()
def link(context: typer.Context, name: Name, yes: Yes = False, json: show.Json = False) -> None:
    """Make this directory part of a project; what was recorded here before stays in its former project."""
    with memory_of(context) as memory:
        view = memory.projects.show(name)
        if not yes:
            show.confirm(
                f"Let {on_one_line(str(memory.directory))} read and write the {view.records} records of {view.name}?",
                abort=True,
            )
        linked = memory.projects.link(name)
    said = f"{linked.directory} belongs to {linked.project}"
    if linked.left_behind:
        way = f"memory-cli project merge {quote(linked.before)} {quote(linked.project)}"
        said += f"; {linked.left_behind} records stay in {linked.before}: '{way}' moves them"
    _told(linked, said, json=json)


@app.command()
def unlink(context: typer.Context, yes: Yes = False, json: show.Json = False) -> None:
    """Give this directory a project of its own, and keep it there even if it looks like another."""
    with memory_of(context) as memory:
        if not yes:
            show.confirm(
                f"Let {on_one_line(str(memory.directory))} stop seeing the records of {memory.project}?", abort=True
            )
        linked = memory.projects.unlink()
    said = f"{linked.directory} belongs to {linked.project}; {linked.left_behind} records stay in {linked.before}"
    _told(linked, said, json=json)


@app.command()
def trust(context: typer.Context, yes: Yes = False, json: show.Json = False) -> None:
    """Trust the project name in this directory's memory-cli.toml; a changed name must be trusted again."""
    with memory_of(context) as memory:
        shown = memory.projects.trustable()
        if not yes:
            show.confirm(
                f"memory-cli.toml in {on_one_line(shown.directory)} names project {shown.name}, which has "
                f"{shown.records} records. "
                "Let this directory read and write them?",
                abort=True,
            )
        trusted = memory.projects.trust()
    said = f"{trusted.directory} belongs to project {trusted.name}"
    if trusted.before != trusted.name:
        said += f"; what was recorded here before stays in {trusted.before}"
    _told(trusted, said, json=json)


def _told(value: Any, sentence: str, *, json: bool) -> None:
    if json:
        show.as_json(value)
    else:
        show.line(sentence)


@app.command()
def layer(
    context: typer.Context,
    branch: Annotated[str, typer.Argument(help="The branch; default: the one checked out here.")] = "",
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
    yes: Yes = False,
) -> None:
    """Erase a layer with everything in it."""
    with memory_of(context) as memory:
        if not yes:
            show.confirm(f"Erase everything that was recorded on {branch} for good?", abort=True)
        dropped = memory.layers.drop(branch)
    show.line(f"{branch}: {dropped} records erased")
