"""What a user is told when something cannot be done: what is wrong, where, and what to do."""

from __future__ import annotations


class HeadstartError(Exception):
    """A mistake the user can mend. The message says what is wrong, where, and what to do; exit code 2."""


class DataError(HeadstartError):
    """The target's files, columns or labels cannot be used as they are."""


class SourceError(HeadstartError):
    """A source cannot be found, opened or used for what is asked of it."""


class StrategyError(HeadstartError):
    """A strategy does not fit this source, target or task."""


class RecipeError(HeadstartError):
    """A recipe or option has a value or key that is not known."""


class RunError(HeadstartError):
    """A run folder is missing, unfinished or damaged."""


class TrainingError(HeadstartError):
    """Training produced something that cannot be used, such as a loss that is not a number."""
