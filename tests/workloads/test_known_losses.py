"""Stored loss curves are what NumPy's training gives. Slow: a training of 125 M parameters."""

import numpy as np
import pytest

from workloads.catalog import find
from workloads.transformer import reference_train
from workloads.transformer.known_losses import KNOWN_LOSSES
from workloads.transformer.phases import training_inputs

BLAS = 1e-7
"""What another BLAS may differ by: Adam divides by the root of tiny gradients. Seen: 1.03e-9."""


@pytest.mark.parametrize("case_id", KNOWN_LOSSES)
def test_numpy_trains_again_to_the_stored_losses(case_id: str) -> None:
    case = find(case_id)
    weights, sequences = training_inputs(case)
    rate = case.parameters["learning_rate"]
    assert isinstance(rate, float)
    stored = KNOWN_LOSSES[case_id]
    trained = reference_train.losses(
        weights, np.asarray(sequences), steps=len(stored), learning_rate=rate
    )
    assert len(stored) == case.integer("steps")
    np.testing.assert_allclose(trained, stored, rtol=BLAS)
