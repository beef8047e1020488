"""`jaxrig images list|export|import`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from harness.cli.words import saying, show

Command = Callable[[argparse.Namespace, TextIO, TextIO], int]


def add(
    images: argparse.ArgumentParser, options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """`options`: those that every command has."""
    commands = images.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        options(sub)
        sub.set_defaults(command=command)
        return sub

    add("list", list_, "list the images that jaxrig built and the engine holds")
    export_ = add("export", export, "save an image to a file, to bring it back some day")
    export_.add_argument("image", help="its digest, or how that begins, or its tag")
    export_.add_argument("file", type=Path, help="an existing file is refused")
    import_ = add("import", take_in, "bring an image back from a file")
    import_.add_argument("file", type=Path)
    import_.add_argument(
        "--digest", metavar="DIGEST", help="what it must be (or begin with), or it is refused"
    )


def list_(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.images import images_view
    from harness.runner.images import held

    show(images_view(held()), arguments, out)
    return 0


def export(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.runner.images import save

    digest = save(arguments.image, arguments.file)
    saying(err)(f"{digest} is in {arguments.file}")
    return 0


def take_in(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.runner.images import load

    digest = load(arguments.file, arguments.digest)
    saying(err)(f"{digest} is back: `jaxrig ab` takes it as a side, by its digest")
    return 0
