"""What an engine is asked for: the launches of a plan as specs."""

from collections.abc import Mapping
from dataclasses import replace

from containers.spec import LaunchSpec
from harness.plan import Plan
from harness.runner.setup import Setup, limits
from workloads.catalog import find

SHARED_DEVICE = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.45"}
"""What either of two launches in turns takes of a device's memory, unless its target says
otherwise; alone, JAX takes 0.75. https://docs.jax.dev/en/latest/gpu_memory_allocation.html"""

CASE_LIMIT = "JAXRIG_CASE_LIMIT_S"
"""Tells a launch how long a case may take: one whose GPU was slowed is measured once more, if there
is time."""


def collecting(plan: Plan, setup: Setup) -> LaunchSpec:
    """A launch that says what a suite of one's own holds."""
    return _spec(plan, setup, (*_own_command(plan, setup), "--collect"))


def telling(plan: Plan, setup: Setup) -> LaunchSpec:
    """A launch that says what cases its image holds."""
    return _spec(plan, setup, ("workloads.launch", "--known"))


def measuring(
    plan: Plan,
    setup: Setup,
    cases: tuple[str, ...],
    *,
    rounds: Mapping[str, int] | None = None,
    profiled: bool = False,
) -> LaunchSpec:
    """A launch that measures `cases`, which one process can. `rounds`: in turns, so many of each;
    of a suite of one's own as many as its tests say. `profiled`: under the profiler instead."""
    if plan.own:
        command = (*_own_command(plan, setup), *(() if rounds is None else ("--turns",)))
    else:
        command = (*_command(cases, rounds), *(("--profile",) if profiled else ()))
    # One word each: an id may begin with a dash.
    chosen = tuple(f"--case={case}" for case in cases)
    spec = _spec(plan, setup, (*command, *chosen))
    if plan.target.on_gpu():
        shared = {} if rounds is None else SHARED_DEVICE
        limit = {CASE_LIMIT: f"{plan.target.case_limit_s:g}"}
        spec = replace(spec, env={**shared, **limit, **spec.env})
    return replace(spec, scratch=not plan.own and _on_storage(cases), stdin=rounds is not None)


def _command(cases: tuple[str, ...], rounds: Mapping[str, int] | None) -> tuple[str, ...]:
    devices = find(cases[0]).devices
    forced = ("--devices", str(devices)) if devices > 1 else ()
    if rounds is None:
        return ("workloads.launch", *forced)
    return ("workloads.launch", *forced, "--turns", ",".join(str(rounds[case]) for case in cases))


def _own_command(plan: Plan, setup: Setup) -> tuple[str, ...]:
    file = () if plan.own is None or plan.own.file is None else ("--file", plan.own.file)
    return ("workloads.guest", "--root", str(setup.own_folder), *file)


def _on_storage(cases: tuple[str, ...]) -> bool:
    return any(find(case).cost.storage_bytes > 0 for case in cases)


def _spec(plan: Plan, setup: Setup, command: tuple[str, ...]) -> LaunchSpec:
    target, image = plan.target, setup.image
    return LaunchSpec(
        command=("-m", *command),
        image=None if image is None else image.digest,
        env=target.variables(),
        limits=limits(target),
        platform=target.platform,
        gpus=target.devices(),
        deadline_s=target.launch_limit_s,
    )
