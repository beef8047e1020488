"""What GitHub Actions shows of a comparison: a job summary, and an annotation for each regression.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.view import View, printable, render

if TYPE_CHECKING:
    from harness.ab import CaseResult


def summarise(view: View, path: str | None) -> None:
    """Appends `view` to the job's summary, whose file is $GITHUB_STEP_SUMMARY; None: there is
    none. Raises OSError."""
    if path:
        with Path(path).open("a") as summary:
            summary.write(f"### jaxrig\n\n{render(view, 'md')}\n")


def annotations(results: Sequence["CaseResult"]) -> str:
    """Lines that become annotations: an error for what is slower, a warning for what is gone."""
    lines = []
    for each in results:
        if each.verdict == "slower" and each.ratio is not None:
            more = f"{each.ratio - 1:+.1%} ({each.low:.3f} … {each.high:.3f}, {each.pairs} pairs)"
            what = f"{each.case}: {each.metric.replace('_', ' ')} {more}"
            lines.append(error(what))
        elif each.presence in ("removed", "changed"):
            what = f"{each.case}: {'; '.join(each.remarks)}"
            lines.append(_command("warning", f"case {each.presence}", what))
    return "".join(lines)


def error(message: str) -> str:
    """A line that becomes an annotation: something is slower."""
    return _command("error", "slower", message)


def _command(level: str, title: str, message: str) -> str:
    text = printable(message).replace("%", "%25")
    return f"::{level} title=jaxrig%3A {title}::{text}\n"
