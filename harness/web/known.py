"""The few that every page needs: names, machines, software. Read once of each version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from harness.linked import counts_as
from harness.report.site import addresses
from harness.runner.abandoned import is_abandoned
from harness.store import filters
from harness.store.circumstances import read_environments
from harness.store.filters import Filters
from harness.store.names import Names, read_names
from harness.store.reader import CEILINGS, MachineSummary, Reader, Run
from harness.store.tables import OVERVIEW, PAIRINGS, RUNS
from harness.web.runs import Runs

_DIGIT, _HEX = "[0-9]", "[0-9a-f]"
_OWN_NAMES = f"{_DIGIT * 8}-{_DIGIT * 6}-{_HEX * 6}"
"""Of runs, as jaxrig gives them: the addresses of their pages tell them. In SQLite it is a glob."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """`targets`, `suites`: of runs. `ceilings`: runs of these. `strange`: names of runs that jaxrig
    did not give. `running`: name, owner and deadline of runs that are marked so. `any_pairings`:
    whether anything was measured in turns."""

    names: Names
    machines: Sequence[MachineSummary]
    environments: Mapping[int, Mapping[str, Any]]
    targets: Sequence[str]
    suites: Sequence[str]
    ceilings: Sequence[Run]
    strange: Sequence[str]
    running: Sequence[tuple[str, str, datetime]]
    any_pairings: bool
    runs: Runs = field(default_factory=Runs)

    @cached_property
    def counts_as(self) -> Mapping[str, str]:
        return counts_as(self.machines)

    @cached_property
    def cases(self) -> Sequence[str]:
        """Their names, in order."""
        return sorted(set(self.names.cases.values()))

    @cached_property
    def host_names(self) -> Mapping[str, str]:
        """By fingerprint."""
        return {each.fingerprint: each.name for each in self.names.machines.values()}

    def rows_of_case(self, case: str) -> Sequence[int]:
        """One for each way in which it was ever defined."""
        return self._rows_of_cases[case]

    @cached_property
    def _rows_of_cases(self) -> Mapping[str, Sequence[int]]:
        found: dict[str, list[int]] = {}
        for key, name in self.names.cases.items():
            found.setdefault(name, []).append(key)
        return found

    @cached_property
    def case_pages(self) -> Mapping[str, str]:
        """Cases, by the addresses of their pages."""
        return {addresses.of_case(case): case for case in self.cases}

    @cached_property
    def strange_pages(self) -> Mapping[str, str]:
        """Runs whose name is not in the addresses of their pages, by these."""
        return {addresses.of_run(run): run for run in self.strange}

    def gone(self) -> frozenset[str]:
        """Runs that are marked as running, and ended without a word."""
        return frozenset(
            run for run, owner, deadline_at in self.running if is_abandoned(owner, deadline_at)
        )

    def check(self, asked: Filters) -> None:
        """Raises `UsageError` for a name that nothing stored has."""
        filters.check(asked, self.names)
        if asked.target is not None:
            filters.check_target(asked.target, self.targets)


def read_known(connection: Connection, reader: Reader) -> Known:
    row = RUNS.c
    kinds = connection.execute(select(row.target, row.suite).distinct()).all()
    own = row.name.regexp_match(f"^{_OWN_NAMES}$")
    if connection.dialect.name == "sqlite":
        own = row.name.op("GLOB", is_comparison=True)(_OWN_NAMES)
    strange = select(row.name).where(~own).order_by(row.id)
    running = select(OVERVIEW.c.run, OVERVIEW.c.owner, OVERVIEW.c.deadline_at)
    return Known(
        names=read_names(connection),
        machines=reader.machines(),
        environments=read_environments(connection),
        targets=sorted({target for target, _ in kinds}),
        suites=sorted({suite for _, suite in kinds}),
        ceilings=reader.runs(suite=CEILINGS),
        any_pairings=connection.execute(select(PAIRINGS.c.id).limit(1)).first() is not None,
        strange=list(connection.execute(strange).scalars()),
        running=[
            (run, owner, deadline_at)
            for run, owner, deadline_at in connection.execute(
                running.where(OVERVIEW.c.status == "running")
            )
        ],
    )
