import numpy as np

from generator.actors.teeth_sprite import soften_gaps


def test_narrow_dark_lines_between_teeth_fade_and_wide_gaps_stay():
    row = np.full((4, 40, 4), 200, np.uint8)
    row[:, 10:12], row[:, 25:35] = 40, 40
    soft = soften_gaps(row)
    assert soft[:, 10:12].min() > 120 and soft[:, 28:32].max() == 40
    assert np.array_equal(soft[:, :5], row[:, :5])
