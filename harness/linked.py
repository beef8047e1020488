"""Machines that count as another one, which may count as a third."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.store.reader import MachineSummary


def counts_as(machines: "Iterable[MachineSummary]") -> Mapping[str, str]:
    """The fingerprint that each one's results are shown under; its own where it is linked to
    none."""
    links = {each.machine: each.same_as for each in machines}

    def root(machine: str) -> str:
        other = links[machine]  # no circle: the store refuses what would close one
        return machine if other is None else root(other)

    return {machine: root(machine) for machine in links}
