"""Machines that count as another one: the same hardware whose fingerprint changed."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, column, delete, insert, select, table, text

from harness.errors import UsageError
from harness.store.database import open_for_writing, unheard
from harness.store.models import MachineLinkRow, MachineRow
from harness.store.retry import Transactions

_ROOTS = table("machine_roots", column("machine_id"), column("root_id"))


def same_machines(fingerprint: str) -> Select[int]:
    """Ids of all machines that count as the same as this one, itself included."""
    root = (
        select(_ROOTS.c.root_id)
        .join(MachineRow, MachineRow.id == _ROOTS.c.machine_id)
        .where(MachineRow.fingerprint == fingerprint)
        .scalar_subquery()
    )
    return select(_ROOTS.c.machine_id).where(_ROOTS.c.root_id == root)


def link(url: str, machine: str, same_as: str, say: Callable[[str], None] | None = None) -> None:
    """`machine` counts as `same_as` from here on. Both are named by the beginnings of their
    fingerprints. `say` hears of an upgrade. Raises `UsageError` for unknown ones, for a machine
    that is linked already, and where the links would go round in a circle."""

    def work(connection: Connection) -> None:
        lock_links(connection)
        one, other = _id(connection, machine), _id(connection, same_as)
        rows = connection.execute(select(MachineLinkRow.machine_id, MachineLinkRow.same_as_id))
        links = {row.machine_id: row.same_as_id for row in rows}
        if one in links:
            raise UsageError(f"{machine} is linked already; see `jaxrig machines unlink`")
        if one == other or one in _followed(links, other):
            raise UsageError(f"{same_as} counts as {machine} already")
        values = {"machine_id": one, "same_as_id": other, "linked_at": datetime.now(UTC)}
        connection.execute(insert(MachineLinkRow.__table__).values(values))  # type: ignore[arg-type]

    _write(url, work, say)


def unlink(url: str, machine: str, say: Callable[[str], None] | None = None) -> None:
    """Takes a link back. `say` hears of an upgrade. Raises `UsageError` where there is none."""

    def work(connection: Connection) -> None:
        one = MachineLinkRow.machine_id == _id(connection, machine)
        if connection.execute(delete(MachineLinkRow).where(one)).rowcount == 0:
            raise UsageError(f"{machine} is not linked to another machine; see `jaxrig machines`")

    _write(url, work, say)


def lock_links(connection: Connection) -> None:
    """Lets one transaction at a time add links: two that see nothing of each other could close a
    circle. SQLite's writers take turns anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE machine_links IN SHARE ROW EXCLUSIVE MODE"))


def _write(url: str, work: Callable[[Connection], None], say: Callable[[str], None] | None) -> None:
    say = say or unheard
    engine = open_for_writing(url, say, make=False)
    with closing(Transactions(engine, url, say)) as transactions:
        transactions.run(work)


def _id(connection: Connection, fingerprint: str) -> int:
    begins = MachineRow.fingerprint.startswith(fingerprint, autoescape=True)
    found = connection.execute(select(MachineRow.id).where(begins).limit(2)).scalars().all()
    if len(found) != 1:
        raise UsageError(f"no single machine is named {fingerprint!r}; see `jaxrig machines`")
    return found[0]


def _followed(links: dict[int, int], machine: int) -> list[int]:
    """The machines that one counts as, the last of which counts as no other."""
    found: list[int] = []
    while machine in links and machine not in found:
        found.append(machine)
        machine = links[machine]
    return [*found, machine]
