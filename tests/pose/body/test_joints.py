import numpy as np
import pytest

from pose.body.joints import arm_of, is_shown
from tests.pose.faces import body, pose


@pytest.mark.parametrize("wrist, elbow_seen, wrist_seen, shown", [
    ((80, 250), 0.9, 0.4, True),  # at the lower edge, where trackers are not sure
    ((80, 300), 0.9, 0.2, False),  # guessed, below the picture
    ((80, 300), 0.9, 0.8, True),
    ((80, 250), 0.3, 0.9, False),  # nothing is known of the upper arm
])  # fmt: skip
def test_an_arm_is_shown_where_its_upper_part_is_and_its_wrist_is_known_or_inside(wrist, elbow_seen, wrist_seen, shown):
    points = body(((170.0, 120.0), (90.0, 120.0)))
    points[14] = 85, 180, 0, elbow_seen
    points[16] = np.array([*wrist, 0, wrist_seen])
    portrait = pose(body=points)
    assert is_shown(arm_of(portrait, "right"), portrait.size) is shown
