"""A run's public name, where another run may have it already."""

from sqlalchemy import Connection, column, select, table

_RUNS = table("runs", column("id"), column("name"))


def free_name(connection: Connection, name: str) -> str:
    """`name`, or where another run has it `NAME-2`, and so on."""
    free, count = name, 1
    while connection.scalar(select(_RUNS.c.id).where(_RUNS.c.name == free)) is not None:
        count += 1
        free = f"{name}-{count}"
    return free
