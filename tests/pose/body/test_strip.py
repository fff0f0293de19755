import numpy as np

from pose.body.joints import arm_of, shoulder_width
from pose.body.limb import END, START
from pose.body.strip import cut_strip
from tests.pose.body.people import SIZE, SLEEVE, arms_down, person, pose

REST = pose(*arms_down())
WALL = np.array([20, 220, 60])


def seen_strip(member):
    """The left arm's strip in a picture whose wall shines through a rim around the arm."""
    image = person(REST)
    arm = arm_of(REST, "left")
    image[image[..., 3] == 0, :3] = WALL
    image[..., 3] = 255
    return cut_strip(image, member(person(REST)), arm, shoulder_width(REST), 1.0)


def sleeve(image):
    return (np.abs(image[..., :3].astype(int) - SLEEVE).sum(2) < 30).astype(np.float32)


def forearm(strip):
    rows = len(strip.texture)
    first, last = (int((place - START) / (END - START) * rows) for place in (1.2, 1.8))
    return strip.texture[first:last]


def test_notches_of_the_mask_do_not_show_in_the_outline():
    def notched(image):
        mask = sleeve(image)
        mask[180:182, : SIZE // 2 + 48] = 0  # from the left up to the bone
        mask[196:197, SIZE // 2 + 46 :] = 0
        return mask

    solid = forearm(seen_strip(notched))[..., 3] > 128
    for edge in (solid.argmax(1), solid[:, ::-1].argmax(1)):
        assert np.abs(np.diff(edge)).max() <= 1


def test_the_outline_has_the_limbs_own_colour():
    def generous(image):
        wide = sleeve(image)
        return np.maximum(wide, np.maximum(np.roll(wide, 1, 1), np.roll(wide, -1, 1)))  # a pixel of wall at each side

    texture = forearm(seen_strip(generous)).astype(float)
    seen = texture[..., 3] > 64
    colour = texture[seen][:, :3] * 255 / texture[seen][:, 3:]
    assert np.abs(colour - SLEEVE).max() < 100  # the wall differs by 160
