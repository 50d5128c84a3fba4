"""This module is the entrance `memory-cli`: a hook is handled at once, everything else goes to the command line."""

import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run a hook, or the command line."""
    is_hook = sys.argv[1:2] == ["hook"] and not {"-h", "--help"} & set(sys.argv)
    try:
        if is_hook:
            _hook(sys.argv[2:])
        from memory_cli import streams  # noqa: PLC0415 - a hook must not pay for it
        from memory_cli.app import main as command_line  # noqa: PLC0415 - as above

        command_line(has_output=streams.prepare())
    except KeyboardInterrupt:  # while modules are loading; afterwards typer handles it
        os._exit(0 if is_hook else _INTERRUPTED)


def _hook(words: list[str]) -> None:
    """Handle an event and leave, without the 8 ms that taking the interpreter down costs."""
    import gc  # noqa: PLC0415 - only here

    gc.disable()  # first: importing makes much and drops little
    from memory_cli import streams  # noqa: PLC0415 - after that
    from memory_mcp.stand_ins import import_lean  # noqa: PLC0415 - as above

    has_output = streams.prepare()
    import_lean()
    from memory_mcp.hooks.entrance import answer  # noqa: PLC0415 - as above

    client, event = _asked(words)
    answer(event, os.environ, sys.stdin.buffer, sys.stdout if has_output else None, client=client)
    os._exit(0)


def _asked(words: list[str]) -> tuple[str, str]:
    """Return the client and the event that a hook is called with."""
    client, event = "", ""
    rest = iter(words)
    for word in rest:
        if word == "--client":
            client = next(rest, "")
        elif word.startswith("--client="):
            client = word.removeprefix("--client=")
        else:
            event = event or word
    return client, event


if __name__ == "__main__":
    main()
