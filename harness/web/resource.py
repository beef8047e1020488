"""An address: what it can be asked for, and what makes its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.web.answer import Answer
from harness.web.labels import Labels
from harness.web.parameters import Asked, Parameter
from harness.web.regressions import Regressions
from harness.web.source import Reading


@dataclass(frozen=True, kw_only=True)
class Judging:
    """By what changes and limits are judged. `floor`: of a case, the smallest change that
    matters."""

    floor: Callable[[str], float]
    labels: Labels
    regressions: Regressions


Make = Callable[[Reading, Asked, Judging], Answer]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """`path`: with what stands for a name in braces, which `Asked` has as any other value. `text`:
    what it tells. `schema`: of its JSON; None of a page."""

    path: str
    text: str
    make: Make
    parameters: tuple[Parameter, ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def is_page(self) -> bool:
        return self.schema is None
