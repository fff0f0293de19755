import numpy as np

from pose.tracking.landmarks import empty_pose
from pose.warp.skeleton import draw_skeleton
from tests.pose.faces import body, pose


def test_bones_lie_where_the_landmarks_are():
    canvas = draw_skeleton(pose(body=body(((200, 100), (60, 100)))), 128)
    assert canvas.dtype == np.uint8 and canvas.shape == (128, 128)
    assert canvas[49:51, 65].max() > 100 and canvas[:40].max() == 0
    assert canvas[60:70, 27].max() > 0, "a seen upper arm"
    assert canvas[88:, 40:90].max() == 0, "unseen hips are not drawn"


def test_moves_by_fractions_of_a_pixel_and_stands_far_away_points():
    one, two = (draw_skeleton(pose(body=body(((200, y), (60, y)))), 128) for y in (100.0, 100.6))
    assert 0 < np.abs(one.astype(int) - two).max()
    hand = np.full((21, 3), 1e9, np.float32)
    assert draw_skeleton(pose(left_hand=hand), 64).shape == (64, 64)
    assert draw_skeleton(empty_pose((64, 64)), 64).max() == 0


def test_fingers_have_their_own_brightness():
    hand = np.zeros((21, 3), np.float32)
    hand[0, :2] = (128, 240)
    for finger in range(5):
        for joint in range(4):
            hand[1 + 4 * finger + joint, :2] = (40 + 44 * finger, 200 - 30 * joint)
    canvas = draw_skeleton(pose(right_hand=hand), 128)
    shades = [int(canvas[65, 18 + 22 * finger : 23 + 22 * finger].max()) for finger in range(5)]
    assert shades == sorted(shades) and len(set(shades)) == 5
