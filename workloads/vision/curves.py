"""Losses of the first training steps, as a float64 run of the same training gives them.

By model and number of distinct images, without the first, which is computed where it is needed.
`tests/workloads/test_vision.py` runs the training in float64 and finds these numbers again.
"""

CURVES: dict[tuple[str, int], tuple[float, ...]] = {
    ("resnet-tiny", 8): (),
    ("resnet50", 2): (),
    ("vit-tiny", 8): (),
    ("vit-s16", 2): (),
    ("vit-b16", 2): (),
}
