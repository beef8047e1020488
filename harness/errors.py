"""Every way in which a command ends early: one class per exit code, each saying what to do next."""


class JaxrigError(Exception):
    """Base of all. `exit_code` is what the process ends with."""

    exit_code = 1


class Regression(JaxrigError):
    """The candidate is slower: in turns, and again in new containers; or, of two stored runs, by
    more than runs of that machine scatter."""

    exit_code = 1


class UsageError(JaxrigError):
    """An unknown target, case, run or option, or a jaxrig.toml that cannot be read."""

    exit_code = 2


class TooLittleData(JaxrigError):
    """A decision was asked for, and not one case could be looked at."""

    exit_code = 3


class CasesFailed(JaxrigError):
    """A case gave wrong numbers, ran out of memory or time, or crashed."""

    exit_code = 4


class EnvironmentFailure(JaxrigError):
    """No engine, an image that cannot be built, the wrong platform."""

    exit_code = 5


class DatabaseFailure(JaxrigError):
    """The database is unreachable, not writable, corrupt, or of a newer schema."""

    exit_code = 6


class NoResults(DatabaseFailure):
    """There is no database yet, or an empty one: the first run makes it."""


class Interrupted(JaxrigError):
    """Ctrl-C or SIGTERM; what was measured is kept."""

    exit_code = 130
