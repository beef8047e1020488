"""`jaxrig images list|sbom|export|import|rebuild|prune`."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from harness.cli.nested import Options, nested
from harness.cli.words import positive, saying, show
from harness.report.writing import STDOUT, put

if TYPE_CHECKING:
    from harness.config import Settings


def add(images: argparse.ArgumentParser, options: Options) -> None:
    """`options`: those that every command has."""
    add = nested(images, options)
    add("list", list_, "list the images that jaxrig built and the engine holds")
    sbom_ = add("sbom", sbom, "say what is in an image, as an SBOM in CycloneDX's JSON")
    sbom_.add_argument("image", help="its digest, or how that begins")
    sbom_.add_argument(
        "--out",
        type=Path,
        default=STDOUT,
        metavar="FILE",
        help="instead of stdout; one that is there is replaced",
    )
    export_ = add("export", export, "save an image to a file, to bring it back some day")
    export_.add_argument("image", help="its digest, or how that begins, or its tag")
    export_.add_argument("file", type=Path, help="an existing file is refused")
    import_ = add("import", take_in, "bring an image back from a file")
    import_.add_argument("file", type=Path)
    import_.add_argument(
        "--digest",
        type=_digest,
        metavar="DIGEST",
        help="what it must be (or begin with), or it is refused",
    )
    text = "build an image's target anew; exit 1 where other packages come of it"
    add("rebuild", rebuild, text).add_argument("image", help="its digest, or how that begins")
    prune_ = add("prune", prune, "remove old images that jaxrig built; no anchor, no pinned one")
    prune_.add_argument("--target", help="only its images")
    prune_.add_argument(
        "--keep",
        type=positive,
        default=1,
        metavar="N",
        help="the newest N of each target stay (default: 1)",
    )
    prune_.add_argument("--dry-run", action="store_true", help="only say what would go")


def _digest(text: str) -> str:
    """An empty one (of a variable that nobody set) would take any image."""
    if re.fullmatch(r"(sha256:)?[0-9a-f]{1,64}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no digest, nor how one begins")
    return text


def list_(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.report.images import images_view
    from harness.runner.images import held

    show(images_view(held()), arguments, out)
    return 0


def sbom(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness import __version__
    from harness.report.sbom import sbom
    from harness.store.reader import Reader

    with Reader(arguments.db) as reader:
        contents = reader.contents(arguments.image)
    put(sbom(contents, __version__), arguments.out, out)
    return 0


def export(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.runner.images import save

    digest = save(arguments.image, arguments.file)
    saying(err)(f"{digest} is in {arguments.file}")
    return 0


def take_in(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.runner.images import load

    digest = load(arguments.file, arguments.digest)
    say = saying(err)
    say(f"{digest} is back: `jaxrig ab` takes it as a side, by its digest")
    if arguments.digest is not None and arguments.digest.removeprefix("sha256:") not in digest:
        say(f"it is {arguments.digest}, which this engine knows by the digest above")
    return 0


def rebuild(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.report.images import rebuilt_view
    from harness.runner.rebuilding import rebuild

    say = saying(err)
    done = rebuild(arguments.image, load(Path.cwd()), say)
    show(rebuilt_view(done.changed, done.before, done.after), arguments, out)
    say(f"of {len(done.before)} package(s) in the image, {len(done.changed)} changed")
    return 1 if done.changed else 0


def prune(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    from harness.config import load
    from harness.report import quantity
    from harness.report.images import images_view
    from harness.runner.images import remove, surplus

    say, settings = saying(err), load(Path.cwd())
    pinned = _pinned(arguments.db, settings)
    found = surplus(arguments.target, arguments.keep, pinned, settings)
    if arguments.dry_run:
        show(images_view(found), arguments, out)
        say(f"{len(found)} image(s) would go; what they share with others is in each one's size")
        return 0
    pruned = remove(found)
    show(images_view(pruned.gone), arguments, out)
    for image in pruned.in_use:
        say(f"{image.tag} stays: a container uses it")
    freed = "" if pruned.freed_bytes is None else f", {quantity.size(pruned.freed_bytes)} freed"
    say(f"{len(pruned.gone)} image(s) removed{freed}")
    return 0


def _pinned(db: str, settings: "Settings") -> frozenset[str]:
    """Anchors, and what jaxrig.toml names. Raises `DatabaseFailure` where there is no database:
    an anchor that went could not be built again."""
    from harness.store.reader import Reader

    with Reader(db) as reader:
        anchors = reader.anchored()
    named = {name for each in settings.targets.values() for name in (each.base, each.image)}
    return anchors | {name for name in named if name is not None}
