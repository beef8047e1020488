"""What can go wrong between the harness and an engine; each message names the way out."""


class EngineError(Exception):
    """An engine could not do what was asked of it."""


class EngineUnavailable(EngineError):
    """No engine answers, or it stopped answering."""


class ImageUnavailable(EngineError):
    """An image could not be built, pulled or made; the message ends with the log's end."""


class LaunchRefused(EngineError):
    """The engine would not start a launch: no such device, a limit it cannot set."""
