import pytest

from workloads.failure import MESSAGE_CHARACTERS, explain, failure_kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), "out_of_memory"),
        (RuntimeError("INTERNAL: something"), "raised"),
        (ValueError("a case named out of memory"), "raised"),
    ],
)
def test_kinds_of_failure(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind


def test_a_message_is_bounded() -> None:
    assert len(explain(ValueError("x" * 10**6))) == MESSAGE_CHARACTERS
