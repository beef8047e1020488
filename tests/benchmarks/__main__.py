"""`make bench`: what jaxrig itself costs. One JSON object a line; exits 0 whatever they say, and 1
where a benchmark broke."""

import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from containers.docker_engine import connect
from tests.benchmarks import (
    blas,
    exchange,
    flax_ratio,
    images,
    loop,
    queries,
    serving,
    site,
    spread,
    startup,
    suite,
    triad,
)
from tests.benchmarks.report import Figure
from tests.command import Jaxrig

Figures = Callable[[], Iterable[Figure]]


def main() -> int:
    """Runs every benchmark, the quick ones first; one that breaks keeps none of the others from
    being run. Whether none broke, as an exit status."""
    client = connect()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = suite.warm_up(Jaxrig(folder=folder))
        benchmarks: tuple[Figures, ...] = (
            lambda: startup.answers(folder),
            lambda: images.checks(folder, client),
            lambda: exchange.figures(folder),
            lambda: queries.figures(folder),
            lambda: site.figures(folder),
            lambda: serving.figures(folder),
            lambda: [loop.distance(client, image)],
            lambda: [blas.share(client, image)],
            flax_ratio.ratios,
            lambda: [triad.against_c(folder)],
            spread.spreads,
            lambda: [suite.overhead(folder, client)],
        )
        broken = [each for each in benchmarks if not _printed(each)]
    client.close()
    return 1 if broken else 0


def _printed(figures: Figures) -> bool:
    try:
        for figure in figures():
            figure.print()
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
