"""Fields of the forms that say what a page is to show."""

from collections.abc import Sequence

from harness.archive import Archive
from harness.report.site.live import Choice, Field
from harness.store.filters import machines_named
from harness.web.choosing import STATUSES
from harness.web.known import Known
from harness.web.parameters import Asked

ANY = Choice(value="", text="any")


def written(asked: Asked, name: str) -> str:
    """What was asked for, as it was."""
    return next((text for key, text in asked.given if key == name), "")


def machine_field(archive: Archive, known: Known, asked: Asked, other: Choice = ANY) -> Field:
    """`other`: what it means to choose none."""
    roots = sorted({archive.counts_as[each.machine] for each in archive.machines})
    choices = [Choice(value=root, text=archive.machine_names[root]) for root in roots]
    told = written(asked, "machine")
    named = {known.names.machines[key].counts_as for key in machines_named(told, known.names)}
    value = told if len(named) != 1 else named.pop()
    if value and value not in roots:  # several of that name
        choices.insert(0, Choice(value=value, text=value))
    by_name = sorted(choices, key=lambda each: each.text)
    return Field(name="machine", label="Machine", value=value, choices=[other, *by_name])


def target_field(known: Known, asked: Asked, other: Choice = ANY) -> Field:
    return _of_words("target", "Target", asked, known.targets, other)


def suite_field(known: Known, asked: Asked) -> Field:
    return _of_words("suite", "Suite", asked, known.suites)


def status_field(asked: Asked) -> Field:
    return _of_words("status", "Status", asked, STATUSES)


def text_field(asked: Asked, name: str, label: str, hint: str) -> Field:
    return Field(name=name, label=label, value=written(asked, name), hint=hint)


def _of_words(
    name: str, label: str, asked: Asked, words: Sequence[str], other: Choice = ANY
) -> Field:
    choices = [Choice(value=word, text=word) for word in words]
    return Field(name=name, label=label, value=written(asked, name), choices=[other, *choices])
