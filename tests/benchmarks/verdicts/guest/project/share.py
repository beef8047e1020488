"""What the project's commits differ in."""

SHARE = "0"
