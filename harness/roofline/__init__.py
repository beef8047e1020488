"""Which limit of the hardware explains a case's time: ceilings, terms, labels, predictions.

Arrays and dataclasses: it knows no database and no container.
"""
