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


def test_a_longer_context_is_never_faster() -> None:
    """A token more of it costs every other one time: memory may end the search, and binds not."""
    falling: dict[str, float | str] = {
        f"tokens_per_s_at_context_{size}": 1e6 / size for size in (2600, 2900, 3200)
    }
    assert not is_full(falling | {"does_not_fit_context_3300": "killed"})
