"""What runs measured, and nothing else of it."""

from harness.store.database import open_for_reading
from harness.store.medians import read_measured_cases, read_medians
from harness.store.writer import Store
from tests.harness.history import add_run
from tests.harness.samples import A, B


def test_medians_are_over_launches_and_in_the_order_of_runs(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {B: [1.0], A: [3.0, 1.0, 2.0]})
        add_run(store, {A: [5.0]})
    engine = open_for_reading(either_url)
    with engine.connect() as connection:
        everything = sorted(read_medians(connection, [2, 1]))
        (case,) = {case for case, run, _ in everything if run == 2}
        ordered = list(read_medians(connection, [2, 1], [case]))
        cases = read_measured_cases(connection, [2])
        nothing = list(read_medians(connection, [], [case]))
    engine.dispose()
    assert sorted(median_s for *_, median_s in everything) == [1.0, 2.0, 5.0]
    assert ordered == [(case, 2, 5.0), (case, 1, 2.0)]
    assert (cases, nothing) == ({case}, [])
