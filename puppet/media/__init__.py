"""Pictures, videos and sound: files in, files out, and the bundled example."""

from pathlib import Path

MEDIA = Path(__file__).parent
PORTRAIT = MEDIA / "portrait.png"
PORTRAITS = (PORTRAIT, MEDIA / "painting.jpg", MEDIA / "character.png")  # one of each kind
DRIVER = MEDIA / "driver.mp4"
