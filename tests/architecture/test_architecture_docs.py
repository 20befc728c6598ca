"""The documents are complete: every command, option and setting stands in the reference; every link leads somewhere."""

import re
from pathlib import Path

import click
import pytest

from handbill.kit.settings import setting_names
from handbill.ops.cli import cli
from handbill.ops.commands import day, delivery, imports, inspect, lists, newsroom, people

ROOT = Path(__file__).parent.parent.parent
COMMANDS = (ROOT / "docs/reference/commands.md").read_text()
SETTINGS = (ROOT / "docs/reference/settings.md").read_text()
EVERYWHERE = {"--home", "--json", "--help", "-h", "--version"}
LOADED = (day, delivery, imports, inspect, lists, newsroom, people)


def leaves(group: click.Group, path: str = "handbill") -> list[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    found = []
    for name, command in group.commands.items():
        full = f"{path} {name}"
        found += leaves(command, full) if isinstance(command, click.Group) else [(full, command)]
    return found


def rows(name: str) -> str:
    """The lines of the reference that speak of a command."""
    return "\n".join(line for line in COMMANDS.splitlines() if f"`{name}" in line)


def test_the_commands_of_the_day_are_there():
    assert {"handbill fetch", "handbill import opml", "handbill demo"} <= {name for name, _ in leaves(cli)}


@pytest.mark.parametrize(("name", "command"), leaves(cli), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_stands_in_the_reference_with_its_options(name, command):
    text = rows(name)
    assert text, f"{name} is missing from docs/reference/commands.md"
    for parameter in command.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option in EVERYWHERE or option in text, f"{name} {option} is missing"


@pytest.mark.parametrize(("name", "command"), leaves(cli), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_speaks_json_and_takes_a_folder(name, command):
    assert {"--json", "--home"} <= {option for parameter in command.params for option in parameter.opts}
    assert command.help


@pytest.mark.parametrize("name", setting_names())
def test_a_setting_stands_in_the_reference_and_in_the_sample(name):
    assert f"| `{name}` |" in SETTINGS
    sample = (ROOT / "handbill/ops/handbill.toml").read_text()
    assert re.search(rf"^(\[\[)?{name}\b", sample, re.MULTILINE)


def test_no_setting_in_the_reference_is_gone():
    table = SETTINGS.split("## Relays")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == set(setting_names())


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith(("http", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_decisions_are_numbered_once_and_whole():
    pages = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}. ")
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Status", "Consequences")), page.name


def test_every_decision_stands_in_their_list():
    listed = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \|$", (ROOT / "docs/adr/README.md").read_text(), re.MULTILINE)
    heads = [(path.name[:4], path.open().readline(), path.name) for path in sorted((ROOT / "docs/adr").glob("0*.md"))]
    assert [(number, f"# {number}. {title}\n", name) for number, title, name in listed] == heads
