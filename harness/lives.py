"""The lives of regressions: what a database's series show of them, and what was kept and decided.

Whatever is asked for, series are looked at as a whole: of a part of one other changes are found.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from harness.changes import Series, series_of_nights, series_of_runs
from harness.errors import UsageError
from harness.regressions import Regression, follow
from harness.states import State
from harness.stats.nights import NightRule
from harness.store.columns import Columns
from harness.store.filters import Filters
from harness.store.ledger import Entries, Ledger, list_kept
from harness.store.listing import checked
from harness.store.metrics import TIME
from harness.store.names import Names
from harness.store.ratios import read_nights
from harness.store.series import read_series

Floor = Callable[[str], float]
Say = Callable[[str], None]
Regressions = tuple[Regression, ...]


def all_series(
    url: str, filters: Filters, floor: Floor, ordered: Callable[[Columns], Columns] | None = None
) -> list[Series]:
    """Of runs that were not measured in turns, and of nights. `floor`: of a case, the smallest
    change that matters; `ordered`: runs in another order than by time. Raises as
    `listing.list_series`."""
    runs, nights = _columns(url, filters)
    runs = runs if ordered is None else ordered(runs)
    return [*series_of_runs(runs, floor), *series_of_nights(nights, floor)]


def read_columns(connection: Connection, filters: Filters, names: Names) -> tuple[Columns, Columns]:
    """What series are made of: a row a case and run, and a row a case and night; of names that are
    there."""
    runs = read_series(connection, replace(filters, apart=True), names, [TIME])
    return runs, nights_of(connection, filters, names)


def nights_of(connection: Connection, filters: Filters, names: Names) -> Columns:
    """As `read_nights`, of as many launch pairs as make a night."""
    return read_nights(connection, filters, names, least_pairs=NightRule().pairs)


def regressions(
    url: str, filters: Filters, floor: Floor, series: Sequence[Series] | None = None
) -> Regressions:
    """The newest first; nothing is written. What `filters` ask of runs is asked of the first run
    after the change. `series`: `all_series` of these filters, where they are known. Raises as
    that."""
    whole = _whole(filters)
    if series is None or filters != whole:
        series = all_series(url, whole, floor)
    return _meant(follow(series, list_kept(url, whole), floor), _runs(url, filters))


def announce(url: str, filters: Filters, floor: Floor, say: Say | None = None) -> Regressions:
    """What is to be announced, the newest first; from here on it was. All that the series show is
    kept. `say` hears of an upgrade. Raises as `all_series`."""
    whole = _whole(filters)
    with Ledger(url, say) as ledger:
        series, runs = all_series(url, whole, floor), _runs(url, filters)

        def work(entries: Entries) -> Regressions:
            found = _meant(_keep(entries, series, whole, floor), runs)
            news = {each.uuid for each in found if each.is_news}
            entries.announce(news)
            after = follow(series, entries.kept(whole), floor)
            return tuple(each for each in after if each.uuid in news)

        return ledger.write(work)


def decide(
    url: str,
    names: Collection[str],
    *,
    state: State,
    reason: str,
    who: str,
    floor: Floor,
    say: Say | None = None,
) -> Regressions:
    """These, once that is decided of all of them. `state`: as of a `Decision`. `say` hears of an
    upgrade. Raises `UsageError` for an unknown name, and where there is nothing to take back; then
    nothing was decided."""
    everything = Filters()
    with Ledger(url, say) as ledger:
        series = all_series(url, everything, floor)

        def work(entries: Entries) -> Regressions:
            found = _named(_keep(entries, series, everything, floor), names)
            if state == "detected":
                _refuse_undecided(found)
            uuids = {each.uuid for each in found}
            entries.decide(uuids, state=state, reason=reason, who=who)
            after = follow(series, entries.kept(everything), floor)
            return tuple(each for each in after if each.uuid in uuids)

        return ledger.write(work)


def _keep(entries: Entries, series: Sequence[Series], whole: Filters, floor: Floor) -> Regressions:
    """All of these series, kept from here on."""
    entries.add(x for x in follow(series, entries.kept(whole), floor) if x.kept is None)
    entries.note_fixes(follow(series, entries.kept(whole), floor))
    return follow(series, entries.kept(whole), floor)


def _columns(url: str, filters: Filters) -> tuple[Columns, Columns]:
    """As `read_columns`."""
    with checked(url, filters) as (connection, names):
        return read_columns(connection, filters, names)


def _whole(filters: Filters) -> Filters:
    """What tells series apart, and nothing of runs."""
    return Filters(
        cases=filters.cases,
        target=filters.target,
        machine=filters.machine,
        isolation=filters.isolation,
    )


def _runs(url: str, filters: Filters) -> set[str] | None:
    """Names of the runs that are asked for; None: whichever."""
    if filters == _whole(filters):
        return None
    return {run for columns in _columns(url, filters) for run in columns["run"]}


def _meant(found: Regressions, runs: set[str] | None) -> Regressions:
    return tuple(each for each in found if runs is None or each.run in runs)


def _named(found: Regressions, names: Collection[str]) -> Regressions:
    known = {each.name: each for each in found}
    for name in names:
        if name not in known:
            raise UsageError(f"no regression is named {name!r}; see `jaxrig regressions list`")
    return tuple(known[name] for name in names)


def _refuse_undecided(found: Regressions) -> None:
    for each in found:
        if each.decision is None or each.decision.state == "detected":
            raise UsageError(f"{each.name} is neither acknowledged nor ignored")
