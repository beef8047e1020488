"""Whether changes of level are found where they are, beside the detectors of Otava and asv."""
