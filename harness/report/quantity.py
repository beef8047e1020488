"""Base units → what a person reads. The only place where values are scaled."""

from datetime import UTC, datetime

_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_DECIMAL = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_BINARY = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))

_AGE = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def seconds(value: float) -> str:
    """3.061e-3 → `3.06 ms`."""
    for scale, unit in _TIME:
        if value >= scale:
            return f"{_digits(value / scale)} {unit}"
    return f"{_digits(value / 1e-9)} ns"


def rate(value: float, unit: str) -> str:
    """1.49e11, "FLOP/s" → `149 GFLOP/s`."""
    for scale, prefix in _DECIMAL:
        if value >= scale:
            return f"{_digits(value / scale)} {prefix}{unit}"
    return f"{_digits(value)} {unit}"


def size(value: float) -> str:
    """67108864 → `64 MiB`."""
    for scale, unit in _BINARY:
        if value >= scale:
            return f"{_digits(value / scale)} {unit}"
    return f"{_digits(value)} B"


def percent(value: float) -> str:
    """0.034 → `3.4 %`."""
    return f"{100 * value:.1f} %"


def duration(value_s: float) -> str:
    """95 → `1:35`."""
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes}:{rest:02d}"


def age(value_s: float) -> str:
    """100000 → `1 d`: in the largest unit of which it is at least one."""
    for scale, unit in _AGE:
        if value_s >= scale:
            return f"{int(value_s // scale)} {unit}"
    return "0 s"


def moment(value: datetime) -> str:
    """UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    rounded = float(f"{value:.3g}")  # decides, or 9.999 would get four
    places = 0 if rounded >= 100 else 1 if rounded >= 10 else 2
    return f"{value:.{places}f}"
