"""The only reader. Small listings come as frozen dataclasses, numbers as DataFrames.

`jaxrig runs` is asked often and must answer at once: it reads a view through SQLAlchemy's core.
What takes as long to import as that takes to answer (the mapped models, pandas) is loaded by
the methods that need it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Engine, Row, Select, func, select

from harness.errors import UsageError
from harness.store.columns import columns_of
from harness.store.database import database_errors, open_for_reading
from harness.store.filters import tagged
from harness.store.tables import OVERVIEW, RUNS
from harness.store.text import storable

if TYPE_CHECKING:
    import pandas as pd

    from harness.contents import Contents
    from harness.store.nights import Anchor
    from harness.store.pairings import Pairing
    from harness.store.profiles import Profile

_Query = Select[*tuple[Any, ...]]

IsAbandoned = Callable[[str, datetime], bool]

CEILINGS = "ceilings"
"""The suite of runs that come before others, which nobody means by `latest`."""

_FEW_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A row of `jaxrig runs`. `machine` is the fingerprint, `image` the digest."""

    run: str
    status: str
    target: str
    platform: str
    isolation: str
    machine: str
    image: str | None
    suite: str
    started_at: datetime
    ended_at: datetime | None
    measurements: int
    failures: int
    skipped: int
    launches_planned: int
    tags: dict[str, Any]
    git_commit: str | None
    git_dirty: bool | None
    jaxrig_version: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a run could not measure, and why. `launch` counts from 0."""

    case: str | None
    kind: str
    message: str
    launch: int | None


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A case that could not run in a launch (counted from 0), and why."""

    case: str
    reason: str
    launch: int


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One container process: limits, environment, noise and the end of its log."""

    launch: int
    part: int
    status: str
    exit_code: int | None
    limits: dict[str, Any]
    env: dict[str, str]
    environment: dict[str, Any] | None
    noise: dict[str, Any] | None
    log: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class MachineSummary:
    """A machine and how many runs it has seen; `machine` is its fingerprint, `same_as` that of the
    one that it is linked to."""

    name: str
    machine: str
    facts: dict[str, Any]
    first_seen_at: datetime
    same_as: str | None
    runs: int


class Reader:
    """Reads an existing database. Raises `DatabaseFailure`; `UsageError` for an unknown run."""

    def __init__(self, url: str, is_abandoned: IsAbandoned | None = None) -> None:
        """`is_abandoned`: says of a run that is marked as running, by its owner and its deadline,
        whether it has ended without a word; it is then shown as interrupted."""
        self._url, self._is_abandoned, self._is_its_own = url, is_abandoned, True
        self._engine: Engine = open_for_reading(url)

    @classmethod
    def over(cls, engine: Engine, url: str, is_abandoned: IsAbandoned | None = None) -> Self:
        """Reads by an engine that is open, and which is another's to close."""
        reader = cls.__new__(cls)
        reader._url, reader._is_abandoned, reader._is_its_own = url, is_abandoned, False
        reader._engine = engine
        return reader

    def runs(self, limit: int | None = None, *, suite: str | None = None) -> list[Run]:
        """Runs (of a suite), the newest first."""
        query = select(OVERVIEW)
        if suite is not None:
            query = query.where(OVERVIEW.c.suite == suite)
        return [self._as_run(row) for row in self._rows(_newest(query).limit(limit))]

    def run(self, reference: str) -> Run:
        """The run that `reference` names: a name, its unique beginning, `KEY=VALUE` (the newest
        with that tag), `latest`, or `latest~N`; runs of ceilings are no latest ones."""
        return self._as_run(self._overview(reference))

    def failures(self, reference: str) -> list[Failure]:
        """What the run could not measure, in order."""
        from harness.store.models import FailureRow, LaunchRow

        query = (
            select(
                FailureRow.case,
                FailureRow.kind,
                FailureRow.message,
                LaunchRow.index.label("launch"),
            )
            .outerjoin(LaunchRow, FailureRow.launch_id == LaunchRow.id)
            .where(FailureRow.run_id == self._run_id(reference))
            .order_by(FailureRow.id)
        )
        return [Failure(**row._asdict()) for row in self._rows(query)]

    def skips(self, reference: str) -> list[Skip]:
        """Cases of the run that could not run there, in order."""
        from harness.store.models import LaunchRow, SkipRow

        query = (
            select(SkipRow.case, SkipRow.reason, LaunchRow.index.label("launch"))
            .join(LaunchRow, SkipRow.launch_id == LaunchRow.id)
            .where(LaunchRow.run_id == self._run_id(reference))
            .order_by(SkipRow.id)
        )
        return [Skip(**row._asdict()) for row in self._rows(query)]

    def profiles(self, reference: str) -> "list[Profile]":
        """Where the time of the run's cases went on their device, in order; none where the run was
        not asked for it."""
        from harness.store.profiles import profiles_of, profiles_query

        return profiles_of(self._rows(profiles_query(), run=self._run_id(reference)))

    def launches(self, reference: str) -> list[Launch]:
        """The run's container processes, in order."""
        from harness.store.models import EnvironmentRow, LaunchRow

        query = (
            select(
                LaunchRow.index.label("launch"),
                LaunchRow.part,
                LaunchRow.status,
                LaunchRow.exit_code,
                LaunchRow.limits,
                LaunchRow.env,
                EnvironmentRow.facts.label("environment"),
                LaunchRow.noise,
                LaunchRow.log,
                LaunchRow.started_at,
                LaunchRow.ended_at,
            )
            .outerjoin(EnvironmentRow, LaunchRow.environment_id == EnvironmentRow.id)
            .where(LaunchRow.run_id == self._run_id(reference))
            .order_by(LaunchRow.index, LaunchRow.part)
        )
        return [Launch(**row._asdict()) for row in self._rows(query)]

    def machines(self) -> list[MachineSummary]:
        """Every machine seen, the first seen first."""
        from sqlalchemy.orm import aliased

        from harness.store.models import MachineLinkRow, MachineRow, RunRow

        other = aliased(MachineRow)
        query = (
            select(
                MachineRow.name,
                MachineRow.fingerprint.label("machine"),
                MachineRow.facts,
                MachineRow.first_seen_at,
                other.fingerprint.label("same_as"),
                func.count(RunRow.id).label("runs"),
            )
            .outerjoin(RunRow, RunRow.machine_id == MachineRow.id)
            .outerjoin(MachineLinkRow, MachineLinkRow.machine_id == MachineRow.id)
            .outerjoin(other, other.id == MachineLinkRow.same_as_id)
            .group_by(MachineRow.id, other.fingerprint)
            .order_by(MachineRow.id)
        )
        return [MachineSummary(**row._asdict()) for row in self._rows(query)]

    def measurements(self, reference: str, *, samples: bool = True) -> "pd.DataFrame":
        """One row per case and launch, in the order of measurement.

        Columns: `launch` (index from 0), `part`, `case`, and every column of cases, benchmarks,
        measurements and programs in docs/schema.md but for their keys. `samples_s` holds float64
        arrays, None where they were pruned; without `samples` it is left out.
        """
        from harness.store.measurements import as_frame, columns, measurements_query

        rows = self._rows(measurements_query(samples=samples), run=self._run_id(reference))
        return as_frame(rows, [column.name for column in columns(samples=samples)])

    def records(self, reference: str, *, samples: bool = True) -> list[dict[str, Any]]:
        """What `measurements` tells, a document a row, without pandas: what nothing tells is
        None."""
        from harness.store.measurements import as_records, measurements_query

        run = self._run_id(reference)
        return as_records(self._rows(measurements_query(samples=samples), run=run))

    def anchors(self, machine: str, target: str) -> "list[Anchor]":
        """Images that nights of that machine (a fingerprint) were measured with, the oldest first;
        the last one holds."""
        from harness.store.nights import Anchor, anchors

        return [Anchor(**row._asdict()) for row in self._rows(anchors(machine, target))]

    def anchored(self) -> frozenset[str]:
        """Digests of all images that are, or were, anchors."""
        from harness.store.nights import anchored

        return frozenset(row.digest for row in self._rows(anchored()))

    def contents(self, digest: str) -> "Contents":
        """What is in an image, by its digest or how that begins. Raises `UsageError` for none, and
        for several."""
        from harness.store.contents import contents_of, contents_query

        found = self._rows(contents_query(storable(digest)))
        if len(found) != 1:
            raise UsageError(
                f"{'several' if found else 'no'} stored images begin with {digest!r}; "
                "`jaxrig runs --format json` tells the image of each run"
            )
        return contents_of(found[0])

    def turns(self, anchor: int, nights: int) -> "pd.DataFrame":
        """One row per pairing, case and launch pair of the newest nights of an anchor, in order.

        Columns: pairing, case, launch, base_s and candidate_s (seconds a call, turn by turn, as
        arrays of equal shape).
        """
        import pandas as pd

        from harness.store.nights import turns

        names = ["pairing", "case", "launch", "base_s", "candidate_s"]
        rows = [tuple(row) for row in self._rows(turns(anchor, nights))]
        return pd.DataFrame.from_records(rows, columns=names)

    def pairings(self, reference: str) -> "list[Pairing]":
        """The runs that this one was measured in turns with, and the verdicts, in order."""
        from harness.store.pairings import pairings_of, pairings_query

        run = select(RUNS.c.id).where(RUNS.c.id == self._run_id(reference))
        return list(pairings_of(self._rows(pairings_query(run))))

    def history(
        self,
        *,
        machine: str,
        platform: str,
        isolation: str,
        targets: Collection[str],
        cases: Collection[str],
    ) -> "pd.DataFrame":
        """What the newest runs there measured, none of them in turns: a row a launch and case.

        Columns: `run`, `started_at`, `case`, `median_s`; and what was the same where it is equal:
        `target`, `suite`, `image`, `source` (of what has no image), `environment`, `limits`, `env`,
        `parameters` (JSON as text), `hlo_sha256`.
        """
        import pandas as pd

        from harness.store.history import history_query

        query = history_query(
            machine=machine,
            platform=platform,
            isolation=isolation,
            targets=targets,
            cases=cases,
        )
        names = [column.name for column in query.selected_columns]
        with database_errors(self._url), self._engine.connect() as connection:
            columns = columns_of(connection.execute(query))
        frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
        # All at once: row by row, times would take longer to read than everything else.
        started_at = pd.to_datetime(frame["started_at"], format="ISO8601", utc=True)
        return frame.assign(started_at=started_at)

    def close(self) -> None:
        if self._is_its_own:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _as_run(self, row: Row[Any]) -> Run:
        values = row._asdict()
        del values["id"]
        owner, deadline_at = values.pop("owner"), values.pop("deadline_at")
        judge = self._is_abandoned
        if judge is not None and row.status == "running" and judge(owner, deadline_at):
            values["status"] = "interrupted"
        return Run(**values)

    def _run_id(self, reference: str) -> int:
        return int(self._overview(reference).id)

    def _overview(self, reference: str) -> Row[Any]:
        for query in _references(storable(reference), self._engine.dialect.name):
            found = self._rows(query)
            if len(found) == 1:
                return found[0]
        raise UsageError(f"no single run is named {reference!r}; see `jaxrig runs`")

    def _rows(self, query: _Query, **told: int) -> Sequence[Row[Any]]:
        """`told`: what the query leaves to be told."""
        with database_errors(self._url), self._engine.connect() as connection:
            return connection.execute(query, told).all()


def _references(reference: str, dialect: str) -> list[_Query]:
    """Queries for the run that is meant, the most exact first."""
    runs = select(OVERVIEW)
    name, tilde, back = reference.partition("~")
    if name == "latest" and (not tilde or _FEW_DIGITS.fullmatch(back)):
        asked_for = runs.where(OVERVIEW.c.suite != CEILINGS)
        return [_newest(asked_for).offset(int(back or 0)).limit(1)]
    exact = runs.where(OVERVIEW.c.run == reference)
    key, equals, value = reference.partition("=")
    if equals:
        with_tag = runs.where(tagged(OVERVIEW.c.tags, key, value, dialect))
        return [exact, _newest(with_tag).limit(1)]
    return [exact, runs.where(OVERVIEW.c.run.startswith(reference, autoescape=True)).limit(2)]


def _newest(query: _Query) -> _Query:
    return query.order_by(OVERVIEW.c.started_at.desc(), OVERVIEW.c.id.desc())
