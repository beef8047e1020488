"""Tables for queries that must answer at once: the mapped models take longer to import than these
take to read. Only the columns that are read; docs/schema.md explains each.

Times are read as text where there are many: whoever needs them parses them all at once.
"""

from sqlalchemy import JSON, Boolean, column, table

from harness.store.types import UtcTime

OVERVIEW = table(
    "run_overview",
    column("id"),
    column("run"),
    column("status"),
    column("target"),
    column("platform"),
    column("isolation"),
    column("machine"),
    column("image"),
    column("suite"),
    column("started_at", UtcTime),
    column("ended_at", UtcTime),
    column("measurements"),
    column("failures"),
    column("skipped"),
    column("launches_planned"),
    column("tags", JSON),
    column("git_commit"),
    column("git_dirty", Boolean),
    column("jaxrig_version"),
    column("owner"),
    column("deadline_at", UtcTime),
)
"""The view that `jaxrig runs` reads; a row a run, named as in `Run` but for its `id` and the last
two, which tell whether it is still there."""

CASES = table("cases", column("id"), column("name"))
MACHINES = table("machines", column("id"), column("fingerprint"), column("name"))
MACHINE_ROOTS = table("machine_roots", column("machine_id"), column("root_id"))
IMAGES = table("images", column("id"), column("digest"), column("tag"))
ENVIRONMENTS = table("environments", column("id"), column("facts", JSON))

RUNS = table(
    "runs",
    column("id"),
    column("name"),
    column("status"),
    column("target"),
    column("isolation"),
    column("suite"),
    column("tags", JSON),
    column("machine_id"),
    column("image_id"),
    column("git_commit"),
    column("started_at", UtcTime),
)

LAUNCHES = table(
    "launches",
    column("id"),
    column("run_id"),
    column("index"),
    column("part"),
    column("environment_id"),
    column("noise", JSON),
)

MEASUREMENTS = table(
    "measurements",
    column("id"),
    column("launch_id"),
    column("case_id"),
    column("program_id"),
    column("samples_s"),
    column("summary"),
    column("median_s"),
    column("trace_s"),
    column("lower_s"),
    column("compile_s"),
    column("peak_rss_bytes"),
    column("device_peak_bytes"),
)

PROGRAMS = table(
    "programs",
    column("id"),
    column("hlo_sha256"),
    column("flops"),
    column("bytes"),
    column("work_unit"),
    column("work_count"),
)

PAIRINGS = table("pairings", column("id"), column("base_run_id"), column("candidate_run_id"))
VERDICTS = table(
    "verdicts",
    column("pairing_id"),
    column("case"),
    column("metric"),
    column("ratio"),
    column("pairs"),
)
NIGHTS = table("nights", column("pairing_id"), column("anchor_id"))
ANCHORS = table("anchors", column("id"), column("bridge_pairing_id"), column("pinned_at"))

ALL = (
    *(OVERVIEW, CASES, MACHINES, IMAGES, ENVIRONMENTS, RUNS, LAUNCHES, MEASUREMENTS, PROGRAMS),
    *(MACHINE_ROOTS, PAIRINGS, VERDICTS, NIGHTS, ANCHORS),
)
