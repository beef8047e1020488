"""What a page has beside its content where it is made when it is asked for: forms that say what it
is to show, and ways to the pages before and after. They work without scripts."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`value`: what is asked for; nothing: whatever there is."""

    value: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """`choices`: what can be chosen; None: whatever is written, of which `hint` is an example."""

    name: str
    label: str
    value: str
    choices: Sequence[Choice] | None = None
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Form:
    """`action`: the page that it asks for, from the site's root. `near`: what is suggested where
    something is to be written."""

    action: str
    label: str
    fields: Sequence[Field]
    near: Sequence[Choice] = ()


@dataclass(frozen=True, kw_only=True)
class Pager:
    """`told`: what is shown. `before`, `after`: addresses from the site's root; None where there is
    no such page."""

    told: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Live:
    """`note`: what a reader has to know of what is shown."""

    form: Form | None = None
    pager: Pager | None = None
    note: str = ""
