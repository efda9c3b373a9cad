"""What Python does with a tensor: attributes, length, truth, numbers, iteration, membership, copies."""

import copy
import math
import pickle

from tests.conformance.inputs import b, f, f16, f32, i, i32, ties, u8, v, zeros
from tests.conformance.sample import differs, edge, refused, sample


def attribute(name):
    """An attribute as a function."""

    def call(x):
        return getattr(x, name)

    call.__name__ = name
    return call


def named(name, call):
    """A function under another name."""

    def named_call(*arguments):
        return call(*arguments)

    named_call.__name__ = name
    return named_call


KINDS = (f, f32, f16, i, i32, u8, b)
SHAPES = (f(), f(0), f(3), f(2, 3), f(2, 0, 3), f(4, 3).t, f(3, 8).step, f(1, 4).expand(3, 4))
FACTS = [attribute(name) for name in ("ndim", "requires_grad", "is_leaf", "is_cuda")]
SHAPE = named("shape", lambda x: tuple(x.shape))
DTYPE = named("dtype", lambda x: str(x.dtype).removeprefix("torch."))
T, MT, MH = (attribute(name) for name in ("T", "mT", "mH"))
LIST = named("iteration", lambda x: tuple(x))
UNPACKED = named("iteration", lambda x: (lambda a, *rest: (a, *rest))(*x))
TRUTH = named("bool", bool)
INDEX = named("index", lambda x: [10, 11, 12, 13, 14, 15][x])
MEMBER = named("contains", lambda x, y: y in x)
COPIES = (copy.copy, copy.deepcopy, named("pickle", lambda x: pickle.loads(pickle.dumps(x.detach()))))
ONE = (f(), f(1), f(1, 1), f32(), i(), i(1), b(), b(1))

TABLE = [
    # Attributes
    *(sample(call, x(2, 3)) for call in (*FACTS, SHAPE, DTYPE, MT, MH) for x in KINDS),
    *(edge(call, x) for call in (*FACTS, SHAPE, DTYPE) for x in SHAPES),
    *(edge(call, x) for call in (T, MT, MH) for x in (f(2, 3), f(0, 3), f(4, 3).t, f(3, 8).step)),
    *(edge(call, x) for call in (MT, MH) for x in (f(2, 3, 4), f(2, 0, 3))),
    *(refused(call, f(3)) for call in (MT, MH)),
    differs(MT, f(), because="a number is no matrix; PyTorch warns"),
    sample(attribute("data"), f(3)),
    sample(attribute("grad"), f(3)),
    refused(attribute("nonsense"), f(3)).by("'Tensor'"),
    # Length, truth, numbers
    *(sample(named("len", len), x) for x in (f(3), f(2, 3), i(4))),
    *(edge(named("len", len), x) for x in (f(0), f(0, 3), f(1, 4).expand(3, 4))),
    refused(named("len", len), f()),
    *(sample(TRUTH, x) for x in ONE),
    *(edge(TRUTH, x) for x in (zeros(), zeros(1), v(math.nan), v(False), f(1).still)),
    *(refused(TRUTH, x).by("the truth") for x in (f(2), f(0), f(2, 1))),
    *(sample(named("float", float), x.still) for x in ONE),
    *(edge(named("float", float), x.still) for x in (v(-0.0), v([[-math.inf]]))),
    *(refused(named("float", float), x) for x in (f(2), f(0))),
    *(sample(named("int", int), x.still) for x in ONE),
    *(edge(named("int", int), x.still) for x in (v(-1.7), v([2.9]))),
    *(refused(named("int", int), x) for x in (f(2), f(0))),
    *(refused(named("int", int), x.still).by("cannot convert float") for x in (v(math.nan), v(math.inf))),
    *(sample(INDEX, x) for x in (i(), i(1), i32())),
    *(edge(INDEX, x) for x in (v(-1), v(0, "uint8"), i(1, 1))),
    *(refused(INDEX, x).by("only an integer") for x in (f(), i(2), i(0))),
    # Iteration and membership
    *(sample(LIST, x) for x in (f(3), f(2, 3), f(2, 3, 4), i(3), b(2, 2))),
    *(edge(LIST, x) for x in (f(0), f(0, 3), f(2, 0), f(4, 3).t, f(3, 8).step)),
    sample(UNPACKED, f(3, 2)),
    edge(UNPACKED, f(1)),
    refused(LIST, f()),
    *(sample(MEMBER, ties(3), y) for y in (2, -1.0, 5, 0)),
    *(edge(MEMBER, x, 1.0) for x in (f(0), f(), v([[1.0, 2.0]]), v([math.nan]))),
    edge(MEMBER, i(3), v(2)),
    *(differs(MEMBER, f(3), y, because="what is no number is not in it, as in a list") for y in ("text", None)),
    # Copies
    *(sample(call, x(2, 3).still) for call in COPIES for x in KINDS),
    *(edge(call, x.still) for call in COPIES for x in (f(), f(0), f(4, 3).t, f(3, 8).step)),
]
