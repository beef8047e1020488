"""False alarms against what is found, of everybody."""

from pathlib import Path

from tests.benchmarks.verdicts.plan import PEERS, PEERS_SHARE
from tests.benchmarks.verdicts.table import Count, Results, count


def draw(results: Results, path: Path) -> None:
    """An SVG at `path`: with the noise on, a point for each tool with its 95 % intervals."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "jaxrig", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for who in ("jaxrig", *PEERS):
        alarms = count(results, who, True, 0.0)
        found = count(results, who, True, PEERS_SHARE)
        if alarms and found:
            x, left, right = _percent(alarms)
            y, down, up = _percent(found)
            axes.errorbar(x, y, xerr=[[left], [right]], yerr=[[down], [up]], fmt="o", label=who)
    axes.set(
        xlabel="unchanged, and called slower, %",
        ylabel=f"{100 * PEERS_SHARE:g} % slower, and called so, %",
        xlim=(-2, 102),
        ylim=(-2, 102),
        title="With a neighbour that loads one of two cores in bursts",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _percent(found: Count) -> tuple[float, float, float]:
    """The share of them, and how far its interval goes to either side."""
    low, high = found.interval()
    share = found.slower / found.decisions
    return 100 * share, 100 * (share - low), 100 * (high - share)
