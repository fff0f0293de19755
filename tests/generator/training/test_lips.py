from generator.training import lips


def test_the_lips_are_drawn_where_that_is_nearer_to_the_truth(clip_folder, monkeypatch) -> None:
    paths = sorted(clip_folder.glob("*.safetensors"))
    monkeypatch.setattr(lips, "render", lambda model, batch, random: batch.frames.numpy())
    assert lips.draws_lips_better(None, paths)
    monkeypatch.setattr(lips, "render", lambda model, batch, random: batch.warp.numpy())
    assert not lips.draws_lips_better(None, paths)  # no better than the warp
    assert not lips.draws_lips_better(None, [])
