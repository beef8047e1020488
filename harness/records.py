"""The contract between host and container: one JSON object a line on the launch's stdout.

Container output is untrusted. Every line is parsed and checked here before anything else
sees it; what does not fit raises `BadRecord` with the reason.
"""

import re
from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from harness.fields import (
    Amount,
    CaseId,
    Count,
    Facts,
    Finite,
    LongText,
    PositiveSeconds,
    Seconds,
    Text,
    Whole,
)

SCHEMA_VERSION = 2

MOST_SAMPLES = 1_000_000
MOST_OTHER_BYTES = 2 << 20
"""Of a record, beside its samples. A small value takes a hundred bytes of memory once it is read: a
line that is all of them would take gigabytes."""

_SAMPLES = re.compile(rb'"samples_s":\s*\[[-+.0-9eE,\s]*\]')

FailureKind = Literal["raised", "wrong_numbers", "out_of_memory"]
Platform = Literal["cpu", "cuda", "rocm", "tpu", "metal", "none"]
"""`none`: JAX found no device at all; `device_kinds` then holds its reason."""


class BadRecord(ValueError):
    """A line that is not JSON, or not a record of this schema."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[2] = Field(alias="schema")


class Distribution(BaseModel):
    """A Linux distribution as /etc/os-release names it; `packages`: `name:architecture` → version
    of each that dpkg has installed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Text
    release: Text | None
    packages: dict[Text, Text]


class Environment(_Record):
    """First record of a launch: the software and devices that will be measured."""

    kind: Literal["environment"]
    platform: Platform
    device_kinds: list[Text]
    device_count: Count
    python: Text
    jax: Text | None
    jaxlib: Text | None
    """None where they are not installed: only a suite of one's own can do without."""
    packages: dict[Text, Text]
    distribution: Distribution | None = None
    """None where dpkg keeps no list, or an older jaxrig looked."""
    variables: dict[Text, LongText]
    """JAX_*, XLA_*, OMP_* and LIBTPU_* variables as the launch saw them."""
    visible_cpus: list[Count]
    boot_id: Text | None
    """The kernel's boot id: says whether the launch runs on the harness's machine."""
    compilation_cache: bool
    no_gpu: Text | None = None
    """Why JAX found no GPU though its plugin for CUDA is installed, and what to do; None where it
    did, or where that is not known."""


class CaseStarted(_Record):
    """A case is about to be compiled; what comes next is charged to it."""

    kind: Literal["case_started"]
    case: CaseId


class Ready(_Record):
    """A launch that measures in turns waits for its turn: to make the case, or for a round."""

    kind: Literal["ready"]
    case: CaseId


class GpuReading(BaseModel):
    """What a GPU told at a moment; None where it does not. `ecc_errors`: uncorrected ones, and
    `energy_j` used, since its driver was loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sm_clock_hz: Amount | None
    throttle_reasons: list[Text] | None
    power_w: Amount | None
    temperature_c: Finite | None
    ecc_errors: Count | None
    energy_j: Amount | None


class GpuSeen(BaseModel):
    """A GPU before, between and after the rounds of a case."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Text | None
    uuid: Text | None
    max_sm_clock_hz: Amount | None
    application_sm_clock_hz: Amount | None
    """What it was set to, by somebody or by its vendor."""
    before: GpuReading
    after: GpuReading
    sm_clocks_hz: list[Amount | None]
    """At the end of each round."""
    throttle_reasons: list[Text]
    """All that were seen then."""
    marked: list[Count]
    """Rounds, from 0, that it was slowed in."""


class GpuWatched(GpuSeen):
    """The first GPU that a case runs on, and beside it the others."""

    set_aside_s: list[PositiveSeconds]
    """Samples of before, as `samples_s`: too many of those rounds were slowed, so that after a
    pause these were taken in their place. Empty where that was not so."""
    looked_at: list[Count] | None = None
    """Rounds, from 0, at whose ends was looked, where that was not each: the clocks are theirs."""
    others: list[GpuSeen] = []
    """In JAX's order."""

    def fits(self, rounds: int) -> bool:
        """Whether it tells of so many rounds, and marks none but those that were looked at."""
        known: Collection[int] = range(rounds)
        if self.looked_at is not None:
            known = {each for each in self.looked_at if each < rounds}
            if len(known) < len(self.looked_at):
                return False
        return all(
            len(seen.sm_clocks_hz) == len(known) and all(each in known for each in seen.marked)
            for seen in (self, *self.others)
        )


def _of_these_rounds(watched: GpuWatched | None, samples_s: list[float]) -> None:
    """Refuses clocks of other rounds than were timed, and marks on them."""
    rounds = len(samples_s)
    if watched is not None and not watched.fits(rounds):
        raise ValueError(f"gpu tells of other rounds than the {rounds} that were timed")


class Measurement(_Record):
    """One case in one launch. Times in seconds, sizes in bytes, work in FLOP."""

    kind: Literal["measurement"]
    case: CaseId
    workload: Text
    phase: Text
    dtype: Text
    parameters: dict[Text, Whole | Finite | Text]
    samples_s: Annotated[list[PositiveSeconds], Field(min_length=1, max_length=MOST_SAMPLES)]
    """Seconds per call, one a round, in the order of execution; nothing dropped."""
    calls_per_round: Annotated[int, Field(ge=1, lt=2**31)]
    trace_s: Seconds | None
    lower_s: Seconds | None
    compile_s: Seconds | None
    first_call_s: Seconds | None
    """The stages, and `hlo_sha256`, are None where nothing is compiled."""
    flops: Amount
    bytes: Amount
    storage_bytes: Amount
    link_bytes: Amount
    work_unit: Text | None
    work_count: Amount | None
    """What one call gets done, as 1024 `token`."""
    xla_flops: Amount | None
    xla_bytes: Amount | None
    argument_bytes: Count | None
    output_bytes: Count | None
    alias_bytes: Count | None
    temp_bytes: Count | None
    kernels: Count | None = None
    """That run in a call, and in the next three what they read and write; None where the compiled
    program does not tell, or an older jaxrig measured it."""
    product_bytes: Amount | None = None
    turned_bytes: Amount | None = None
    streamed_bytes: Amount | None = None
    arguments: Count | None = None
    results: Count | None = None
    """Arrays that a call is given, and that it gives back."""
    peak_rss_bytes: Count | None
    device_peak_bytes: Count | None
    hlo_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    numerics_error: Amount
    numerics_tolerance: Amount
    minor_faults: Count
    major_faults: Count
    voluntary_switches: Count
    involuntary_switches: Count
    steal_s: Seconds | None
    """Seconds that the hypervisor took from this machine's CPUs during the rounds."""
    timed_s: Seconds
    """Wall time of all rounds, warm-up included."""
    gpu: GpuWatched | None = None
    """None without an NVIDIA GPU, where it cannot be asked, or where an older jaxrig measured."""
    observations: dict[Text, Whole | Finite | Text]
    """What else the case found out, as an accuracy; units in the names."""
    warnings: list[Text]

    @model_validator(mode="after")
    def _of_its_rounds(self) -> Self:
        _of_these_rounds(self.gpu, self.samples_s)
        return self


class Benchmark(_Record):
    """One test of a suite of one's own in one launch: what pytest-benchmark measured. What only
    its author knows (FLOP, bytes, right numbers) is not in it."""

    kind: Literal["benchmark"]
    case: CaseId
    """pytest-benchmark's `fullname`."""
    group: Text | None
    parameters: Facts
    extra_info: Facts
    samples_s: Annotated[list[PositiveSeconds], Field(min_length=1, max_length=MOST_SAMPLES)]
    """Seconds per call, one a round, in the order of execution; nothing dropped."""
    calls_per_round: Annotated[int, Field(ge=1, lt=2**63)]
    options: Facts
    """pytest-benchmark's, as it used them."""
    platform: Platform | None
    """What JAX ran on in that process; None where nothing had started it."""
    peak_rss_bytes: Count | None
    minor_faults: Count
    major_faults: Count
    voluntary_switches: Count
    involuntary_switches: Count
    steal_s: Seconds | None
    timed_s: Seconds
    """Wall time of the test, its calibration and warm-up included; so are the counters."""
    in_turns: bool = False
    """Each round waited for its turn."""
    gpu: GpuWatched | None = None
    """None where JAX ran on no NVIDIA GPU, it cannot be asked, or an older jaxrig measured."""
    warnings: list[Text]

    @model_validator(mode="after")
    def _of_its_rounds(self) -> Self:
        _of_these_rounds(self.gpu, self.samples_s)
        return self


Measured = Measurement | Benchmark


class Operation(BaseModel):
    """One of a profile, by XLA's name for it: how often it ran, and seconds of its own, without
    those that ran within it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: LongText
    count: Annotated[int, Field(ge=1, lt=2**63)]
    seconds: Seconds


class Profile(_Record):
    """One case under JAX's profiler, in a launch that times none. Seconds of all its calls."""

    kind: Literal["profile"]
    case: CaseId
    calls: Annotated[int, Field(ge=1, lt=2**63)]
    wall_s: PositiveSeconds
    device_s: Seconds | None
    """In which at least one operation ran; None where the profiler saw none."""
    operations: Annotated[list[Operation], Field(max_length=1000)]
    """The longest first."""
    other_operations_s: Seconds
    """Of those that are not told one by one."""


class CollectionFailure(BaseModel):
    """A file that cannot be collected; `case` is None where no single one is to blame."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    case: CaseId | None
    message: LongText


class Collected(_Record):
    """What is in a suite of one's own; the only record of a process that measures nothing."""

    kind: Literal["collected"]
    benchmarks: list[CaseId]
    others: list[CaseId]
    """Tests that do not use pytest-benchmark's fixture."""
    failures: list[CollectionFailure]


class Known(_Record):
    """Every case that an image holds, and its definition; the only record of its process."""

    kind: Literal["known"]
    cases: dict[CaseId, Text]


class Skipped(_Record):
    """A case that cannot run in this launch, as for want of memory; no failure."""

    kind: Literal["skipped"]
    case: CaseId
    reason: LongText


class Failure(_Record):
    """A case that could not be measured; the launch goes on."""

    kind: Literal["failure"]
    case: CaseId
    failure: FailureKind
    message: LongText


class Finished(_Record):
    """Last record of a launch that came to its end."""

    kind: Literal["finished"]
    cases: Count


Record = (
    Environment
    | CaseStarted
    | Ready
    | Measurement
    | Benchmark
    | Profile
    | Skipped
    | Failure
    | Finished
    | Collected
    | Known
)

_ADAPTER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")])


def parse(line: bytes) -> Record:
    """The record in `line` (UTF-8 JSON). Raises `BadRecord` saying what is wrong with it."""
    _refuse_bomb(line)
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRecord(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _refuse_bomb(line: bytes) -> None:
    """Raises `BadRecord` for what would take much more memory than a record can need; before it is
    read, since reading is what takes the memory."""
    if len(line) <= MOST_OTHER_BYTES:
        return
    samples = max(_SAMPLES.findall(line), key=len, default=b"")
    if samples.count(b",") >= MOST_SAMPLES:
        raise BadRecord(f"samples_s: more than {MOST_SAMPLES:,} samples")
    other = len(line) - len(samples)
    if other > MOST_OTHER_BYTES:
        raise BadRecord(
            f"{other:,} bytes beside its samples; the most is {MOST_OTHER_BYTES:,}. "
            "Keep large data out of extra_info and of the names of tests"
        )
