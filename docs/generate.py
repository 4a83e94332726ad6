"""Write the reference pages from the code: `python docs/generate.py`, or `--check` to compare.

docs/cli.md from the commands' own help, docs/settings.md from the table of settings,
docs/hooks.md from the hook specifications, and the table of fields in docs/filters.md.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from execmeta.cli.main import main
from execmeta.filters.fields import FIELDS
from execmeta.hooks import specs
from execmeta.model.attributes import ATTRIBUTE_NAMESPACES
from execmeta.settings import SETTINGS

HERE = Path(__file__).parent
HELP_WIDTH = 90
MARKS = ("<!-- fields: written by docs/generate.py -->", "<!-- end of fields -->")

CLI_INTRO = """\
# Command line

Written by `docs/generate.py` from the commands' own help; `-h` shows it too.

**References.** `REF` is an execution's id (a UUID, or its 32 hex digits), an ending of the id of at
least 6 hex digits, an external id, or `latest`: the newest session, command or DAG run, or whatever
else has no parent. Tables show the last 12 digits. When several executions fit, the command lists
them and exits with 2.

**Output.** `-o table` is for people: it fits the terminal, and a pipe gets it uncut and without
colours (`NO_COLOR` switches them off everywhere). For programs there is `-o json` (one document),
`ndjson` (one execution per line), `csv` and `ids`. What a list leaves out is said on stderr, so
stdout stays as it is. Control, bidi and invisible characters are shown as escapes, never sent to
the terminal; JSON keeps their value. A CSV cell that a spreadsheet would take for a formula begins
with `'`.

**Fresh.** A command that reads first delivers what is recorded and not stored yet, for at most a
second; a running session is visible while it runs.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | nothing found where something was asked for: an unknown id, `--fail-empty` |
| 2 | wrong option, pair or filter, an ambiguous reference |
| 3 | the store cannot be reached, is damaged or of another release; events stay in the spool |
| 130 | interrupted by Ctrl-C |
| 141 | the reader of the output went away, such as `head` |

`execmeta run` ends with the code of its command, 128 + number when a signal ended it; 125 when the
command could not be started, 126 when it is not executable, 127 when it is not found.

**Completion.** `eval "$(execmeta completion bash)"` in `~/.bashrc` (or `zsh` in `~/.zshrc`)
completes commands, options and their values; for fish:
`execmeta completion fish > ~/.config/fish/completions/execmeta.fish`.
"""

SETTINGS_INTRO = """\
# Settings

Written by `docs/generate.py` from the table in `execmeta.settings`.

A value is taken from the first of: an argument (such as `--store`), the environment, the table
`[tool.execmeta]` of the nearest `pyproject.toml` upward from the working directory, the user's
`execmeta/config.toml` (in `$XDG_CONFIG_HOME`, else `~/.config`; on macOS
`~/Library/Application Support`), the default. `execmeta doctor` shows which ones are in force and
where each comes from.

```toml
# pyproject.toml
[tool.execmeta]
store = "sqlite:///runs.db"

[tool.execmeta.meta]
team = "search"

[tool.execmeta.redact]
allow = ["token_count"]
```

In the user's file the keys stand without `tool.execmeta`. Lists are separated by commas in the
environment. A wrong value stops a command that reads; where something is recorded it is passed over
with a warning, and the work goes on.
"""

SETTINGS_END = """\

Beside the settings the environment may hold:

| variable | meaning |
|---|---|
| `EXECMETA_META_<KEY>` | metadata of all that is recorded; `EXECMETA_META_FOO_BAR=x`: `foo_bar=x` |
| `EXECMETA_META` | the same as a JSON object, for keys that a variable's name cannot spell |
| `EXECMETA_CONTEXT` | the execution above, set by execmeta for the processes that it starts |
| `NO_COLOR` | no colours in tables |
"""


def cli_page() -> str:
    """Every command with its help, in the order of `execmeta --help`."""
    parts = [CLI_INTRO]
    for names, command, context in commands():
        title = " ".join(["execmeta", *names])
        parts.append(f"## {title}\n\n```text\n{command.get_help(context).strip()}\n```\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[list[str], click.Command, click.Context]]:
    """(names below `execmeta`, command, a context to ask for its help)."""
    top = click.Context(
        main,
        info_name="execmeta",
        help_option_names=["-h", "--help"],
        max_content_width=HELP_WIDTH,
        terminal_width=HELP_WIDTH,
    )
    waiting: list[tuple[list[str], click.Command, click.Context]] = [([], main, top)]
    while waiting:
        names, command, context = waiting.pop(0)
        yield names, command, context
        if isinstance(command, click.Group):
            below = []
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                if found is not None:
                    inner = click.Context(found, info_name=name, parent=context)
                    below.append(([*names, name], found, inner))
            waiting = [*below, *waiting]


def settings_page() -> str:
    """Every setting with its variable, type and default."""
    rows = [
        f"| `{each.key}` | {f'`{each.env}`' if each.env else ''} | {each.type} | {each.default} "
        f"| {each.doc} |"
        for each in SETTINGS
    ]
    head = "\n| key | environment | type | default | meaning |\n|---|---|---|---|---|\n"
    return SETTINGS_INTRO + head + "\n".join(rows) + "\n" + SETTINGS_END


def hooks() -> dict[str, Any]:
    """Name to specification of every hook."""
    return {
        name: function
        for name, function in vars(specs).items()
        if name.startswith("execmeta_") and hasattr(function, "execmeta_spec")
    }


def signature(function: Any) -> str:
    """`execmeta_redact(key: str, value: Json) -> Json`, as the source spells it."""
    return f"{function.__name__}{inspect.signature(function)}".replace("'", "")


def hooks_page() -> str:
    """Every hook with its signature, its specification and an example."""
    parts = ["# Hooks\n\nWritten by `docs/generate.py` from `execmeta.hooks.specs`.\n"]
    parts.append(_prose(inspect.cleandoc(specs.__doc__ or "")))
    for name, function in hooks().items():
        first = " The first answer that is not None counts." if _first(function) else ""
        parts.append(f"## {name}\n\n```python\n{signature(function)}\n```\n")
        parts.append(
            _prose(inspect.cleandoc(function.__doc__ or "")) + (first and f"\n{first.strip()}\n")
        )
    return "\n".join(parts)


def _first(function: Any) -> bool:
    return bool(function.execmeta_spec.get("firstresult"))


def _prose(text: str) -> str:
    """A docstring as Markdown: its sections as lists and sentences, code in fences."""
    blocks: list[str] = []
    for block in text.split("\n\n"):
        # Indented blocks that follow each other are one piece of code.
        if block.startswith("    ") and blocks and blocks[-1].startswith("    "):
            blocks[-1] += f"\n\n{block}"
        else:
            blocks.append(block)
    parts: list[str] = []
    for block in blocks:
        section = re.match(r"(Args|Returns|Example):\n", block)
        body = textwrap.dedent(block[section.end() :] if section else block)
        if section is None:
            parts.append(_fenced(body) if block.startswith("    ") else block)
        elif section[1] == "Example":
            parts.append(_fenced(body))
        elif section[1] == "Args":
            items = re.sub(r"^(\w+): ", r"- `\1`: ", body, flags=re.MULTILINE)
            parts.append(items.replace("\n    ", "\n  "))
        else:
            parts.append(f"Returns: {body}")
    return "\n\n".join(parts) + "\n"


def _fenced(code: str) -> str:
    if code.startswith("["):
        return f"```toml\n{code.rstrip()}\n```"
    # Two lines, as the formatter has it, which reads the fences of Markdown too.
    spaced = re.sub(r"\n\n(?=@|def |class )", "\n\n\n", code)
    return f"```python\n{spaced.rstrip()}\n```"


def filters_page(page: str) -> str:
    """`page` with its table of fields renewed."""
    rows = ["| name | what it is | example |", "|---|---|---|"]
    for each in FIELDS:
        names = ", ".join(f"`{name}`" for name in (each.name, *each.aliases))
        rows.append(f"| {names} | {each.description} | `{each.example}` |")
    namespaces = ", ".join(f"`{name}.`" for name in sorted(ATTRIBUTE_NAMESPACES))
    rows.append(f"| {namespaces} | What the tools know by themselves. | `git.branch=main` |")
    begin, end = (page.index(mark) for mark in MARKS)
    return f"{page[: begin + len(MARKS[0])]}\n\n" + "\n".join(rows) + f"\n\n{page[end:]}"


def pages() -> dict[Path, str]:
    """File to the text that it should have."""
    filters = HERE / "filters.md"
    return {
        HERE / "cli.md": cli_page(),
        HERE / "settings.md": settings_page(),
        HERE / "hooks.md": hooks_page(),
        filters: filters_page(filters.read_text(encoding="utf-8")),
    }


def outdated() -> list[str]:
    """Names of the pages that are not as the code says."""
    return [
        path.name
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        if names := outdated():
            sys.exit(f"Not as the code says: {', '.join(names)}. Run python docs/generate.py")
    else:
        for path, text in pages().items():
            path.write_text(text, encoding="utf-8")
