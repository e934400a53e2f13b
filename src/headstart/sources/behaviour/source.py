"""Sources that know how people choose: a model of behaviour over items known by the features of a text source."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from headstart.core import files, fingerprints
from headstart.core.errors import SourceError
from headstart.data.contents import Told
from headstart.data.modalities.interactions import Interactions
from headstart.measure.collaborative import Histories, factors
from headstart.sources import weights as weight_files
from headstart.sources.behaviour.histories import HistorySource, key_of
from headstart.sources.behaviour.memory import moved, solved
from headstart.sources.contract import Artefact, Source
from headstart.sources.description import SourceCard
from headstart.sources.formats import BEHAVIOUR
from headstart.sources.recommending import RECOMMENDER, Catalogue, Recommended

if TYPE_CHECKING:
    import torch

ITEM_IDS = "items.json"
"""File of the ids and titles of the items, in the order of their vectors, in a run's folder."""
CATALOGUE, MEMORY, EARLIER, PEOPLE, ELSEWHERE = "catalogue.", "memory.", "earlier.", "people.", "elsewhere."
"""Parts of the network that belong to one catalogue. Where another is met, they stay behind, unless it is said that
items or users are the same: then the memory is an earlier one, and people are those known from elsewhere."""
FACTORS = 64
"""Numbers by which a user is known elsewhere."""
MOST_ASKED, LEAST_ASKED = 3000, 200
"""Users of the validation part by whom the memory's settings are chosen, as many as MOST_SCORES has room for."""
MOST_SCORES = 50_000_000
"""Scores of items that are held at once."""
AT_ONCE = 256
REASONED, REASONS = 30, 2
"""Last items of a history that are looked at for reasons, and reasons that are given."""


class BehaviourSource(HistorySource):
    """A folder with config.json (sizes, and the text source that items are known by) and model.safetensors.

    It answers for the catalogue that it was last made acquainted with (`knowing`): items are numbers from 0.
    """

    family = BEHAVIOUR

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        items: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(name)
        self._config = dict(config)
        self._arrays = dict(arrays)
        self._ids = tuple(name for name, _ in items)
        self._titles = tuple(title for _, title in items)

    @staticmethod
    def open(folder: Path, name: str) -> BehaviourSource:
        items = files.read_json(folder / ITEM_IDS) if (folder / ITEM_IDS).is_file() else ()
        arrays = weight_files.load(weight_files.find(folder))
        return BehaviourSource(name, files.read_json(folder / "config.json"), arrays, items)

    @staticmethod
    def over(texts: Source) -> BehaviourSource:
        """Without any knowledge of behaviour: a user looks for what is like the last items, by their texts alone."""
        width = texts.stages[-1].width
        config = {"model_type": BEHAVIOUR, "text": texts.name, "features": width, "width": width, "layers": 0}
        config |= {"license": texts.description.card.licence, "trained_on": texts.description.card.trained_on}
        found = BehaviourSource(texts.name, config, {"adapter.weight": np.eye(width, dtype=np.float32)})
        found._describer = texts
        return found

    _describer: Source | None = None

    @property
    def describer(self) -> Source:
        """The source of the features that items are known by."""
        if self._describer is None:
            from headstart.sources.open import open_source

            self._describer = open_source(str(self._config["text"]))
        return self._describer

    def knowing(self, things: Catalogue) -> BehaviourSource:
        width = int(self._config["features"])
        if things.features.shape[1] != width:
            raise SourceError(
                f"{self.title} knows items by {width} features of {self._config['text']}, which gives "
                f"{things.features.shape[1]} now. Teach it anew with: headstart pretrain --objective recommendation"
            )
        other = copy.copy(self)
        for cached in ("description", "_number", "_person"):
            other.__dict__.pop(cached, None)
        other.known = None
        other._describer = self._describer
        other._ids, other._titles = tuple(things.ids), tuple(things.titles)
        behind = (CATALOGUE, MEMORY, EARLIER, ELSEWHERE, PEOPLE)
        kept = {name: one for name, one in self._arrays.items() if not name.startswith(behind)}
        if things.same_users:
            people = {name: one for name, one in self._arrays.items() if name.startswith(PEOPLE)}
            kept |= {name.replace(PEOPLE, ELSEWHERE): one for name, one in people.items()}
        if things.same_items and f"{MEMORY}weight" in self._arrays:
            memory = {name.removeprefix(MEMORY): one for name, one in self._arrays.items() if name.startswith(MEMORY)}
            places = np.array([self._number.get(name, -1) for name in things.ids], np.int64)
            kept |= {f"{EARLIER}{name}": one for name, one in moved(memory, places).items()}
        own = {"catalogue.features": things.features, "catalogue.counts": np.array(things.counts, np.float32)}
        other._arrays = {**kept, **own}
        return other

    def from_random(self, seed: int) -> Self:
        other = super().from_random(seed)
        other.__dict__.pop("_person", None)  # it knows nobody
        return other

    def known_keys(self) -> Sequence[int]:
        return () if self.seed is not None else list(self._arrays.get(f"{ELSEWHERE}keys", ()))

    def with_head(self, head: str) -> Source:
        return self if head in ("", RECOMMENDER) else super().with_head(head)

    @property
    def architecture(self) -> str:
        return BEHAVIOUR

    def identity(self) -> dict[str, Any]:
        return {"configuration": self._config, "weights": fingerprints.of_arrays(self._arrays), "items": self._ids}

    def has_classifier(self) -> bool:
        return False

    @property
    def answers_itself(self) -> bool:
        return True

    def preparation(self) -> dict[str, Any]:
        return {"length": int(self._config.get("length", 50)), "text": self._config["text"]}

    def own_labels(self) -> tuple[str, ...]:
        return ()

    def configuration(self) -> dict[str, Any]:
        return self._config

    def card(self) -> SourceCard:
        return SourceCard.stated(self._config, sum(array.nbytes for array in self._arrays.values()), "")

    def build(self, pretrained: bool) -> torch.nn.Module:
        import torch

        from headstart.sources.behaviour.network import BehaviourModel

        known = self._config
        network = BehaviourModel(
            int(known["features"]), int(known["width"]), int(known["layers"]), int(known.get("heads", 1)),
            int(known.get("length", 50)), float(known.get("dropout", 0.0)),
        )  # fmt: skip
        chosen = self._arrays if pretrained else self._of_the_catalogue()
        tensors = {name: torch.from_numpy(value) for name, value in chosen.items()}
        network.load_state_dict(tensors, strict=False)
        if not pretrained and not known["layers"]:
            torch.nn.init.orthogonal_(network.adapter.weight)
        return network

    def _of_the_catalogue(self) -> dict[str, NDArray[Any]]:
        """What random weights keep: the items and their features are the target's."""
        return {name: one for name, one in self._arrays.items() if name.startswith(CATALOGUE)}

    def weights(self) -> dict[str, NDArray[Any]]:
        return {name: tensor.detach().numpy() for name, tensor in self.module().state_dict().items()}

    def artefact(self, labels: Sequence[str], outputs: int) -> Artefact:
        del labels, outputs
        items = list(zip(self._ids, self._titles, strict=True))
        return Artefact({"config.json": self._config, ITEM_IDS: items}, (), "")

    def remarks(self, contents: Iterable[Any], counts: Mapping[str, Mapping[str, int]]) -> list[str]:
        del contents, counts
        if self._config["layers"]:
            return []
        return ["The source has seen texts, and nobody's behaviour: items are near one another where their texts are."]

    def recommend(self, content: Any, count: int) -> list[Recommended]:
        """Reasons are the items without which something would stand lower; of the last ones, at most REASONED."""
        met, user = self._numbers(content), Interactions().decode(content).user
        asked = np.arange(len(met))[-REASONED:]
        given = [met, *(np.delete(met, place) for place in asked)]
        full, *others = self._answers([{"user": user, "items": [self._ids[one] for one in items]} for items in given])
        without = np.array(others).reshape(len(asked), len(full))
        best = [one for one in np.argsort(-full, kind="stable")[:count].tolist() if np.isfinite(full[one])]
        found = []
        for one in best:
            lost = full[one] - without[:, one]
            spoke = [int(met[asked[row]]) for row in np.argsort(-lost, kind="stable")[:REASONS] if lost[row] > 0]
            because = tuple(self._ids[item] for item in spoke)
            found.append(Recommended(self._ids[one], self._titles[one], float(full[one]), because))
        return found

    def thing(self, name: str) -> str:
        return (self._titles[self._number[name]] if name in self._number else "") or name

    def solved(self, train: Told, validation: Told, fit: Told) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        (_, met), (people, everything) = self._histories(train), self._histories(fit)
        most = min(MOST_ASKED, max(LEAST_ASKED, MOST_SCORES // max(1, len(self._ids))))
        contents = list(itertools.islice(validation.contents(), most))
        wanted = np.array([self._number[str(label)] for label in validation.labels[:most]], np.int64)
        users = [Interactions().decode(content).user for content in contents]
        asked = Histories.of(map(self._numbers, contents), len(self._ids), self._known_of(users))
        arrays, notes = solved(met, everything, asked, wanted, self._answers(contents, alone=True))
        keys = np.array([key_of(user) for user in people], np.int64)
        return {**arrays, f"{PEOPLE}keys": keys, f"{PEOPLE}vectors": factors(everything, FACTORS)}, notes

    def _histories(self, told: Told) -> tuple[list[str], Histories]:
        """The users that `told` tells of, and all that they met."""
        found: dict[str, NDArray[np.int64]] = {}
        for content, label in zip(told.contents(), told.labels, strict=True):
            user, items = Interactions().decode(content).user, self._numbers(content)
            if user not in found or len(items) >= len(found[user]):
                found[user] = np.append(items, self._number[str(label)])
        return list(found), Histories.of(found.values(), len(self._ids), self._known_of(found))

    def _known_of(self, users: Iterable[str]) -> NDArray[np.float32] | None:
        """(U, D): the vectors of users known from elsewhere, zeros for others; None where nobody is known."""
        if not self._person:
            return None
        vectors = np.asarray(self._arrays[f"{ELSEWHERE}vectors"], np.float32)
        places = np.array([self._person.get(key_of(user), -1) for user in users], np.int64)
        return np.asarray(vectors[places] * (places >= 0)[:, None], np.float32) if (places >= 0).any() else None

    def _answers(self, contents: Sequence[Any], alone: bool = False) -> NDArray[np.float32]:
        """Scores (N, K) of what comes next; of the network `alone`, without a memory."""
        import torch

        network, entry = self.module(), self.entry()
        found = np.empty((len(contents), len(self._ids)), np.float32)
        with torch.no_grad():
            for start in range(0, len(contents), AT_ONCE):
                some = self.collate([self.prepare(content) for content in contents[start : start + AT_ONCE]])
                entered = entry({name: torch.from_numpy(values) for name, values in some.items()})
                found[start : start + AT_ONCE] = network(**entered, remembers=not alone).numpy()
        return found


open_behaviour = BehaviourSource.open
