import cv2
import numpy as np

from pose.geometry import rounded
from pose.tracking.features import MOUTH
from pose.warp.mouth import inner_edge
from tests.pose.faces import face


def parted(high, wide=60.0):
    """A face whose inner lips are two arcs that meet in corners, `high` px apart."""
    points, along = face(), np.linspace(0, 1, 11)
    lower = np.stack([wide * (along - 0.5), high / 2 * np.sin(np.pi * along)], 1)
    upper = lower[9:0:-1] * (1, -1)
    points[list(MOUTH.inner), :2] = points[MOUTH.middles[0], :2] + np.concatenate([lower, upper])
    return points


def sharpest(outline):
    """Degrees by which an outline turns most at one of its points."""
    along = np.roll(outline, -1, 0) - outline
    angle = np.arctan2(*along.T[::-1])
    return np.degrees(np.abs((np.roll(angle, -1) - angle + np.pi) % (2 * np.pi) - np.pi).max())


def test_a_round_mouth_has_no_corners():
    wide_open = parted(45)
    polygon = wide_open[list(MOUTH.inner), :2]
    smooth = inner_edge(wide_open)
    assert sharpest(polygon) > 60
    assert sharpest(smooth) < 25
    areas = [abs(cv2.contourArea(np.float32(outline))) for outline in (polygon, smooth)]
    assert 0.8 < areas[1] / areas[0] < 1


def test_a_smile_keeps_its_corners_and_closed_lips_show_nothing():
    smile, closed = parted(9), parted(0)
    ends = np.ptp(smile[list(MOUTH.inner), 0]), np.ptp(inner_edge(smile)[:, 0])
    assert ends[1] > 0.9 * ends[0]
    assert abs(cv2.contourArea(np.float32(inner_edge(closed)))) < 1e-3


def test_an_outline_stays_where_a_straight_line_is():
    square = np.array([(0, 0), (1, 0), (2, 0), (3, 0), (3, 3), (0, 3)], np.float32)
    assert (np.abs(rounded(square, 0.0)[4:9, 1]) < 0.6).all()
    assert rounded(square, 0.0)[4, 1] == rounded(square, 0.0)[5, 1] == 0
