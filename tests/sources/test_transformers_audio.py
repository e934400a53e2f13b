"""Sound models in the hub's format: cut into stages, prepared and computed as their library does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.networks import Target, workplace
from contracts.plans import assert_same, go, short_plan
from contracts.sounds import FAMILIES, RATE, make_sounds, samples, write_sound_model
from contracts.test_frozen import assert_frozen
from headstart.core.errors import SourceError
from headstart.sources import Source, open_source
from headstart.sources.network import Network
from headstart.sources.points import Point
from headstart.sources.stages import belongs
from headstart.sources.trunk import Trunk
from headstart.verbs import artefact

SOUNDS = [(samples("tone", 1, 2.0), RATE), (samples("noise", 2, 0.4), RATE), (samples("sweep", 3, 5.3), RATE)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_sounds(tmp_path_factory.mktemp("sounds"), 6)


@pytest.fixture(params=list(FAMILIES))
def source(request: pytest.FixtureRequest, models: Path) -> Source:
    folder = models / request.param
    return open_source(folder if folder.is_dir() else write_sound_model(folder, request.param))


def pooled(source: Source, sounds: list[object]) -> np.ndarray:
    network = Network(source).eval()
    batch = {name: torch.from_numpy(value) for name, value in source.collate(list(map(source.prepare, sounds))).items()}
    stages = [stage.name for stage in source.stages]
    with torch.no_grad():
        heard = network(batch, stages)
        return torch.cat([network.pool(stage, heard[stage], batch) for stage in stages], dim=1).numpy()


def test_stages_are_sequences_and_hold_every_parameter(source: Source) -> None:
    described = [(stage.layout, stage.width) for stage in source.stages]
    assert len(described) in (2, 3, 4) and all(width == 24 for _, width in described), source.stages
    assert all(layout == "sequence" for layout, _ in described[:-1]), source.stages
    network, classifier = source.module(), source.description.classifier
    for name, _ in network.named_parameters():
        owners = sum(belongs(name, stage.owns) for stage in source.stages)
        assert owners == (0 if classifier and belongs(name, [classifier]) else 1), name


def test_preprocessor_and_tokenizer_saved_as_one_are_read(tmp_path: Path, sounds: Target) -> None:
    """As transformers 5 saves them, with no preprocessor_config.json."""
    folder = write_sound_model(tmp_path / "model", "wav2vec2")
    alone = open_source(folder)
    known = (folder / "preprocessor_config.json").read_text()
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(f'{{"feature_extractor": {known}, "processor_class": "Any"}}')
    both = open_source(folder)
    assert both.description.modality == "audio" and both.fingerprint == alone.fingerprint
    for name, values in alone.prepare(SOUNDS[1]).items():
        np.testing.assert_array_equal(both.prepare(SOUNDS[1])[name], values)
    trained = go(short_plan("probe", both, sounds), both, sounds, workplace(tmp_path / "place"))
    run = tmp_path / "run"
    run.mkdir()
    artefact.write(run, trained)
    assert artefact.read(run)[0].prepare(SOUNDS[1]).keys() == alone.prepare(SOUNDS[1]).keys()


@pytest.mark.parametrize(
    ("seconds", "changed"), [(0.3, {}), (2.0, {}), (0.64, {"do_normalize": False}), (0.9, {"mean": 1.0})]
)
def test_spectra_are_those_of_the_library(seconds: float, changed: dict[str, object], tmp_path: Path) -> None:
    from transformers import ASTFeatureExtractor

    folder = write_sound_model(tmp_path / "model", "audio-spectrogram-transformer")
    front = ASTFeatureExtractor(max_length=64, num_mel_bins=16, **changed)
    front.save_pretrained(folder)
    sound = samples("sweep", 3, seconds)[: 64 * 160]
    [expected] = front(sound, sampling_rate=RATE, return_tensors="np")["input_values"]
    np.testing.assert_allclose(open_source(folder).prepare((sound, RATE))["parts"][0], expected, atol=2e-4)


def test_a_sound_model_that_does_not_say_how_sounds_are_prepared_is_refused(tmp_path: Path) -> None:
    folder = write_sound_model(tmp_path / "model", "audio-spectrogram-transformer")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(SourceError, match=r"model has no preprocessor_config\.json that names a feature extractor"):
        open_source(folder).prepare(SOUNDS[0])


def test_one_part_is_what_the_library_gives(source: Source) -> None:
    from transformers import AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification

    folder, sound = Path(source.name), SOUNDS[0][0]
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(sound, sampling_rate=RATE, return_tensors="pt")[extractor.model_input_names[0]]
    if source.description.architecture.startswith("audio-spectrogram"):  # two seconds are several spectra of 0.64 s
        inputs = extractor(sound[: 64 * 160], sampling_rate=RATE, return_tensors="pt")["input_values"]
    network = Network(source).eval()
    first = torch.from_numpy(source.prepare(SOUNDS[0])["parts"][:1])
    last = source.stages[-1].name
    with torch.no_grad():
        heard = network({"parts": first}, [last])[last]
        if source.description.classifier:
            model = AutoModelForAudioClassification.from_pretrained(folder).eval()
            found, expected = network.classifier(heard), model(inputs).logits
        else:
            model = AutoModel.from_pretrained(folder).eval()
            model = model.get_encoder() if model.config.is_encoder_decoder else model
            found, expected = heard, model(inputs).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-4)


def test_the_batch_changes_nothing(source: Source) -> None:
    together = pooled(source, SOUNDS)
    alone = np.concatenate([pooled(source, [sound]) for sound in SOUNDS])
    assert np.allclose(together, alone, atol=1e-4)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_converted_is_the_same(source: Source) -> None:
    point = Point(source.stages[-1].name)
    batch = source.collate([source.prepare(sound) for sound in SOUNDS])
    trunks = [Trunk(source, [point], 3, name) for name in ("reference", "openvino")]
    reference, other = (next(iter(trunk.run([batch])))[point] for trunk in trunks)
    assert np.allclose(reference, other, atol=0.1)
    assert trunks[1].choice is not None and trunks[1].choice.runtime.startswith("openvino"), trunks[1].choice


def test_finetuned_frozen_saved_and_the_same_numbers(source: Source, sounds: Target, tmp_path: Path) -> None:
    plan = short_plan("finetune", source, sounds, freeze=source.stages[0].name, epochs=1)
    trained = go(plan, source, sounds, workplace(tmp_path / "one"))
    assert_frozen(plan, source, trained, sounds)
    assert_same(trained, go(plan, source, sounds, workplace(tmp_path / "two")))
    (tmp_path / "run").mkdir()
    artefact.write(tmp_path / "run", trained)  # ends by opening it and comparing
    state = open_source(tmp_path / "run").module().state_dict()
    assert all(np.array_equal(state[name].numpy(), value) for name, value in trained.weights.items())
