"""What ties runs to one another, on its way into another database: pairings with their verdicts
and nights, anchors, and machines that count as another.

A tie is added where what it ties is there; what is there already is left as it is.
"""

from sqlalchemy import select, update

from harness.store.copying import Stored, Transfer, stored
from harness.store.links import lock_links
from harness.store.models import (
    AnchorRow,
    MachineLinkRow,
    MachineRow,
    NightRow,
    PairingRow,
    RunRow,
    VerdictRow,
)


def add_pairing(transfer: Transfer, row: Stored) -> None:
    """A pairing of two runs that are there, and what was said of it."""
    here = transfer.known(PairingRow, row)
    if here is None:
        runs = (transfer.source.row(RunRow, key) for key in (row.base_run_id, row.candidate_run_id))
        if any(transfer.known(RunRow, run) is None for run in runs):
            return
        here = transfer.add(PairingRow, row)
        for night in transfer.source.rows(NightRow, stored(NightRow).c.pairing_id == row.id):
            add_anchor(transfer, transfer.source.row(AnchorRow, night.anchor_id))
        transfer.add_all(NightRow, stored(NightRow).c.pairing_id == row.id)
    of = stored(VerdictRow)
    if transfer.connection.scalar(select(of.c.id).where(of.c.pairing_id == here).limit(1)) is None:
        transfer.add_all(VerdictRow, of.c.pairing_id == row.id)


def add_anchor(transfer: Transfer, row: Stored) -> None:
    """An anchor; its bridge where that pairing is there, now or later."""
    of = stored(AnchorRow)
    here, bridge = transfer.known(AnchorRow, row), _bridge(transfer, row)
    if here is None:
        transfer.add(AnchorRow, row, bridge_pairing_id=bridge)
    elif bridge is not None:
        transfer.connection.execute(
            update(of)
            .where(of.c.id == here, of.c.bridge_pairing_id.is_(None))
            .values(bridge_pairing_id=bridge)
        )


def is_tied(transfer: Transfer, row: Stored) -> bool:
    """Whether an anchor is there, or the pairing that is its bridge."""
    known = transfer.known(AnchorRow, row) is not None
    return known or _bridge(transfer, row) is not None


def _bridge(transfer: Transfer, row: Stored) -> int | None:
    if row.bridge_pairing_id is None:
        return None
    return transfer.known(PairingRow, transfer.source.row(PairingRow, row.bridge_pairing_id))


def add_link(transfer: Transfer, row: Stored) -> None:
    """Of a machine that is there, and of which nothing else is said, nor the other way round; then
    what the other one counts as, which may have come with it."""
    lock_links(transfer.connection)
    of, machines = stored(MachineLinkRow), stored(MachineRow)
    machine = transfer.source.row(MachineRow, row.machine_id)
    here = transfer.connection.scalar(
        select(machines.c.id).where(machines.c.fingerprint == machine.fingerprint)
    )
    links = {each.machine_id: each.same_as_id for each in transfer.connection.execute(select(of))}
    if here is None or here in links:
        return
    seen, at = {here}, transfer.shared_id(MachineRow.__tablename__, row.same_as_id)
    while at not in seen and at in links:
        seen.add(at)
        at = links[at]
    if at in seen:
        return
    transfer.add_all(MachineLinkRow, of.c.machine_id == row.machine_id)
    for further in transfer.source.rows(MachineLinkRow, of.c.machine_id == row.same_as_id):
        add_link(transfer, further)
