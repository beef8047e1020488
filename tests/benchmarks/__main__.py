"""`make bench`: what jaxrig itself costs. One JSON object a line; exits 0 whatever they say."""

import tempfile
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
from tests.command import Jaxrig


def main() -> None:
    """Runs every benchmark, the quick ones first."""
    client = connect()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = suite.warm_up(Jaxrig(folder=folder))
        for figure in (*startup.answers(folder), *images.checks(folder, client)):
            figure.print()
        for figure in (*exchange.figures(folder), *queries.figures(folder), *site.figures(folder)):
            figure.print()
        for figure in serving.figures(folder):
            figure.print()
        loop.distance(client, image).print()
        blas.share(client, image).print()
        for figure in flax_ratio.ratios():
            figure.print()
        triad.against_c(folder).print()
        for figure in spread.spreads():
            figure.print()
        suite.overhead(folder, client).print()
    client.close()


if __name__ == "__main__":
    main()
