"""A PyTorch program runs with its import lines changed."""

import re

import numpy as np

import tinygrad_edu
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.nn.init as init
import tinygrad_edu.optim as optim
from tinygrad_edu.nn import Linear
from tinygrad_edu.nn.functional import relu
from tinygrad_edu.optim import SGD

PROGRAM = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.fc1 = nn.Linear(4 * 4 * 4, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)
        x = x.view(x.size(0), -1)
        x = torch.tanh(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def run(weights, images, labels):
    model = Net()
    model.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    losses = []
    model.train()
    for epoch in range(4):
        permutation = torch.arange(len(x)).flip(0)
        for i in range(0, len(x), 8):
            batch = permutation[i : i + 8]
            optimizer.zero_grad()
            loss = F.nll_loss(model(x[batch]), y[batch])
            loss.backward()
            nn.init.zeros_(model.fc2.bias.grad) if epoch == 3 else None
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
    return losses, accuracy, {k: v.numpy() for k, v in model.state_dict().items()}
"""


def translated(program):
    """The import lines changed, and nothing else."""
    lines = program.splitlines()
    ours = [re.sub(r"\btorch\b", "tinygrad_edu", line) if re.match("(import|from) ", line) else line for line in lines]
    ours = ["import tinygrad_edu as torch" if line == "import tinygrad_edu" else line for line in ours]
    assert sum(a != b for a, b in zip(lines, ours, strict=True)) == 4
    return "\n".join(ours)


def test_a_pytorch_training_program_gives_the_same_losses_with_its_import_lines_changed(torch):
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(40, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, 40)
    theirs, ours = {}, {}
    exec(PROGRAM, theirs)
    exec(translated(PROGRAM), ours)
    assert ours["nn"] is nn
    assert ours["F"] is F
    assert ours["optim"] is optim
    torch.manual_seed(0)
    weights = {k: v.numpy().copy() for k, v in theirs["Net"]().state_dict().items()}
    expected, their_accuracy, their_weights = theirs["run"](weights, images, labels)
    losses, accuracy, our_weights = ours["run"](weights, images, labels)
    assert expected[-1] < 0.7 * expected[0]
    # float32 rounding, carried through twenty steps with momentum.
    np.testing.assert_allclose(losses, expected, rtol=2e-4, atol=2e-5)
    assert accuracy == their_accuracy
    for key, value in their_weights.items():
        np.testing.assert_allclose(our_weights[key], value, rtol=2e-3, atol=2e-4, err_msg=key)


def test_every_way_of_importing_gives_the_same_objects():
    assert tinygrad_edu.nn is nn
    assert tinygrad_edu.nn.functional is F
    assert tinygrad_edu.nn.init is init
    assert tinygrad_edu.optim is optim
    assert nn.Linear is Linear is tinygrad_edu.layers.Linear
    assert F.relu is relu
    assert optim.SGD is SGD


def test_every_public_name_is_pytorchs(torch):
    own = {"ByHandArray", "Dense", "Layer", "Reshape", "ResidualBlock", "expanded", "from_torch"}
    public = {name for name in dir(nn) if isinstance(getattr(nn, name), type)} | {"from_torch", "expanded"}
    assert {name for name in public if not hasattr(torch.nn, name)} == own
    assert [name for name in F.__all__ if not hasattr(torch.nn.functional, name)] == []
    assert [name for name in init.__all__ if not hasattr(torch.nn.init, name)] == []
