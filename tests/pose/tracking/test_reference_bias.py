import numpy as np

from pose.tracking.reference_bias import ReferenceBias


def test_what_goes_with_the_expression_is_not_taken_for_the_references_error():
    rng = np.random.default_rng(0)
    error = ReferenceBias(2, (3, 2))
    own, slope = rng.normal(size=(3, 2)), rng.normal(size=(2, 3, 2))
    for _ in range(50):
        differences = rng.uniform((0.0, -0.1), (0.3, 0.1))  # the reference's mouth is closed, the others' are not
        error.add(differences, own + np.tensordot(differences, slope, 1) + 0.01 * rng.normal(size=(3, 2)))
    np.testing.assert_allclose(error.value, own, atol=0.1)


def test_a_mouth_that_hardly_moves_explains_nothing():
    rng = np.random.default_rng(1)
    error, values = ReferenceBias(2, (1,)), rng.normal(1.0, 0.5, 50)
    for value in values:
        error.add(0.005 + 0.003 * rng.normal(size=2), np.array([value]))
    assert abs(error.value[0] - values.mean()) < 0.1
