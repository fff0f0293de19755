"""What the blendshapes' data file is made from, without the face model: names, gaze, and the readout's weighing."""

import numpy as np

from generator.actors.fit_blendshapes import Tracked, gaze_of, make_readout, model_weights, random_weights
from generator.actors.ict import EXPRESSION_INDEX
from pose.motion.blendshapes import ARKIT, AT, BlendshapeFit, Blendshapes, blendshapes


def test_every_shape_but_the_tongue_is_the_models():
    assert model_weights("browInnerUp").sum() == model_weights("cheekPuff").sum() == 2
    assert model_weights("eyeBlinkLeft")[EXPRESSION_INDEX["eyeBlink_L"]] == 1
    assert model_weights("mouthLeft")[EXPRESSION_INDEX["mouthLeft"]] == 1
    assert [name for name in ARKIT if not model_weights(name).any()] == ["tongueOut"]
    assert np.stack([model_weights(name) for name in ARKIT]).sum(0).tolist() == [1] * len(EXPRESSION_INDEX)


def test_eyes_look_out_to_their_own_side():
    look = np.zeros(len(ARKIT))
    look[[AT["eyeLookOutLeft"], AT["eyeLookInRight"], AT["eyeLookUpLeft"]]] = 1
    left, right = gaze_of(look, "Left"), gaze_of(look, "Right")
    assert left[0] == right[0] > 0.5 and left[1] > 0.5 and right[1] == 0


def test_the_readout_turns_away_from_what_the_tracker_gets_wrong():
    rng = np.random.default_rng(0)
    names = [name for name in ARKIT if name != "tongueOut"]
    basis = blendshapes().basis[[AT[name] for name in names]]
    weights = np.array([random_weights(rng) for _ in range(240)])
    # the tracker lets every face smile and its jaw drop, more or less
    false = basis[names.index("mouthSmileLeft")] + basis[names.index("jawOpen")]
    wrong = rng.normal(size=(240, 1)) * false.reshape(1, -1)
    change = np.tensordot(weights, blendshapes().basis, 1) + wrong.reshape(240, 478, 3)
    change += rng.normal(size=change.shape) * 0.003
    tracked = Tracked(change, weights, np.arange(240) // 16)
    plain = make_readout(basis, names, Tracked(change - wrong.reshape(change.shape), weights, tracked.actor))
    weighed = make_readout(basis, names, tracked)

    def error(readout: np.ndarray) -> float:
        fit = BlendshapeFit(Blendshapes.of(names, basis, readout))
        return float(np.mean([np.abs(fit(one) - true).mean() for one, true in zip(change, weights, strict=True)]))

    assert error(weighed) < 0.7 * error(plain)
