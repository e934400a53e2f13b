"""The face for scikit-learn: a classifier and a transformer that start from a source.

Both take as X what `headstart.learn.inputs` describes: pictures or series as arrays, paths, Pillow pictures or
bytes, or rows of numbers. They use the bank, so that cross-validation and grid search compute each feature once.
"""

from headstart.learn.classifier import TransferClassifier
from headstart.learn.features import SourceFeatures
from headstart.learn.inputs import InputError

__all__ = ["InputError", "SourceFeatures", "TransferClassifier"]
