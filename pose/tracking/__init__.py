"""People found in pictures and video: landmarks, the face mesh, and the numbers that describe a pose."""
