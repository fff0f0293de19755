"""Tracking of people, motion from one person to another, and the maps that condition the generator.

Everything here is numpy (and OpenCV): no torch. MediaPipe is imported only when a tracker or a matte is asked for,
so that landmarks, retargeting and maps also work where it is not installed.
"""

from pose.tracking.landmarks import PoseFrame

__all__ = ["PoseFrame"]
