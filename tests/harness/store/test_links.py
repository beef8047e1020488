"""A machine whose fingerprint changed counts as the one that it was, until that is taken back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, insert, select

from harness.errors import DatabaseFailure, UsageError
from harness.store.database import SCHEMA_VERSION
from harness.store.links import link, unlink
from harness.store.models import MachineLinkRow, MachineRow
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, add_run
from tests.harness.samples import A
from tests.harness.store.test_upgrades import make

MORE_MEMORY = replace(MACHINE, memory_gib=32)
OTHER_CPU = replace(MORE_MEMORY, cpu_model="Other")
OLD, NEW, NEWEST = (each.fingerprint for each in (MACHINE, MORE_MEMORY, OTHER_CPU))


@pytest.fixture
def three(either_url: str) -> str:
    """A database with a run of each."""
    with Store(either_url) as store:
        for machine in (MACHINE, MORE_MEMORY, OTHER_CPU):
            add_run(store, {A: [1.0]}, machine=machine)
            store.pin_anchor(machine=machine, target="cpu", image=IMAGE, epoch=1, why="w")
    return either_url


def machines_of_runs(url: str) -> list[str]:
    """The oldest first."""
    with Reader(url) as reader:
        return [run.machine for run in reader.runs()][::-1]


def history_of(url: str, machine: str) -> int:
    with Reader(url) as reader:
        found = reader.history(
            machine=machine, platform="cpu", isolation="container", targets=["cpu"], cases=[A]
        )
        assert len(reader.anchors(machine, "cpu")) == len(found)
        return len(found)


def test_runs_of_a_linked_machine_count_as_the_other_s(three: str) -> None:
    link(three, NEW[:6], OLD)
    link(three, NEWEST, NEW)
    assert machines_of_runs(three) == [OLD] * 3
    assert [history_of(three, each) for each in (OLD, NEW, NEWEST)] == [3, 3, 3]
    with Reader(three) as reader:
        assert [each.same_as for each in reader.machines()] == [None, OLD, NEW]


def test_a_link_can_be_taken_back(three: str) -> None:
    link(three, NEW, OLD)
    link(three, NEWEST, NEW)
    unlink(three, NEW)
    assert machines_of_runs(three) == [OLD, NEW, NEW]
    unlink(three, NEWEST)
    assert machines_of_runs(three) == [OLD, NEW, NEWEST]
    assert history_of(three, OLD) == 1


@pytest.mark.parametrize(
    ("machine", "same_as", "complaint"),
    [
        (NEW, OLD, "linked already"),
        (OLD, NEW, "counts as"),
        (OLD, OLD, "counts as"),
        ("nothing", OLD, "no single machine"),
        ("", OLD, "no single machine"),
        ("%", OLD, "no single machine"),
    ],
)
def test_links_that_make_no_sense_are_refused(
    three: str, machine: str, same_as: str, complaint: str
) -> None:
    link(three, NEW, OLD)
    with pytest.raises(UsageError, match=complaint):
        link(three, machine, same_as)


def test_two_links_at_once_make_no_circle(postgresql_url: str) -> None:
    with Store(postgresql_url) as store:
        for machine in (MACHINE, MORE_MEMORY):
            add_run(store, {A: [1.0]}, machine=machine)
    other = create_engine(postgresql_url)
    with other.begin() as connection, ThreadPoolExecutor(1) as pool:
        ids = {row.fingerprint: row.id for row in connection.execute(select(MachineRow.__table__))}
        values = {"machine_id": ids[OLD], "same_as_id": ids[NEW], "linked_at": datetime.now(UTC)}
        connection.execute(insert(MachineLinkRow), values)
        linking = pool.submit(link, postgresql_url, NEW, OLD)
        with pytest.raises(TimeoutError):
            linking.result(0.5)
        connection.commit()
        with pytest.raises(UsageError, match="counts as"):
            linking.result(60)
    other.dispose()
    assert machines_of_runs(postgresql_url) == [NEW] * 2


def test_links_make_no_database_and_tell_of_an_upgrade(url: str) -> None:
    with pytest.raises(DatabaseFailure, match="no database at"):
        link(url, NEW, OLD)
    with pytest.raises(DatabaseFailure, match="no database at"):
        unlink(url, NEW)
    make(url, 6)
    heard: list[str] = []
    with pytest.raises(UsageError, match="no single machine"):
        link(url, NEW, OLD, heard.append)
    assert heard[0] == f"upgrading {url} from schema 0006 to {SCHEMA_VERSION}"


def test_what_is_not_linked_cannot_be_unlinked(three: str) -> None:
    with pytest.raises(UsageError, match="not linked"):
        unlink(three, NEW)
