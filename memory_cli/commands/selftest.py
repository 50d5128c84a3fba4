"""This module is `memory-cli selftest`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import opening
from memory_cli.proofs.faults import FAULTS
from memory_cli.proofs.lab import Lab, Proof, tried
from memory_cli.proofs.poison import prove_poison
from memory_cli.proofs.poison_doors import GROUPS
from memory_cli.proofs.promises import PROMISES


def selftest(
    context: typer.Context,
    faults: Annotated[
        bool, typer.Option("--faults", help="Test faults instead: damage, full disks, files that vanish.")
    ] = False,
    poison: Annotated[
        bool, typer.Option("--poison", help="Test hostile text instead: none may reach an agent as an instruction.")
    ] = False,
    json: show.Json = False,
) -> None:
    """Start real servers in a scratch directory and prove what they promise; exit code 1 if one promise fails.

    Your own memory is not touched.
    """
    proofs: list[Proof] = []
    chosen = FAULTS if faults else PROMISES
    with tempfile.TemporaryDirectory(prefix="memory-mcp-selftest-") as root, show.progress() as bar:
        lab = Lab(Path(root), opening(context).environ)
        task = bar.add_task("proofs", total=len(GROUPS) if poison else len(chosen))
        if poison:
            proofs = prove_poison(lab, lambda: bar.advance(task))
        for promise, prove in () if poison else chosen.items():
            proofs.append(tried(promise, prove, lab))
            bar.advance(task)
    if json:
        show.as_json(proofs)
    else:
        words = {True: "held", False: "FAILED", None: "skipped"}
        rows = ((each.promise, words[each.held], f"{each.seconds:.1f}", each.detail) for each in proofs)
        show.table("Self-test", ("promise", "result", "s", "seen"), rows)
    if any(each.held is False for each in proofs):
        raise typer.Exit(1)
