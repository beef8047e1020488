"""Commands of a command, as in `jaxrig db check`."""

import argparse
from collections.abc import Callable
from typing import Protocol, TextIO

Command = Callable[[argparse.Namespace, TextIO, TextIO], int]
Options = Callable[[argparse.ArgumentParser], None]


class Add(Protocol):
    def __call__(self, name: str, command: Command, text: str) -> argparse.ArgumentParser:
        """Another one; `text`: its help, and its description."""


def nested(parser: argparse.ArgumentParser, options: Options) -> Add:
    """What adds commands to `parser`. `options`: those that every command has."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        options(sub)
        sub.set_defaults(command=command)
        return sub

    return add
