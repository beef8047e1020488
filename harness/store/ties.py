"""What ties runs to one another, on its way into another database: pairings with their verdicts
and nights, anchors, and machines that count as another.

A tie is added where what it ties is there; what is there already is left as it is.
"""

from sqlalchemy import select, update

from harness.store.copying import Stored, Transfer, stored
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
    here, bridge = transfer.known(AnchorRow, row), None
    if row.bridge_pairing_id is not None:
        pairing = transfer.source.row(PairingRow, row.bridge_pairing_id)
        bridge = transfer.known(PairingRow, pairing)
    if here is None:
        transfer.add(AnchorRow, row, bridge_pairing_id=bridge)
    elif bridge is not None:
        transfer.connection.execute(
            update(of)
            .where(of.c.id == here, of.c.bridge_pairing_id.is_(None))
            .values(bridge_pairing_id=bridge)
        )


def add_link(transfer: Transfer, row: Stored) -> None:
    """Of a machine that is there, and of which nothing else is said, nor the other way round."""
    of, machines = stored(MachineLinkRow), stored(MachineRow)
    machine = transfer.source.row(MachineRow, row.machine_id)
    here = transfer.connection.scalar(
        select(machines.c.id).where(machines.c.fingerprint == machine.fingerprint)
    )
    if here is None:
        return
    name = MachineRow.__tablename__
    links = {each.machine_id: each.same_as_id for each in transfer.connection.execute(select(of))}
    seen, at = {here}, transfer.shared_id(name, row.same_as_id)
    while at not in seen and at in links:
        seen.add(at)
        at = links[at]
    if here not in links and at not in seen:
        transfer.add_all(MachineLinkRow, of.c.machine_id == row.machine_id)
