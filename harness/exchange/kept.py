"""What of a file is kept: measurements that fit, each case once; and why others do not."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.exchange.cleaned import LONGEST_CASE, LONGEST_TEXT, printable
from harness.exchange.foreign import ForeignMeasurement


class Kept:
    """An odd benchmark keeps no other one out."""

    def __init__(self) -> None:
        self._by_case: dict[str, ForeignMeasurement] = {}
        self._odd: dict[tuple[str | None, str], None] = {}

    def add(self, measurement: ForeignMeasurement) -> None:
        """Raises `ValueError` where the case is there already."""
        if measurement.case in self._by_case:
            raise ValueError(f"{measurement.case} is in it twice")
        self._by_case[measurement.case] = measurement

    def fail(self, case: object, error: ValueError) -> None:
        """Of `case`, or of no single one where that is no name."""
        named = printable(case, LONGEST_CASE) if isinstance(case, str) and case else None
        self._odd[named, printable(str(error), LONGEST_TEXT)] = None

    @contextmanager
    def apart(self, case: object) -> Iterator[None]:
        """Makes a `ValueError` a failure of `case`."""
        try:
            yield
        except ValueError as error:
            self.fail(case, error)

    @property
    def measurements(self) -> tuple[ForeignMeasurement, ...]:
        """Raises `ValueError` where nothing fits, with what is wrong first."""
        if self._odd and not self._by_case:
            raise ValueError(next(message for _, message in self._odd))
        return tuple(self._by_case.values())

    @property
    def failures(self) -> tuple[tuple[str | None, str], ...]:
        """(case, message), each once."""
        return tuple(self._odd)
