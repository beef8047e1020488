"""Two stored runs as `jaxrig compare` tells them: what was said of them in turns, or else judged by
what the machine's runs scatter."""

from collections.abc import Callable, Sequence

from harness.compare import Comparison, Side, compare
from harness.errors import UsageError
from harness.store.pairings import Pairing
from harness.store.reader import Reader


class OtherWayRound(UsageError):
    """Two runs were measured in turns, but the other way round: only what was asked then was
    confirmed."""


def compared(
    reader: Reader, base: str, candidate: str, floor: Callable[[str], float]
) -> Pairing | Comparison:
    """The newest verdicts in turns; of two that were measured apart a comparison. `base`,
    `candidate`: as `Reader.run` knows them; `floor`: of a case, the smallest change that matters.
    Raises `UsageError` for an unknown run, and `OtherWayRound`."""
    first, second = reader.run(base), reader.run(candidate)
    pairing = _pairing(reader.pairings(first.run), (first.run, second.run))
    return pairing or compare(*sides_of(reader, first.run, second.run), floor)


def _pairing(pairings: Sequence[Pairing], names: tuple[str, str]) -> Pairing | None:
    for pairing in reversed(pairings):
        if (pairing.base, pairing.candidate) == names:
            return pairing
        if (pairing.candidate, pairing.base) == names:
            raise OtherWayRound(
                "these two were measured in turns, the other way round; see "
                f"`jaxrig compare {pairing.base} {pairing.candidate}`"
            )
    return None


def sides_of(reader: Reader, *references: str) -> tuple[Side, Side]:
    """Both runs, and the history of their machines: one history where they are alike. Raises
    `UsageError` for an unknown run."""
    machines = {each.machine: each.facts for each in reader.machines()}
    runs = [reader.run(reference) for reference in references]
    tables = [reader.measurements(run.run, samples=False) for run in runs]
    places = [(run.machine, run.platform, run.isolation) for run in runs]
    targets = {run.target for run in runs}
    cases = {case for table in tables for case in table["case"]}
    histories = {
        (machine, platform, isolation): reader.history(
            machine=machine,
            platform=platform,
            isolation=isolation,
            targets=targets,
            cases=cases,
        )
        for machine, platform, isolation in dict.fromkeys(places)
    }
    base, candidate = (
        Side(
            run=run,
            measurements=table,
            launches=reader.launches(run.run),
            history=histories[place],
            machine=machines[run.machine],
            pairings=reader.pairings(run.run),
        )
        for run, table, place in zip(runs, tables, places, strict=True)
    )
    return base, candidate
