"""This module is `memory-cli rule`."""

from typing import Annotated, Literal

import typer

from memory_cli import show
from memory_cli.clients import files
from memory_cli.opening import memory_of
from memory_cli.rule_files import MOST_LINES, path_of, with_rules
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.rules import Rule, RuleAction, RuleState
from memory_mcp.telling.rules import OPEN

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="What you want in every session: found in your prompts, told to agents once you accept it.",
)

Id = Annotated[str, typer.Argument(help="The rule's id; 'rule list' shows it.")]
Shown = Literal["open", "proposed", "accepted", "rejected", "all"]
_STATES: dict[Shown, tuple[RuleState, ...]] = {
    "open": OPEN,
    "proposed": ("proposed",),
    "accepted": ("accepted",),
    "rejected": ("rejected",),
    "all": ("accepted", "proposed", "rejected"),
}
_FAR = float("inf")


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[Shown, typer.Option(help="open: accepted and proposed.")] = "open",
    json: show.Json = False,
) -> None:
    """List rules with how often you said so, accepted ones first."""
    with memory_of(context) as memory:
        memory.decisions.catch_up(_FAR)
        rules, damaged = memory.rules.list(_STATES[state])
        short = memory.store.ids.shorten(rule.id for rule in rules)
        project = memory.project
    rules = sorted(rules, key=lambda rule: rule.state)
    if json:
        show.as_json({"rules": rules, "damaged": damaged})
        return
    if rules:
        show.table(
            f"Rules of {project}",
            ("id", "state", "said", "checked", "rule"),
            (
                (short[rule.id], rule.state, f"{rule.count}×" if rule.quotes else "added", _checked(rule), rule.text)
                for rule in rules
            ),
        )
    else:
        show.line(f"No such rules in project {project}. Add one with 'memory-cli rule add TEXT'.")
    if damaged:
        show.line(f"{damaged} damaged ones were left out; 'memory-cli doctor' names them.")


@app.command()
def view(context: typer.Context, rule_id: Id, json: show.Json = False) -> None:
    """Show a rule with the words that it comes from."""
    with memory_of(context) as memory:
        rule = memory.rules.get(memory.store.ids.full(rule_id))
    if json:
        show.as_json(rule)
        return
    show.line(rule.text)
    show.line(f"{rule.id}  {rule.state}  {_checked(rule) or 'no program can check it'}")
    for quote in rule.quotes:
        show.line(f"  {show.day(quote.said_at)}  {quote.source_id}  {quote.text}")


@app.command()
def add(context: typer.Context, text: Annotated[str, typer.Argument(help="The rule, in a sentence.")]) -> None:
    """Add a rule of your own, accepted at once, and print its id."""
    with memory_of(context) as memory:
        rule, _ = memory.rules.add(text)
    show.line(rule.id)


@app.command()
def accept(
    context: typer.Context,
    rule_id: Id,
    on_breach: Annotated[
        RuleAction | None,
        typer.Option(help="Where a program can check it: warn the agent, let the client ask you, or deny the call."),
    ] = None,
) -> None:
    """Accept a rule: it stands in every briefing, and the client asks you before a call that breaks it."""
    with memory_of(context) as memory:
        rule_id = memory.store.ids.full(rule_id)
        receipt = memory.rules.accept(rule_id, on_breach)
        rule = memory.rules.get(rule_id)
    show.line(f"accepted, sequence {receipt.sequence}; {_checked(rule) or 'no program can check it'}")


@app.command()
def reject(context: typer.Context, rule_id: Id) -> None:
    """Reject a rule: it is never told, nor proposed again."""
    with memory_of(context) as memory:
        receipt = memory.rules.reject(memory.store.ids.full(rule_id))
    show.line(f"rejected, sequence {receipt.sequence}")


@app.command()
def delete(
    context: typer.Context,
    rule_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase a rule; it is proposed again if you say so again."""
    with memory_of(context) as memory:
        rule_id = memory.store.ids.full(rule_id)
        rule = memory.rules.get(rule_id)
        if not yes:
            show.confirm(f"Erase '{show.first_line(rule.text, 60)}' for good?", abort=True)
        receipt = memory.rules.delete(rule_id)
    show.line(f"deleted, sequence {receipt.sequence}")


@app.command()
def write(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="AGENTS.md, CLAUDE.md, SKILL, or another Markdown file of the project.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Write the accepted rules into a file that agents read, between our marks; the difference is shown first."""
    with memory_of(context) as memory:
        if memory.tree is None:
            raise InvalidInputError(f"{memory.directory} is in no work tree; run this in the project's repository")
        root, clock = memory.tree.root, memory.clock
        accepted, _ = memory.rules.list(("accepted",))
    path = path_of(file, root)
    before = files.read(path, root)
    text = with_rules(before, accepted, is_skill=path.name == "SKILL.md")
    planned = files.replace(path, text, root, dry_run=True, clock=clock)
    if planned.diff:
        show.line(planned.diff)
    if not planned.diff or dry_run:
        show.line(f"{path}: {planned.what}")
    elif yes or show.confirm(f"Write {path}?", abort=False):
        done = files.replace(path, text, root, dry_run=False, clock=clock, keep=False)
        show.line(f"{path}: {done.what}")
    if len(accepted) > MOST_LINES:
        over = len(accepted) - MOST_LINES
        show.line(f"{over} of {len(accepted)} rules do not fit into the file; reject those that matter least.")


def _checked(rule: Rule) -> str:
    if rule.check is None:
        return ""
    return f"{rule.action} on {rule.check.kind} {' '.join(rule.check.words)}"
