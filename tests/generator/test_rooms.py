"""What the engine may know: torch, NumPy and safetensors, and nothing of faces."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2] / "generator"
PORTRAITS = (
    "actors", "portrait", "controls/portrait.py", "models/pocket.py", "models/tiny.py",
    "models/components.py",  # all kinds of component that there are
)  # fmt: skip
PORTRAIT_TRAINING = (
    "autoencoder", "crops", "lips", "losses", "portrait_clips", "recipes", "reconstruction", "regions", "run", "sheets",
)  # fmt: skip
WORDS = r"\b(faces?|mouths?|eyes|lips?|skin|hair|persons?|warps?|warped)\b"

# every module but the tools that draw people, with everything out of reach that a bare torch does not bring
BARE = """
import importlib, pathlib, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ImportError(f"{{name}} is out of reach")
sys.meta_path.insert(0, Refuse())
for path in sorted(pathlib.Path("generator").rglob("*.py")):
    if "actors" not in path.parts:
        importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""
REFUSED = {
    "puppet", "pose", "mediapipe", "cv2", "PIL", "av", "scipy", "skimage", "matplotlib", "tqdm", "transformers",
    "diffusers", "torchao", "xformers", "gradio", "huggingface_hub",
}  # fmt: skip


def test_no_file_of_the_engine_speaks_of_a_face() -> None:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        if str(name).startswith(PORTRAITS) or (name.parts[0] == "training" and name.stem in PORTRAIT_TRAINING):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(WORDS, line.replace("Hugging Face", ""), re.IGNORECASE):
                found.append(f"{name}:{number}: {line.strip()}")
    assert not found


def test_torch_numpy_and_safetensors_are_enough() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE.format(refused=REFUSED)], cwd=ROOT.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
