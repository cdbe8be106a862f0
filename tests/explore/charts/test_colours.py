"""The colours of charts differ for readers with each kind of colour blindness."""

import numpy as np
import pytest

from explore.charts.colours import ON_BLACK, PALETTE


@pytest.mark.parametrize("palette", [PALETTE, ON_BLACK], ids=["light", "dark"])
def test_colours_differ_for_readers_with_each_kind_of_colour_blindness(palette):
    """The distance of each pair of colours, in CIELAB, after Machado's simulation of each kind of colour blindness."""
    simulations = {
        "none": np.eye(3),
        "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }
    for kind, matrix in simulations.items():
        seen = [lab(np.clip(np.array(matrix) @ linear(colour), 0, 1)) for colour in palette]
        for place, colour in enumerate(seen):
            for other in seen[place + 1 :]:
                assert np.linalg.norm(colour - other) > 9, (kind, place)


def linear(colour: str) -> np.ndarray:
    """Return the linear RGB values of a colour such as ``#0072b2``."""
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return the CIELAB values of linear RGB values."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ rgb / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
