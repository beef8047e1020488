"""A machine whose fingerprint changed counts as the one that it was, until that is taken back."""

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.store.links import link, unlink
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import IMAGE, MACHINE, add_run
from tests.harness.samples import A

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


def test_what_is_not_linked_cannot_be_unlinked(three: str) -> None:
    with pytest.raises(UsageError, match="not linked"):
        unlink(three, NEW)
