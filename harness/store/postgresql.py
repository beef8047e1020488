"""PostgreSQL: how a session is set up, what its errors mean and ask for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from harness.store.text import document

if TYPE_CHECKING:
    import psycopg

_UPGRADE_LOCK = 0x6A617872_6967  # "jaxrig"; of this database alone

_CONNECTION = {
    # The user's own, in the URL or in PGAPPNAME, comes first.
    "fallback_application_name": "jaxrig",
    "connect_timeout": "10",
    # A server whose machine is gone is missed within a minute, and not in two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Parameters of libpq, where the URL has none."""

_SESSION = (
    # What is read as text, times and numbers, is the same whatever the role or the server prefers.
    "timezone = 'UTC'",
    "datestyle = 'ISO'",
    "extra_float_digits = 1",
    "lock_timeout = '90s'",
    # The same as seen from the server: what a vanished client had begun holds no lock for long.
    "tcp_keepalives_idle = 30",
    "tcp_keepalives_interval = 10",
    "tcp_keepalives_count = 3",
)

_READING = (
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'repeatable read'",
)

_LOST = ("57P01", "57P02", "57P03", "53300")
"""SQLSTATEs of a server that stops, crashes, starts, or has no connection left; so is class 08."""

_COLLISIONS = ("40001", "40P01")  # serialization failure, deadlock

_STOPPING = "the server stops or starts; try again when it is up. What was committed before is kept"
_FULL = "it has no connection left; end others, or raise its max_connections"
_LOCKED = "another process held it too long; try again when that has ended"
_FORBIDDEN = "the user lacks a right there; its owner can GRANT it"
_READ_ONLY = "it takes no writes: a standby, or set so; name the primary server with --db"
_PASSWORD = "see to the password: PGPASSWORD, ~/.pgpass or JAXRIG_DB give it"  # noqa: S105
_MISSING = "make it (createdb), or name another with --db"

_BY_STATE = {
    "08": "the connection was lost; what was committed before is kept",
    "25006": _READ_ONLY,
    "28": _PASSWORD,
    "3D000": _MISSING,
    "40": "others wrote at the same time, again and again; try again",
    "42501": _FORBIDDEN,
    "42P01": "it is damaged or not jaxrig's; restore a copy, or name another with --db",
    "53100": "the server's disk is full; make room there. What was committed before is kept",
    "53300": _FULL,
    "55P03": _LOCKED,
    "57P": _STOPPING,
}
"""What to do, by the beginning of the SQLSTATE."""

_BY_SIGN = {
    "password authentication failed": _PASSWORD,
    "no password supplied": _PASSWORD,
    "pg_hba.conf": "that server lets this user not in from here; see its pg_hba.conf",
    "too many": _FULL,
    "remaining connection slots": _FULL,
    "starting up": _STOPPING,
    "shutting down": _STOPPING,
    "recovery mode": _STOPPING,
    "terminating connection": _STOPPING,
    "closed the connection": "the connection was lost; what was committed before is kept",
    "permission denied for database": _FORBIDDEN,
    'database "': _MISSING,  # ... "x" does not exist
    'role "': "that user does not exist there; name another in the URL (USER@)",
}
"""What to do where a connection fails: then the driver tells no SQLSTATE."""


def writing_engine(url: URL) -> Engine:
    """Sessions that may write. Raises ImportError where psycopg is missing."""
    return _engine(url, *_SESSION)


def reading_engine(url: URL) -> Engine:
    """Sessions in which the server refuses every write, and whose transactions see the database as
    it was when they began. Raises ImportError, as above."""
    return _engine(url, *_SESSION, *_READING, pre_ping=True)


def lock_upgrades(connection: Connection) -> None:
    """Lets one process at a time change the schema, until its transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection is gone or could not be made: another may be had later."""
    state = _state(error)
    if error.connection_invalidated or state is None:
        return error.connection_invalidated or isinstance(error, OperationalError)
    return state in _LOST or state.startswith("08")


def is_collision(error: DBAPIError) -> bool:
    """Whether the server gave this transaction up in favour of another: it may be tried again."""
    return _state(error) in _COLLISIONS


def advice(error: DBAPIError) -> str:
    """The driver's message, in one line, and what to do."""
    told, state = problem(error), _state(error)
    known: Iterator[str | None]
    if state is not None:
        known = (_BY_STATE.get(state[:length]) for length in (5, 3, 2))
    else:
        known = (what_to_do for sign, what_to_do in _BY_SIGN.items() if sign in told)
    what_to_do = next((found for found in known if found), None)
    if what_to_do is None and state is None and isinstance(error, OperationalError):
        what_to_do = "check host and port, and that the server runs and can be reached from here"
    return f"{told}: {what_to_do}" if what_to_do else told


def problem(error: DBAPIError) -> str:
    """The driver's message, without hints, positions and every address that was tried."""
    diagnosis = getattr(error.orig, "diag", None)
    detail = getattr(diagnosis, "message_detail", None)
    first = (str(error.orig).splitlines() or [type(error.orig).__name__])[0]
    return f"{first} ({detail})" if detail else first


def _engine(url: URL, *session: str, pre_ping: bool = False) -> Engine:
    """`pre_ping`: replaces a connection that was lost while nobody used it."""
    parameters = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    engine = create_engine(
        url, connect_args=parameters, pool_pre_ping=pre_ping, json_serializer=document
    )
    settings = "; ".join(f"SET {each}" for each in session)

    def prepare(connection: "psycopg.Connection", _record: Any) -> None:
        connection.autocommit = True  # what is SET in a transaction may end with it
        connection.execute(settings.encode())
        connection.autocommit = False

    event.listen(engine, "connect", prepare)
    return engine


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
