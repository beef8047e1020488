"""Losses of trainings that take NumPy too long to repeat before every timing.

Each is what `reference_train.losses` gives, in float64; a test trains again.
"""

KNOWN_LOSSES: dict[str, tuple[float, ...]] = {
    "transformer/small/train_step/f32": (
        10.830400049207897,
        5.462125239181682,
        2.637794857742045,
        0.6023031415520703,
    ),
}
"""By case id, the loss before each update."""
