"""Memory size binds where more would fit more, and more would be faster."""

import pytest

from harness.roofline.capacity import is_full

RISING: dict[str, float | str] = {
    f"tokens_per_s_at_batch_{size}": 100.0 * size for size in (26, 29, 32)
}
FAILS: dict[str, float | str] = {"does_not_fit_batch_33": "killed"}


def test_rising_until_it_does_not_fit_is_full() -> None:
    assert is_full(RISING | FAILS)


@pytest.mark.parametrize(
    "observations",
    [
        RISING,  # everything fits
        FAILS,  # nothing does
        {},
        RISING | FAILS | {"tokens_per_s_at_batch_32": 2650.0},  # hardly faster than 26
        {"tokens_per_s_at_batch_32": 3200.0} | FAILS,  # nothing to hold it against
        RISING | {"does_not_fit_batch_4": "too slow once"},
    ],
)
def test_otherwise_it_is_not(observations: dict[str, float | str]) -> None:
    assert not is_full(observations)


def test_contexts_are_batches_of_another_name() -> None:
    assert is_full({name.replace("batch", "context"): x for name, x in (RISING | FAILS).items()})
