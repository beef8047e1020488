"""What stands in a database, and was not put there by jaxrig."""

from harness.errors import DatabaseFailure


class Damaged(DatabaseFailure, ValueError):
    """Bytes that nothing here wrote: of a damaged file, or of a hostile one."""
