"""A public name of a run or of a regression, where another one may have it already."""

from sqlalchemy import Connection, column, select, table


def free_name(connection: Connection, name: str, of: str = "runs") -> str:
    """`name`, or where another one of that table has it `NAME-2`, and so on."""
    rows = table(of, column("id"), column("name"))
    free, count = name, 1
    while connection.scalar(select(rows.c.id).where(rows.c.name == free)) is not None:
        count += 1
        free = f"{name}-{count}"
    return free
