import pytest
import torch

from generator.transformer.rope import Rotary, Turn, axis_split, rotate

DIM = 24


def by_hand(x, times, rows, columns, step=(1.0, 1.0), origin=(0.0, 0.0)):
    """Complex numbers in float64, as Wan computes it."""
    places = [
        (time, (row + origin[0]) * step[0], (column + origin[1]) * step[1])
        for time in times for row in range(rows) for column in range(columns)
    ]
    widths = axis_split(x.shape[-1])
    frequencies = [10000.0 ** -(torch.arange(0, width, 2).double() / width) for width in widths]
    angles = torch.stack([torch.cat([p * f for p, f in zip(place, frequencies)]) for place in places])
    turn = torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.view_as_real(torch.view_as_complex(x.double().unflatten(-1, (-1, 2))) * turn).flatten(-2)


@pytest.mark.parametrize("first", [0, 1020, 3_000_000])
def test_turns_are_those_of_the_complex_form(first):
    times = [first, first + 1, first + 7]
    x = torch.randn(3 * 6, 2, DIM)
    turn = Rotary(DIM, 2, 3)(torch.tensor(times))
    found = rotate(x.view(3, 6, 2, DIM), turn).flatten(0, 1)
    torch.testing.assert_close(found.double(), by_hand(x, times, 2, 3), atol=2e-6, rtol=0)
    assert turn.cos.dtype == torch.float32


def test_larger_pictures_have_their_tokens_closer_together():
    x = torch.randn(4 * 12, 1, DIM)
    rotary = Rotary(DIM, 4, 12, grid=(8, 6), origin=(0.0, 2.0))
    found = rotate(x[None], Turn(*(part.flatten(0, 1) for part in rotary(torch.tensor([5])))))[0]
    torch.testing.assert_close(found.double(), by_hand(x, [5], 4, 12, (1.0, 0.5), (0.0, 2.0)), atol=1e-6, rtol=0)


def test_time_alone_turns_the_first_channels_only():
    x, rotary = torch.randn(1, 6, 2, DIM), Rotary(DIM, 2, 3)
    later = rotate(rotate(x, rotary(torch.tensor([4]))), rotary.time(torch.tensor([9])))
    torch.testing.assert_close(later, rotate(x, rotary(torch.tensor([13]))), atol=1e-5, rtol=0)


def test_the_dtype_stays():
    assert rotate(torch.randn(1, 6, 2, DIM).bfloat16(), Rotary(DIM, 2, 3)(torch.tensor([4]))).dtype == torch.bfloat16
