"""Pictures, videos and sound: files in, files out, and the bundled example."""

from pathlib import Path

MEDIA = Path(__file__).parent
PORTRAIT = MEDIA / "portrait.png"
DRIVER = MEDIA / "driver.mp4"
