"""This module is `memory-cli redact`."""

import sys
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of, opening
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import secret_scan
from memory_mcp.storage.secret_scan import Tainted


def redact(
    context: typer.Context,
    scan: Annotated[bool, typer.Option("--scan", help="Look for secrets in the whole store, of all projects.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Scan, and replace what is found, for good.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: show.Json = False,
) -> None:
    """Replace the secrets of a text on stdin; or look for those that a store holds from before.

    Whatever is recorded goes through this by itself. Exit code 1 if a scan found secrets that are still there.
    """
    if not (scan or replace):
        redactor = Redactor(opening(context).resolved().settings.redaction.emails)
        content = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        show.filtered(redactor.text(content))
        return
    with memory_of(context) as memory:
        redactor = memory.store.writer.redactor
        with show.progress() as bar:
            task = bar.add_task("records", total=None)
            found = list(secret_scan.scan(memory.store, redactor, lambda count: bar.advance(task, count)))
        replaced = 0
        if found and replace and (yes or show.confirm(f"Replace the secrets in {len(found)} records?", on_stderr=True)):
            replaced = secret_scan.replace(memory.store, redactor, found)
    if json:
        show.as_json({"tainted": found, "replaced": replaced})
    else:
        _shown(found, replaced)
    if len(found) > replaced:
        raise typer.Exit(1)


def _shown(found: list[Tainted], replaced: int) -> None:
    if not found:
        show.line("No secret of a known shape is stored.")
        return
    rows = (
        (each.kind, each.id, each.project, ", ".join(f"{name} ×{count}" for name, count in each.secrets.items()))
        for each in found
    )
    show.table("Secrets in the store", ("kind", "id", "project", "secrets"), rows)
    if replaced:
        show.line(
            f"{replaced} records were cleaned. The freed pages of the file may hold old bytes until it is vacuumed."
        )
    else:
        show.line("'memory-cli redact --replace' replaces them; change the secrets themselves too.")
