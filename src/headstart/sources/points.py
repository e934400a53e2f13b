"""Where features are taken: a stage, and whether its output is pooled, kept whole, or taken at places."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.sources.description import Description

POOLED, PLACES, AHEAD = "pooled", "places", "ahead"
"""What a head reads: one vector an example, or one at each place that is answered, such as each word; or one of the
latest values of a series, to tell what comes next."""
WHOLE = "whole"
"""What training from a cut on reads: a stage's output as it is."""


@dataclass(frozen=True, order=True)
class Point:
    """`Point("blocks.6")` is (N, D); `Point("blocks.4", "whole")` is the stage's own layout, (N, …);
    `Point("layers.5", "places")` is what a sequence has at the places that are answered, (P, D) an example."""

    stage: str
    form: str = POOLED

    def __str__(self) -> str:
        return self.stage if self.form == POOLED else f"{self.stage}:{self.form}"

    @staticmethod
    def parse(text: str) -> Point:
        stage, _, form = text.partition(":")
        return Point(stage, form or POOLED)

    def shape(self, description: Description) -> tuple[int, ...]:
        """Of one example's features here; -1 for an axis whose length differs between examples."""
        stage = description.stage(self.stage)
        if self.form == PLACES:
            return (-1, stage.width)
        return stage.shape if self.form == WHOLE else (stage.width,)
