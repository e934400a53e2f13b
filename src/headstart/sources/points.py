"""Where features are taken: a stage, and whether its output is pooled or kept whole."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.sources.contract import Description


@dataclass(frozen=True, order=True)
class Point:
    """`Point("blocks.6")` is (N, D); `Point("blocks.4", whole=True)` is the stage's own layout, (N, …)."""

    stage: str
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.stage}:whole" if self.whole else self.stage

    @staticmethod
    def parse(text: str) -> Point:
        stage, _, form = text.partition(":")
        return Point(stage, whole=form == "whole")

    def shape(self, description: Description) -> tuple[int, ...]:
        """Of one example's features here."""
        stage = description.stage(self.stage)
        return stage.shape if self.whole else (stage.width,)
