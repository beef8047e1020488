from collections import Counter

from tests.benchmarks.verdicts import CASES, SHARES
from tests.benchmarks.verdicts.plan import PEERS, plan


def decisions(who: str, share: float) -> int:
    """With the noise on."""
    items = [each for each in plan() if (each.who, each.share, each.noise) == (who, share, True)]
    return len(items) * len(CASES)


def test_there_are_as_many_decisions_as_are_promised() -> None:
    assert decisions("jaxrig", 0.0) >= 60
    assert all(decisions("jaxrig", share) >= 30 for share in SHARES)
    assert all(decisions(who, share) >= 30 for who in PEERS for share in (0.0, 0.05))


def test_everybody_is_measured_without_noise_too() -> None:
    assert {each.who for each in plan() if not each.noise} == {"jaxrig", *PEERS}


def test_every_comparison_has_a_name_of_its_own() -> None:
    assert max(Counter(each.id for each in plan()).values()) == 1
