import numpy as np
import pytest

from pose.motion.expression_transfer import SKIN_COLUMNS, settle_lids, settle_skin
from pose.motion.neutral import find_neutral
from pose.motion.retargeting import LARGEST_TURN, Retargeter
from pose.tracking.features import EYES
from pose.tracking.landmarks import (
    CHIN,
    LEFT_IRIS,
    LIPS_INNER,
    LIPS_INNER_LOWER,
    LIPS_INNER_UPPER,
    LIPS_OUTER,
    RIGHT_EYE_CORNERS,
    RIGHT_IRIS,
    empty_pose,
)
from pose.tracking.mesh import face_mesh
from pose.tracking.signals import expression, head_pose, lid_gap
from tests.pose.faces import body, pose

PORTRAIT = dict(scale=60.0, at=(140, 100), stretch=(0.9, 1.15), turn=(-8, 3, 2))


def lip_gaps(frame):
    return frame.face[list(LIPS_INNER_LOWER), 1] - frame.face[list(LIPS_INNER_UPPER), 1]


def test_a_driver_on_their_own_neutral_frame_is_reproduced():
    neutral = pose(body=body())
    retargeter = Retargeter(neutral, neutral)
    look = dict(turn=(20, -8, 6), scale=85, at=(120, 118))
    acted = pose(time=0.5, mouth=0.25, jaw=0.25, eyes=0.7, gaze=0.04, **look, body=body())
    result = retargeter.retarget(acted)
    np.testing.assert_allclose(result.face[:, :2], acted.face[:, :2], atol=0.05)
    np.testing.assert_allclose(result.body[:, :3], acted.body[:, :3], atol=0.05)
    # arms that the portrait does not show stay out while they rest
    assert (result.body[[13, 14, 15, 16], 3] == 0).all()
    assert result.time == 0.5


def test_neutral_driver_leaves_the_portrait_as_it_is():
    portrait = pose(body=body(((180, 200), (100, 210))), **PORTRAIT)
    neutral = pose(at=(400, 200), scale=120, size=(640, 480), body=body(((500, 460), (300, 460))))
    result = Retargeter(portrait, neutral).retarget(neutral)
    np.testing.assert_allclose(result.face, portrait.face, atol=1e-3)
    np.testing.assert_allclose(result.body[[11, 12]], portrait.body[[11, 12]], atol=1e-3)
    assert result.size == portrait.size


@pytest.mark.parametrize("lids", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("closed", [0.0, 0.2])
def test_a_blink_closes_every_portraits_eyes(lids, closed):
    """Even though the tracker leaves a fifth of the gap between closed lids."""
    portrait = pose(lids=lids, **PORTRAIT)
    result = Retargeter(portrait, pose()).retarget(pose(eyes=closed))
    assert expression(result).lid_left < 0.03 * expression(portrait).lid_left
    half = Retargeter(portrait, pose()).retarget(pose(eyes=0.6))
    assert expression(half).lid_right == pytest.approx(0.6 * expression(portrait).lid_right, rel=0.08)


def test_closed_lips_stay_closed_and_never_cross():
    portrait = pose(**PORTRAIT)
    open_neutral = Retargeter(portrait, pose(mouth=0.2))
    assert lip_gaps(open_neutral.retarget(pose(mouth=0.0))).min() > -0.35  # px; the portrait's head is tilted
    closed = Retargeter(portrait, pose()).retarget(pose(turn=(15, 5, 0)))
    assert expression(closed).mouth_open < 0.01


def test_mouth_opens_by_the_portraits_measure():
    portrait = pose(scale=60.0, stretch=(1.3, 1.0))
    result = expression(Retargeter(portrait, pose()).retarget(pose(mouth=0.3)))
    # in units of its own eye distance, which is as much wider as the mouth
    assert result.mouth_open == pytest.approx(expression(pose(mouth=0.3)).mouth_open, rel=0.12)


def test_a_portrait_that_laughs_already_does_not_open_its_mouth_twice():
    laughing = pose(mouth=0.25)
    retargeter = Retargeter(laughing, pose())
    openings = [expression(retargeter.retarget(pose(mouth=mouth))).mouth_open for mouth in np.linspace(0, 0.4, 9)]
    widest = expression(pose(mouth=0.4)).mouth_open
    assert openings[0] == pytest.approx(expression(laughing).mouth_open, rel=0.02)
    assert openings[-1] < 1.15 * widest  # hardly wider than the driver's
    assert np.all(np.diff(openings) > 0)
    alone = Retargeter(pose(), pose()).retarget(pose(mouth=0.4))
    assert expression(alone).mouth_open == pytest.approx(widest, rel=0.02)


def test_a_wide_smile_is_no_proportion_of_the_face():
    smiling = pose()
    corners = [61, 291, 78, 308, 191, 415, 95, 324]
    smiling.face[corners, 0] += 0.15 * 80 * np.sign(smiling.face[corners, 0] - 128)
    opened = Retargeter(smiling, pose()).retarget(pose(mouth=0.15))
    assert expression(opened).mouth_open == pytest.approx(expression(pose(mouth=0.15)).mouth_open, rel=0.15)


def test_gaze_follows_by_eye_widths_and_irises_stay_inside():
    portrait = pose(**PORTRAIT)
    retargeter = Retargeter(portrait, pose())
    moved = expression(retargeter.retarget(pose(gaze=0.04))).gaze_x - expression(portrait).gaze_x
    asked = expression(pose(gaze=0.04)).gaze_x - expression(pose()).gaze_x
    assert moved == pytest.approx(asked, rel=0.15)
    extreme = retargeter.retarget(pose(gaze=0.5)).face
    corners = np.sort(extreme[list(RIGHT_EYE_CORNERS), 0])
    assert corners[0] < extreme[RIGHT_IRIS[0], 0] < corners[1]
    radius = np.linalg.norm(extreme[LEFT_IRIS[1], :2] - extreme[LEFT_IRIS[0], :2])
    own = np.linalg.norm(portrait.face[LEFT_IRIS[1], :2] - portrait.face[LEFT_IRIS[0], :2])
    assert radius == pytest.approx(own, rel=0.05)


def test_head_motion_is_the_drivers_change_on_the_portraits_own_pose():
    portrait = pose(**PORTRAIT)
    neutral = pose(turn=(5, 0, 0), at=(300, 220), scale=120, size=(640, 480))
    driver = pose(turn=(17, 0, 0), at=(330, 214), scale=132, size=(640, 480))
    retargeter = Retargeter(portrait, neutral)
    result = retargeter.retarget(driver)
    assert head_pose(result)[0] - head_pose(portrait)[0] == pytest.approx(12, abs=1)
    middle = [frame.face[[33, 263]].mean(axis=0) for frame in (portrait, result)]
    eyes = [frame.face[[33, 263]].mean(axis=0) for frame in (neutral, driver)]
    np.testing.assert_allclose(((middle[1] - middle[0]) / 60)[:2], ((eyes[1] - eyes[0]) / 120)[:2], atol=0.03)
    before, after = (np.linalg.norm(frame.face[168] - frame.face[152]) for frame in (portrait, result))
    grown = after / before
    assert grown == pytest.approx(1.1, abs=0.03)
    still = Retargeter(portrait, neutral, strength=0.0).retarget(driver)
    np.testing.assert_allclose(still.face, portrait.face, atol=1e-3)
    half = Retargeter(portrait, neutral, strength=0.5).retarget(driver)
    assert head_pose(half)[0] - head_pose(portrait)[0] == pytest.approx(6, abs=1)


def test_extreme_turns_are_softened_without_a_jump():
    retargeter = Retargeter(pose(), pose())
    yaws = [head_pose(retargeter.retarget(pose(turn=(yaw, 0, 0))))[0] for yaw in range(0, 80, 2)]
    assert max(yaws) <= LARGEST_TURN
    steps = np.diff(yaws)
    assert steps.min() > 0 and steps.max() < 2.1
    np.testing.assert_allclose(yaws[:15], np.arange(0, 30, 2), atol=0.1)


def test_absolute_maps_the_drivers_centre_square():
    portrait = pose()
    driver = pose(size=(640, 480), at=(320, 200))
    result = Retargeter(portrait, mode="absolute").retarget(driver)
    scale = 256 / 480
    np.testing.assert_allclose(result.face[:, 0], (driver.face[:, 0] - 80) * scale, atol=1e-3)
    np.testing.assert_allclose(result.face[:, 1], driver.face[:, 1] * scale, atol=1e-3)
    assert result.size == (256, 256)


def test_shoulders_and_hands_follow_on_the_portraits_scale():
    portrait = pose(body=body(((158, 220), (98, 220))), scale=60.0, at=(128, 110))
    neutral = pose(body=body(((380, 400), (260, 400))), scale=120.0, at=(320, 180), size=(640, 470))
    hand = np.zeros((21, 3), np.float32) + (320, 380, 0)
    driver = pose(body=body(((400, 390), (280, 390))), scale=120.0, at=(320, 180), size=(640, 470), left_hand=hand)
    result = Retargeter(portrait, neutral).retarget(driver)
    np.testing.assert_allclose(result.body[[11, 12], :2] - portrait.body[[11, 12], :2], [[10, -5]] * 2, atol=0.01)
    middle = result.body[[11, 12], :2].mean(axis=0)
    np.testing.assert_allclose(result.left_hand[0, :2], middle + (np.array([320, 380]) - [340, 390]) / 2, atol=0.01)
    without = Retargeter(pose(scale=60.0, at=(128, 110)), neutral).retarget(driver)
    shoulders = without.body[[11, 12], :2]  # guessed under the head
    np.testing.assert_allclose(shoulders.mean(0)[0], 128, atol=0.1)
    assert (shoulders[:, 1] > 110 + 60).all()
    np.testing.assert_allclose(without.left_hand[0, :2] - shoulders[0], [-56, -7], atol=1.5)


def test_a_lost_face_holds_the_last_pose():
    retargeter = Retargeter(pose(), pose())
    last = retargeter.retarget(pose(mouth=0.2, time=1.0))
    held = retargeter.retarget(empty_pose((256, 256), 2.0))
    np.testing.assert_array_equal(held.face, last.face)
    assert held.time == 2.0


def test_neutral_is_found_in_the_first_second_and_eased_in():
    portrait = pose()
    retargeter = Retargeter(portrait)
    first = retargeter.retarget(pose(mouth=0.3, time=0.0))
    np.testing.assert_allclose(first.face, portrait.face, atol=1e-3)
    results = []
    for k in range(1, 60):
        results.append(retargeter.retarget(pose(mouth=0.3 if k < 10 else 0.0, time=k / 25)))
    assert expression(retargeter.neutral).mouth_open == pytest.approx(expression(pose()).mouth_open, abs=1e-3)
    np.testing.assert_allclose(results[-1].face, portrait.face, atol=0.1)
    steps = np.abs(np.diff([frame.face[152, 1] for frame in results]))
    assert steps.max() < 20


def test_find_neutral_prefers_frontal_closed_and_awake():
    frames = [pose(mouth=0.3), pose(eyes=0.0), pose(turn=(25, 0, 0)), pose(), pose(gaze=0.08), empty_pose((256, 256))]
    assert find_neutral(frames) is frames[3]
    with pytest.raises(ValueError, match="no frame of the driver shows a face"):
        find_neutral(frames[-1:])


def test_find_neutral_passes_over_lips_pressed_on_a_dropped_jaw():
    frames = [pose(mouth=0.06) for _ in range(3)]
    pressed = pose()
    pressed.face[[*LIPS_OUTER, *LIPS_INNER, CHIN], 1] += 8
    assert find_neutral([*frames, pressed]) is frames[0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(portrait=empty_pose((9, 9))), "no face"),
        (dict(portrait=pose(), mode="sideways"), "relative or absolute"),
        (dict(portrait=pose(), neutral=empty_pose((9, 9))), "shows no face"),
        (dict(portrait=pose(), strength=-1), "strength"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Retargeter(**arguments)


def test_absolute_motion_shuts_nearly_shut_lids_and_leaves_open_ones():
    face = face_mesh().canonical * 80
    np.testing.assert_array_equal(settle_lids(face, face), face)
    corners, upper, lower = EYES[0].corners, EYES[0].upper, EYES[0].lower
    width = np.linalg.norm(face[corners[0]] - face[corners[1]])

    def opened(share):
        narrow = face.copy()
        narrow[list(upper)] = narrow[list(lower)] - [0, share * width, 0]
        return narrow

    assert lid_gap(settle_lids(opened(0.04), face), upper, lower) < 1e-3 * width
    # what is nearly shut in a wide eye is open in an eye that is never wider
    wide, small = settle_lids(opened(0.1), opened(0.35)), settle_lids(opened(0.1), opened(0.1))
    assert lid_gap(wide, upper, lower) < 0.3 * lid_gap(small, upper, lower)


def test_a_neutral_that_looked_down_makes_no_stare():
    """The driver's eyes open to five times a nearly shut neutral; the portrait's open a little wider than they were."""
    portrait = pose(**PORTRAIT)
    result = Retargeter(portrait, pose(lids=0.3)).retarget(pose(lids=1.5))
    for eye in EYES:
        ratio = lid_gap(result.face, eye.upper, eye.lower) / lid_gap(portrait.face, eye.upper, eye.lower)
        assert 1.2 < ratio <= 1.51


def test_skin_over_raised_brows_and_under_a_lowered_lip_gives_way():
    rest, moved = pose().face, pose().face
    mover, skin, edge = SKIN_COLUMNS
    settle_skin(moved, rest)
    np.testing.assert_array_equal(moved, rest)
    moved[mover] = rest[mover] + 0.6 * (
        rest[edge] - rest[mover]
    )  # past the skin beside them, as a tracker lets them go

    def room(face) -> np.ndarray:
        """Of each column, that the skin has beside what moves."""
        column = face[edge, :2] - face[mover, :2]
        return ((face[skin, :2] - face[mover, :2]) * column).sum(1) / (column * column).sum(1)

    assert room(moved).min() < 0
    settle_skin(moved, rest)
    assert (room(moved) > 0.49 * room(rest)).all()
    np.testing.assert_array_equal(moved[edge], rest[edge])
