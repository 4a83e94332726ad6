"""Everything a user can say is documented: commands, options, settings, hooks, filters, pytest."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from execmeta.cli.main import COMMANDS, main
from execmeta.filters.binder import bind_query
from execmeta.filters.fields import FIELDS
from execmeta.filters.nodes import KEYWORDS, OPERATORS
from execmeta.model.attributes import ATTRIBUTE_NAMESPACES
from execmeta.model.ids import new_id
from execmeta.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(
    group: click.Group = main, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*above, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


def test_generated_pages_are_as_the_code_says(generate: ModuleType) -> None:
    assert generate.outdated() == [], "run python docs/generate.py"


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_has_a_section_and_an_example(name: str, command: click.Command) -> None:
    assert f"\n## execmeta {name}\n" in page("cli.md")
    assert command.help is not None
    _, examples = re.split(r"\n *Examples?:\n", command.help)
    assert re.search(rf"\bexecmeta {name.split()[0]} ?", examples)


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_option_is_documented_with_a_help_text(name: str, command: click.Command) -> None:
    section = page("cli.md").split(f"\n## execmeta {name}\n")[1].split("\n## ")[0]

    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            for spelling in parameter.opts:
                assert re.search(rf"(?<![\w-]){spelling}\b", section), spelling


def test_the_summaries_of_the_overview_are_the_commands_own() -> None:
    own = {
        name: (command.help or "").split("\n")[0] for name, command in commands() if " " not in name
    }

    assert own == COMMANDS


@pytest.mark.parametrize("code", [0, 1, 2, 3, 125, 126, 127, 128, 130, 141])
def test_every_exit_code_is_documented(code: int) -> None:
    assert re.search(rf"\b{code}\b", page("cli.md").split("\n## ")[0])


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_documented(setting: object) -> None:
    text = page("settings.md")

    assert f"| `{setting.key}` |" in text  # type: ignore[attr-defined]
    assert f"`{setting.env}`" in text  # type: ignore[attr-defined]


def test_every_environment_variable_in_the_code_is_documented() -> None:
    found = {
        name
        for source in ("core", "plugins")
        for path in (ROOT / source).rglob("*.py")
        for name in re.findall(r'"(EXECMETA_[A-Z_]+)', path.read_text(encoding="utf-8"))
    }

    assert {"EXECMETA_STORE", "EXECMETA_META_"} <= found
    text = page("settings.md")
    assert {
        name for name in found if f"`{name}" not in text and not name.startswith("EXECMETA_META_")
    } == set()


def test_every_hook_is_documented_with_its_signature(generate: ModuleType) -> None:
    assert len(generate.hooks()) >= 6
    for name, function in generate.hooks().items():
        parameters = list(inspect.signature(function).parameters)
        section = page("hooks.md").split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert f"\n{generate.signature(function)}\n" in section
        for parameter in parameters:
            assert f"- `{parameter}`: " in section
        assert "Returns: " in section
        assert "@hookimpl\n" in section


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_filter_field_is_documented(field: object) -> None:
    for name in (field.name, *field.aliases):  # type: ignore[attr-defined]
        assert f"`{name}`" in page("filters.md")


def test_every_operator_keyword_and_namespace_is_documented() -> None:
    text = page("filters.md")
    table = text.split("## Comparisons")[1].split("\n\n`and`")[0]

    assert [operator for operator in OPERATORS if f"`{operator}`" not in table] == []
    assert [word for word in KEYWORDS if not re.search(rf"\b{word}\b", text)] == []
    assert [name for name in ATTRIBUTE_NAMESPACES if f"`{name}.`" not in text] == []


def filters() -> list[str]:
    """Lines of the fences `filter`, and what stands in the tables as an example."""
    text = page("filters.md")
    fenced = re.findall(r"^```filter\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in fenced for line in block.splitlines()]
    return lines + re.findall(r"\| `([^`|]+)` \|$", text, re.MULTILINE)


@pytest.mark.parametrize("text", filters())
def test_every_filter_of_the_page_can_be_read(text: str) -> None:
    assert bind_query(text, resolver=lambda ending: new_id()).text


def typed() -> list[str]:
    """What the pages show behind a `$`, of execmeta."""
    found = []
    for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))):
        for line in re.findall(r"^\$ (?:\w+=\S+ )*(execmeta .*)$", path.read_text(), re.MULTILINE):
            found.append(line.split("|")[0].strip() if " | " in line else line)
    for _, command in commands():
        examples = re.split(r"\n *Examples?:\n", command.help or "")[1]
        for line in examples.splitlines():
            if line.strip().startswith("execmeta "):
                found.append(line.split(" > ")[0].strip())
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("line", typed())
def test_every_command_that_is_shown_is_one(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = main
    context = main.make_context("execmeta", list(words))
    rest = list(words)
    while isinstance(command, click.Group):
        assert rest, line
        name, rest = rest[0], rest[1:]
        inner = command.get_command(context, name)
        assert inner is not None, f"{line}: there is no {name}"
        command = inner

    if {"--help", "-h"} & set(rest):
        return
    assert command.make_context(command.name, rest, parent=context) is not None


class Parser:
    """Collects what a pytest plug-in declares."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.ini: list[str] = []

    def getgroup(self, name: str, description: str = "") -> Parser:
        return self

    def addoption(self, *names: str, **details: object) -> None:
        assert details.get("help"), names
        self.options += names

    def addini(self, name: str, help: str, **details: object) -> None:
        assert help
        self.ini.append(name)


def test_everything_of_the_pytest_plug_in_is_documented() -> None:
    from pytest_execmeta import plugin

    parser = Parser()
    plugin.pytest_addoption(parser)  # type: ignore[arg-type]
    text = page("pytest.md")

    assert {"--exec-meta", "--no-exec-meta"} <= set(parser.options)
    for name in (*parser.options, *parser.ini):
        assert re.search(rf"\| `{name}[ `]", text), name
    assert f"marker `{plugin.MARKER_HELP.partition('(')[0]}(" in text
    fixtures = [name for name in vars(plugin) if name.startswith("exec_")]
    assert fixtures
    for name in fixtures:
        assert f"fixture `{name}`" in text
