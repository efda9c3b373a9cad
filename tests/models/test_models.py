import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.models import RECIPES, cnn
from tinygrad_edu.testing import verify

# A convolution has out × in × k² weights, batch norm two for each channel, a linear layer out × (in + 1).
COUNTS = {
    "regression": 1 * (1 + 1),
    "cnn": 16 * 1 * 25 + 2 * 16 + 32 * 16 * 25 + 2 * 32 + 10 * (512 + 1),
    "resnet": (8 * 1 * 9 + 2 * 8)
    + (16 * 8 * 9 + 2 * 16 + 16 * 16 * 9 + 2 * 16 + 16 * 8 + 2 * 16)
    + (32 * 16 * 9 + 2 * 32 + 32 * 32 * 9 + 2 * 32 + 32 * 16 + 2 * 32)
    + (32 * 32 * 9 + 2 * 32 + 32 * 32 * 9 + 2 * 32)
    + 10 * (32 + 1),
}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_parameters_are_as_many_as_the_layers_say(name, count):
    assert sum(parameter.numel() for parameter in RECIPES[name].model().parameters()) == count


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_model_takes_its_datas_inputs_and_gives_an_output_for_each_on_both_tracks(name):
    recipe = RECIPES[name]
    x, target = (tensor[:3] for tensor in recipe.data(train=True).tensors)
    net = recipe.model().eval()
    recorded = net(x)
    assert recorded.shape[0] == 3 and recorded.dtype == np.float32
    # float32; the same kernels in the same order.
    np.testing.assert_allclose(net(x.numpy()), recorded.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert recipe.criterion()(recorded, target).item() > 0


@pytest.mark.parametrize("name", list(RECIPES))
def test_all_forms_of_the_whole_models_gradients_agree(name):
    recipe = RECIPES[name]
    tg.manual_seed(0)
    x = recipe.data(train=True, dtype=np.float64).tensors[0].numpy()[:2]
    net = recipe.model()
    for module in net.modules():
        if type(module).__name__ == "Dropout":
            module.p = 0.0
    # Numerical differences of a whole network take long; its layers have theirs in their own tests.
    report = verify(net, x, forms=("graph", "by hand", "torch"))
    assert report.ok, report


def test_dropout_share_is_the_models_argument():
    assert [module.p for module in cnn(0.5).modules() if type(module).__name__ == "Dropout"] == [0.5]
