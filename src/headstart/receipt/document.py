"""The receipt as a document: what receipt.json holds, with a meaning for each field. `schema` describes it."""

from __future__ import annotations

import math
from typing import Any, Literal

import pydantic
from pydantic import Field, JsonValue

from headstart.measure.intervals import Interval
from headstart.measure.paired import Verdict as Answer

VERSION: Literal[1] = 1


class Part(pydantic.BaseModel):
    """A section of the receipt: frozen, and without fields that the schema does not know."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Range(Part):
    """A value with its 95 % interval."""

    value: float | None = Field(description="The value on all test examples; null when it is not defined there.")
    low: float | None = Field(description="Lower end of the 95 % interval; null when it is unknown or unbounded.")
    high: float | None = Field(description="Upper end of the 95 % interval; null when it is unknown or unbounded.")

    @staticmethod
    def of(interval: Interval) -> Range:
        return Range(value=finite(interval.value), low=finite(interval.low), high=finite(interval.high))


def finite(number: float) -> float | None:
    """JSON has no infinity and no nan."""
    return float(number) if math.isfinite(number) else None


class Measure(Part):
    """One metric of the task."""

    name: str
    title: str
    greater_is_better: bool
    is_share: bool = Field(description="Whether it lies between 0 and 1 and is read as a percentage.")


class SourceSection(Part):
    """The pretrained model that was started from."""

    name: str
    family: str = Field(description="The library it comes from.")
    architecture: str
    modality: str
    licence: str
    trained_on: str
    parameters: int
    fingerprint: str = Field(description="Digest of architecture, configuration and weights.")
    runtime: str | None = Field(description="How its frozen part was computed; null when everything was in the bank.")
    runtime_reason: str | None = Field(description="Why that runtime was taken.")
    parity: float | None = Field(description="Mean cosine with the float32 reference, on a probe batch, worst stage.")


class ClassCount(Part):
    """How often one class or label occurs in training and validation together."""

    name: str
    count: int


class Quarantine(Part):
    """An item that was set aside before anything was learned."""

    id: str
    reason: str


class TargetSection(Part):
    """The user's data."""

    origin: str
    read: list[str] = Field([], description="Columns that the contents were read from; empty where these are no texts.")
    fingerprint: str = Field(description="Digest of ids, contents, labels and parts of the split.")
    training: int = Field(description="Examples to train on.")
    validation: int
    test: int = Field(description="Examples that nothing was fitted, stopped or chosen on.")
    groups: int | None = Field(description="Different groups among the test examples; null where there are none.")
    classes: list[ClassCount] = Field(description="Empty where the task has no classes.")
    quarantine: list[Quarantine]
    notes: list[str]


class TaskSection(Part):
    """What is predicted."""

    kind: str
    label: str = Field(description="The column that is learned.")
    labels: list[str]
    primary: str = Field(description="The metric that decides the verdict.")
    measures: list[Measure]
    watched: str = Field("", description="What learning curves show; empty: the metric that decides.")
    things: str = Field("", description="What examples are called, such as windows; empty: by what they hold.")


class PhaseRate(Part):
    """The learning rate of one stage or head in one phase."""

    phase: str
    rate: float | None = Field(description="null: frozen in that phase, or solved in closed form.")


class TrainableRow(Part):
    """One stage of the source, or one head."""

    stage: str
    parameters: int
    is_head: bool
    how: Literal["frozen", "trains", "solved", "solved, then trains"]
    rates: list[PhaseRate]


class StrategySection(Part):
    """How it was adapted."""

    name: str
    options: dict[str, JsonValue]
    plan: dict[str, JsonValue]
    trainable: list[TrainableRow]


class CurvePoint(Part):
    """One evaluation during training, on the validation part."""

    phase: str
    step: int
    seconds: float = Field(description="Since the arm's training began, over all phases.")
    items_seen: int
    loss: float | None
    value: float | None = Field(description="What learning curves show, on the validation part: see the task.")


class CostSection(Part):
    """What was used. Passes count one example each."""

    seconds: float
    items_seen: int
    forward_passes: int
    backward_passes: int
    from_bank: int = Field(description="Examples whose features were in the bank already.")


class TotalCost(CostSection):
    """What the whole run used, every arm together."""

    peak_memory: int = Field(description="Bytes.")


class ArmSection(Part):
    """One way to answer the test examples."""

    name: str
    title: str
    knows_source: bool
    metrics: dict[str, Range]
    seeds: list[float] = Field(
        default_factory=list,
        description="The deciding metric by seed, that of `metrics` first; empty where it was trained with one only.",
    )
    cost: CostSection | None = Field(description="null: nothing was trained for it.")
    notes: list[str]
    curve: list[CurvePoint]
    still_improving: bool | None


class VerdictSection(Part):
    """Whether the source helped."""

    answer: Answer
    metric: str
    against: str | None = Field(description="Name of the best arm that knows no source; null when there is none.")
    difference: Range | None = Field(description="Adapted minus that arm, paired over test examples or groups.")
    resamples: int = Field(description="Of the bootstrap.")
    sentence: str


class LabelPoint(Part):
    """What the transfer reaches with that many labels."""

    labels: int
    value: float | None
    low: float | None
    high: float | None


class LabelEfficiency(Part):
    """What the transfer saves in labels."""

    points: list[LabelPoint]
    way: str = Field(description="What was fitted with fewer labels.")
    sentence: str | None
    reaches_with: int | None = Field(
        description="About how many labels the transfer needs to do as well as scratch does with all."
    )
    worth: int | None = Field(description="All labels less those: what the transfer was worth, about.")


class Confused(Part):
    """Test examples of one class that were taken for another."""

    truth: str
    answer: str
    count: int


class Confusion(Part):
    """Counts of (true class, answered class)."""

    labels: list[str]
    counts: list[list[int]] = Field(description="Rows are true classes; empty where there are too many to list.")
    most: list[Confused] = Field(description="The most frequent mistakes.")


class LabelRow(Part):
    """How one label, or type of span, fares by itself."""

    name: str
    count: int = Field(description="How often it is in the test.")
    f1: Range
    precision: Range
    recall: Range


class SliceRow(Part):
    """The deciding metric on the test examples that share a property, such as their length."""

    property: str
    value: str
    count: int
    metric: Range


class ReliabilityBin(Part):
    """Test examples of similar confidence."""

    confidence: float
    accuracy: float
    count: int


class Mistake(Part):
    """A wrong answer; the most confident ones are listed, or the farthest ones where answers are numbers."""

    id: str
    path: str
    truth: JsonValue
    answer: JsonValue
    confidence: float | None


class FrozenSection(Part):
    """Proof that what was to stay as it was did."""

    stages: list[str]
    parameters: int
    before: str | None = Field(description="Digest of the frozen part; null when no training was run at all.")
    after: str | None
    same: bool


class Fingerprints(Part):
    """Digests of everything the numbers depend on."""

    recipe: str
    plan: str
    source: str
    target: str
    test: str = Field(description="Of the test examples' ids and contents.")


class Receipt(Part):
    """The proof of one run."""

    schema_version: Literal[1] = Field(description="Of this document's form.")
    run: str
    created: str = Field(description="UTC, ISO 8601.")
    versions: dict[str, str]
    source: SourceSection
    target: TargetSection
    task: TaskSection
    strategy: StrategySection
    arms: list[ArmSection] = Field(min_length=1, description="The adapted one first.")
    baselines_skipped: bool
    verdict: VerdictSection
    label_efficiency: LabelEfficiency
    confusion: Confusion | None
    by_label: list[LabelRow] = Field(default_factory=list, description="In the order of the labels.")
    by_property: list[SliceRow] = Field(default_factory=list)
    reliability: list[ReliabilityBin]
    mistakes: list[Mistake]
    frozen: FrozenSection
    cost: TotalCost
    warnings: list[str]
    seed: int
    fingerprints: Fingerprints

    @property
    def adapted(self) -> ArmSection:
        return self.arms[0]

    @property
    def primary(self) -> Measure:
        return next(measure for measure in self.task.measures if measure.name == self.task.primary)

    @property
    def watched(self) -> Measure:
        """How the values of learning curves are read."""
        if not self.task.watched:
            return self.primary
        return Measure(name="watched", title=self.task.watched, greater_is_better=True, is_share=False)

    def arm(self, name: str) -> ArmSection | None:
        return next((arm for arm in self.arms if arm.name == name), None)


def schema() -> dict[str, Any]:
    """The JSON schema of receipt.json; docs/receipt.schema.json is this."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Receipt.model_json_schema()}
