"""Losses of the first training steps, as a float64 run of the same training gives them.

By model and number of distinct images, without the first, which is computed where it is needed.
`tests/workloads/test_vision.py` runs the training in float64 and finds these numbers again.
"""

CURVES: dict[tuple[str, int], tuple[float, ...]] = {
    ("resnet-tiny", 8): (2.3176126622326363, 2.142321500958725, 1.9870806046318297),
    ("resnet50", 1): (5.283359443037727, 2.0446097688183613, 0.08027819818258486),
    ("resnet50", 2): (6.572351464075444, 4.864512868079085, 2.6354004433187472),
    ("vit-tiny", 8): (2.3167484020351887, 2.1418500673148833, 2.0042590618429803),
    ("vit-s16", 1): (4.683940001998055, 2.091153385558105, 0.5419772865689172),
    ("vit-s16", 2): (5.143209400163734, 3.2249708559577206, 1.8422040452660018),
    ("vit-b16", 2): (6.471923214004053, 4.724778681397045, 3.1910871112935673),
}
