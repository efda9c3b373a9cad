"""More hand-derived backwards as different people write them, and the errors made in them.

None of them is made to suit a checker. Each is right; `wrong` names edits of its source that make a gradient wrong.
"""

import inspect
import linecache
import textwrap

import numpy as np
import scipy.special
from scipy.special import digamma, erf, expit, gammaln, i0e, i1e, xlogy

from tests.testing.pairs import Written, written

LATER = {}
rng = np.random.default_rng(11)


def positive(*shape):
    return rng.uniform(0.3, 1.7, shape)


def later(*inputs, **wrong):
    return written(*(drawn(x) if isinstance(x, tuple) else x for x in inputs), into=LATER, **wrong)


def drawn(shape):
    """Numbers of both signs, not near 0: what is drawn does not depend on other files."""
    return rng.uniform(0.2, 1.2, shape) * rng.choice([-1, 1], shape)


class WrittenInTwo(Written):
    """A forward and a backward that are two functions."""

    def spoiled(self, name, *, readable=False):
        old, new = self.wrong[name]
        sources = [textwrap.dedent(inspect.getsource(f)) for f in self.function]
        source = "\n\n".join(s[s.index("def ") :] for s in sources)
        forward, backward = self.function
        assert source.count(old) == 1, f"{forward.__name__}, {name}: {old!r} stands {source.count(old)} times"
        source, file = source.replace(old, new), f"<{forward.__name__}, {name}>"
        if readable:
            linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        space = dict(forward.__globals__)
        exec(compile(source, file, "exec"), space)
        return space[forward.__name__], space[backward.__name__]


def later_in_two(forward, *inputs, **wrong):
    def keep(backward):
        later(*inputs, **wrong)(forward)
        kept = LATER[forward.__name__]
        LATER[forward.__name__] = WrittenInTwo((forward, backward), kept.inputs, kept.wrong)
        return backward

    return keep


# Convolution and pooling


@later(
    (2, 2, 7),
    (3, 2, 3),
    (3,),
    assigned=("dxp[n, :, lo : lo + K] +=", "dxp[n, :, lo : lo + K] ="),
    stride_forgotten=("lo = i * stride", "lo = i"),
    wrong_end_of_padding=("dxp[:, :, pad:-pad]", "dxp[:, :, :L]"),
    bias_averaged=("db[f] += dout[n, f, i]", "db[f] += dout[n, f, i] / N"),
    flipped=("dout[n, f, i] * w[f]", "dout[n, f, i] * w[f][:, ::-1]"),
    last_position_left_out=("for i in range(Lo):", "for i in range(Lo - 1):"),
)
def conv1d_naive(x, w, b, stride=2, pad=1):
    N, C, L = x.shape
    F, _, K = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad)))
    Lo = (L + 2 * pad - K) // stride + 1
    out = np.zeros((N, F, Lo))
    for n in range(N):
        for f in range(F):
            for t in range(Lo):
                out[n, f, t] = np.sum(xp[n, :, t * stride : t * stride + K] * w[f]) + b[f]

    def backward(dout):
        dxp, dw, db = np.zeros_like(xp), np.zeros_like(w), np.zeros_like(b)
        for n in range(N):
            for f in range(F):
                for i in range(Lo):
                    lo = i * stride
                    dxp[n, :, lo : lo + K] += dout[n, f, i] * w[f]
                    dw[f] += dout[n, f, i] * xp[n, :, lo : lo + K]
                    db[f] += dout[n, f, i]
        return dxp[:, :, pad:-pad], dw, db

    return out, backward


def conv_forward_naive(x, w, b, stride=2, pad=1):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            window = x_pad[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            for f in range(F):
                out[:, f, i, j] = np.sum(window * w[f], axis=(1, 2, 3)) + b[f]
    return out, (x_pad, w, stride, pad)


@later_in_two(
    conv_forward_naive,
    (2, 2, 3, 4),
    (3, 2, 2, 3),
    (3,),
    assigned=("dx_pad[:, :, r : r + HH, c : c + WW] +=", "dx_pad[:, :, r : r + HH, c : c + WW] ="),
    weight_assigned=("dw[f] += ", "dw[f] = "),
    padding_kept_at_one_side=("pad:-pad, pad:-pad]", "pad:-pad, : -2 * pad]"),
    rows_for_columns=("c = j * stride", "c = i * stride"),
    bias_of_one_image=("db = np.sum(dout, axis=(0, 2, 3))", "db = np.sum(dout[0], axis=(1, 2))"),
    next_window=("window = x_pad[:, :, r : r + HH", "window = x_pad[:, :, r + 1 : r + 1 + HH"),
)
def conv_backward_naive(dout, cache):
    x_pad, w, stride, pad = cache
    F, _, HH, WW = w.shape
    _, _, H_out, W_out = dout.shape
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = np.sum(dout, axis=(0, 2, 3))
    for i in range(H_out):
        for j in range(W_out):
            r = i * stride
            c = j * stride
            window = x_pad[:, :, r : r + HH, c : c + WW]
            for f in range(F):
                g = dout[:, f, i, j][:, None, None, None]
                dw[f] += np.sum(window * g, axis=0)
                dx_pad[:, :, r : r + HH, c : c + WW] += w[f] * g
    return dx_pad[:, :, pad:-pad, pad:-pad], dw, db


@later(
    (2, 2, 4, 5),
    (3, 2, 2, 2),
    assigned=("np.add.at(dxp, (slice(None), k, i, j), dcol)", "dxp[:, k, i, j] = dcol"),
    buffered=("np.add.at(dxp, (slice(None), k, i, j), dcol)", "dxp[:, k, i, j] += dcol"),
    weight_the_other_way=("w_row.T @ g", "w_row.reshape(-1, F) @ g"),
    summed_over_one_image=('np.einsum("nfl,nkl->fk", g, col)', "(g[0] @ col[0].T)"),
    weight_doubled=(".reshape(w.shape)", ".reshape(w.shape) * 2"),
    rows_and_columns=("k, i, j), dcol", "k, i, (j + 1) % dxp.shape[3]), dcol"),
    averaged=("w_row.T @ g", "w_row.T @ g / N"),
)
def conv2d_dilated_im2col(x, w, dilation=2, padding=1):
    N, C, H, W = x.shape
    F, _, kh, kw = w.shape
    oh = H + 2 * padding - dilation * (kh - 1)
    ow = W + 2 * padding - dilation * (kw - 1)
    xp = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    k = np.repeat(np.arange(C), kh * kw).reshape(-1, 1)
    i = dilation * np.tile(np.repeat(np.arange(kh), kw), C).reshape(-1, 1) + np.repeat(np.arange(oh), ow)
    j = dilation * np.tile(np.arange(kw), kh * C).reshape(-1, 1) + np.tile(np.arange(ow), oh)
    col = xp[:, k, i, j]
    w_row = w.reshape(F, -1)
    y = (w_row @ col).reshape(N, F, oh, ow)

    def backward(grad_output):
        g = grad_output.reshape(N, F, -1)
        dw = np.einsum("nfl,nkl->fk", g, col).reshape(w.shape)
        dcol = w_row.T @ g
        dxp = np.zeros_like(xp)
        np.add.at(dxp, (slice(None), k, i, j), dcol)
        return dxp[:, :, padding : padding + H, padding : padding + W], dw

    return y, backward


@later(
    (2, 3, 4),
    (3, 2, 3),
    (2,),
    swapped=('np.einsum("nft,cf->nct", piece, w[:, :, k])', 'np.einsum("nft,cf->nct", piece, w[:, :, K - 1 - k])'),
    assigned=("dx += np", "dx = np"),
    no_stride=("piece = dy[:, :, k : k + stride * T : stride]", "piece = dy[:, :, k : k + T]"),
    weight_of_first=('dw[:, :, k] = np.einsum("nct,nft->cf", x, piece)', "dw[:, :, k] = x[0] @ piece[0].T"),
    bias_over_batch_only=("dy.sum(axis=(0, 2))", "dy.sum(axis=0)[:, 0]"),
)
def conv_transpose1d(x, w, b, stride=2):
    N, C, T = x.shape
    K = w.shape[2]
    y = np.zeros((N, w.shape[1], (T - 1) * stride + K))
    for t in range(T):
        for k in range(K):
            y[:, :, t * stride + k] += x[:, :, t] @ w[:, :, k]
    y += b[None, :, None]

    def backward(dy):
        dx = np.zeros_like(x)
        dw = np.zeros_like(w)
        for k in range(K):
            piece = dy[:, :, k : k + stride * T : stride]
            dx += np.einsum("nft,cf->nct", piece, w[:, :, k])
            dw[:, :, k] = np.einsum("nct,nft->cf", x, piece)
        return dx, dw, dy.sum(axis=(0, 2))

    return y, backward


@later(
    (2, 3, 6),
    (3, 3),
    not_flipped=("w[:, ::-1]", "w"),
    padded_too_little=("[(0, 0), (0, 0), (K - 1, K - 1)]", "[(0, 0), (0, 0), (K - 2, K)]"),
    over_the_batch=('"nclk,ncl->ck"', '"nclk,ncl->k"'),
    channel_sums=('np.einsum("nclk,ck->ncl", full,', 'np.einsum("nclk,dk->ncl", full,'),
)
def depthwise_conv1d(x, w):
    K = w.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(x, K, axis=2)
    y = np.einsum("nclk,ck->ncl", windows, w)

    def backward(g):
        padded = np.pad(g, [(0, 0), (0, 0), (K - 1, K - 1)])
        full = np.lib.stride_tricks.sliding_window_view(padded, K, axis=2)
        return np.einsum("nclk,ck->ncl", full, w[:, ::-1]), np.einsum("nclk,ncl->ck", windows, g)

    return y, backward


def avg_pool_forward(x, size=3, stride=2):
    N, C, H, W = x.shape
    oh, ow = (H - size) // stride + 1, (W - size) // stride + 1
    out = np.zeros((N, C, oh, ow))
    for i in range(oh):
        for j in range(ow):
            out[:, :, i, j] = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size].mean((2, 3))
    return out


@later_in_two(
    avg_pool_forward,
    (1, 2, 5, 5),
    not_divided=(" / (size * size)", ""),
    divided_once=(" / (size * size)", " / size"),
    overlap_lost=("top : top + size, left : left + size] +=", "top : top + size, left : left + size] ="),
    off_by_one=("left : left + size] +=", "left : left + size - 1] +="),
    by_the_stride=(" / (size * size)", " / (stride * stride)"),
)
def avg_pool_backward(dout, x, size=3, stride=2):
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            top, left = i * stride, j * stride
            dx[:, :, top : top + size, left : left + size] += dout[:, :, i, j, None, None] / (size * size)
    return dx


@later(
    (1, 2, 5, 7),
    overlap_lost=("c + j * stride] += delta", "c + j * stride] = delta"),
    rows_and_columns=("(r, c) = where", "(c, r) = where"),
    stride_of_rows_forgotten=("r + i * stride, c", "r + i, c"),
    everywhere=("dx[n, ch, r + i * stride, c + j * stride]", "dx[n, ch]"),
    first_channel=("delta[n, ch, i, j]", "delta[n, 0, i, j]"),
)
def max_pool_overlapping(x, size=3, stride=2):
    N, C, H, W = x.shape
    oh, ow = 1 + (H - size) // stride, 1 + (W - size) // stride
    out = np.zeros((N, C, oh, ow))
    argmax = {}
    for n, ch, i, j in np.ndindex(N, C, oh, ow):
        patch = x[n, ch, i * stride : i * stride + size, j * stride : j * stride + size]
        argmax[n, ch, i, j] = np.unravel_index(np.argmax(patch), patch.shape)
        out[n, ch, i, j] = patch.max()

    def backward(delta):
        dx = np.zeros_like(x)
        for (n, ch, i, j), where in argmax.items():
            (r, c) = where
            dx[n, ch, r + i * stride, c + j * stride] += delta[n, ch, i, j]
        return dx

    return out, backward


@later(
    (1, 4, 3, 5),
    factors_swapped=("reshape(N, C, H, r, W, r)", "reshape(N, C, r, H, W, r)"),
    order=("transpose(0, 1, 3, 5, 2, 4)", "transpose(0, 1, 5, 3, 2, 4)"),
    halved=("reshape(x.shape)", "reshape(x.shape) / r"),
)
def pixel_shuffle(x, r=2):
    N, CC, H, W = x.shape
    C = CC // (r * r)
    y = x.reshape(N, C, r, r, H, W).transpose(0, 1, 4, 2, 5, 3).reshape(N, C, H * r, W * r)

    def backward(dy):
        return dy.reshape(N, C, H, r, W, r).transpose(0, 1, 3, 5, 2, 4).reshape(x.shape)

    return y, backward


@later(
    (2, 5),
    assigned=("dx[:, 1 : p + 1] +=", "dx[:, 1 : p + 1] ="),
    not_reversed=("dy[:, :p][:, ::-1]", "dy[:, :p]"),
    symmetric=("dx[:, n - p - 1 : n - 1] +=", "dx[:, n - p : n] +="),
    right_forgotten=("dx[:, n - p - 1 : n - 1] += dy[:, n + p :][:, ::-1]", "pass"),
)
def reflection_pad(x, p=2):
    n = x.shape[1]
    y = np.pad(x, ((0, 0), (p, p)), mode="reflect")

    def backward(dy):
        dx = dy[:, p : p + n].copy()
        dx[:, 1 : p + 1] += dy[:, :p][:, ::-1]
        dx[:, n - p - 1 : n - 1] += dy[:, n + p :][:, ::-1]
        return dx

    return y, backward


@later(
    (2, 2, 3),
    mean=(".sum(axis=(2, 4))", ".mean(axis=(2, 4))"),
    nearest_is_one=("dy.reshape(N, H, s, W, s).sum(axis=(2, 4))", "dy[:, ::s, ::s]"),
    wrong_axes=("dy.reshape(N, H, s, W, s)", "dy.reshape(N, s, H, s, W)"),
    wrong_axes_both=("dy.reshape(N, H, s, W, s).sum(axis=(2, 4))", "dy.reshape(N, s, H, s, W).sum(axis=(1, 3))"),
)
def upsample_nearest(x, s=2):
    N, H, W = x.shape
    y = x.repeat(s, axis=1).repeat(s, axis=2)
    return y, lambda dy: dy.reshape(N, H, s, W, s).sum(axis=(2, 4))


# Attention


@later(
    (5, 3),
    (3, 2),
    (3, 2),
    (3, 2),
    scale=(
        "dS = P * (dP - np.sum(dP * P, -1, keepdims=True)) / np.sqrt(d)",
        "dS = P * (dP - np.sum(dP * P, -1, keepdims=True))",
    ),
    only_values=("dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T", "dX = dV @ Wv.T"),
    keys_forgotten=("+ dK @ Wk.T ", ""),
    queries_transposed=("dQ = dS @ K", "dQ = dS.T @ K"),
    values_not_transposed=("dV = P.T @ dO", "dV = P @ dO"),
    axis=("np.sum(dP * P, -1,", "np.sum(dP * P, 0,"),
    dimension_for_its_root=("keepdims=True)) / np.sqrt(d)", "keepdims=True)) / d"),
    weight_of_keys=("X.T @ dK", "X.T @ dQ"),
)
def causal_self_attention(X, Wq, Wk, Wv):
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    d = Wq.shape[1]
    S = Q @ K.T / np.sqrt(d)
    S = np.where(np.tril(np.ones(S.shape, dtype=bool)), S, -1e9)
    E = np.exp(S - S.max(axis=-1, keepdims=True))
    P = E / E.sum(axis=-1, keepdims=True)
    O = P @ V

    def backward(dO):
        dP = dO @ V.T
        dV = P.T @ dO
        dS = P * (dP - np.sum(dP * P, -1, keepdims=True)) / np.sqrt(d)
        dQ = dS @ K
        dK = dS.T @ Q
        dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
        return dX, X.T @ dQ, X.T @ dK, X.T @ dV

    return O, backward


def split(x, heads):
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).transpose(0, 2, 1, 3)


def merge(x):
    B, h, T, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, T, h * d)


def mha_forward(query, key, value, w_out, heads=2):
    q, k, v = split(query, heads), split(key, heads), split(value, heads)
    scale = q.shape[-1] ** -0.5
    scores = np.einsum("bhqd,bhkd->bhqk", q, k) * scale
    scores -= scores.max(-1, keepdims=True)
    attn = np.exp(scores)
    attn /= attn.sum(-1, keepdims=True)
    context = merge(np.einsum("bhqk,bhkd->bhqd", attn, v))
    return context @ w_out, (q, k, v, attn, scale, context, w_out, heads)


@later_in_two(
    mha_forward,
    (1, 2, 4),
    (1, 3, 4),
    (1, 3, 4),
    (4, 4),
    output_not_transposed=("d_out @ w_out.T", "d_out @ w_out"),
    scale_twice=("d_scores = d_scores * scale", "d_scores = d_scores * scale**2"),
    scale_forgotten=("d_scores = d_scores * scale", "d_scores = d_scores * 1"),
    jacobian_diagonal=("attn * (d_attn - inner)", "attn * (1 - attn) * d_attn"),
    value_for_key=('"bhqd,bhkd->bhqk", d_context, v)', '"bhqd,bhkd->bhqk", d_context, k)'),
    keys_by_keys=('"bhqk,bhqd->bhkd", d_scores, q', '"bhqk,bhkd->bhkd", d_scores, k'),
    context_for_output=("(context.reshape(-1, context.shape[-1])", "(merge(v)[:, :2].reshape(-1, context.shape[-1])"),
    heads_not_split=("d_context = split(d_context, heads)", "d_context = d_context.reshape(q.shape)"),
)
def mha_backward(d_out, cache):
    q, k, v, attn, scale, context, w_out, heads = cache
    d_context = d_out @ w_out.T
    d_w_out = (context.reshape(-1, context.shape[-1])).T @ d_out.reshape(-1, d_out.shape[-1])
    d_context = split(d_context, heads)
    d_attn = np.einsum("bhqd,bhkd->bhqk", d_context, v)
    d_v = np.einsum("bhqk,bhqd->bhkd", attn, d_context)
    inner = (d_attn * attn).sum(-1, keepdims=True)
    d_scores = attn * (d_attn - inner)
    d_scores = d_scores * scale
    d_q = np.einsum("bhqk,bhkd->bhqd", d_scores, k)
    d_k = np.einsum("bhqk,bhqd->bhkd", d_scores, q)
    return merge(d_q), merge(d_k), merge(d_v), d_w_out


@later(
    (2, 3, 2),
    (2, 5, 2),
    (2, 5, 3),
    np.array([[[True, True, False, True, False]], [[True, False, True, True, True]]]),
    mask_applied_to_gradient_of_values=(
        "dv = np.swapaxes(p, 1, 2) @ g",
        "dv = np.swapaxes(p, 1, 2) @ g * mask[0, 0, :, None]",
    ),
    wrong_sign=("ds = p * (dp - ", "ds = p * (dp + "),
    no_temperature=("dq = ds @ k / tau", "dq = ds @ k"),
    temperature_of_keys=("dk = np.swapaxes(ds, 1, 2) @ q / tau", "dk = np.swapaxes(ds, 1, 2) @ q * tau"),
    over_queries=("(dp * p).sum(-1, keepdims=True)", "(dp * p).sum(1, keepdims=True)"),
    mean=("(dp * p).sum(-1, keepdims=True)", "(dp * p).mean(-1, keepdims=True)"),
)
def masked_attention(q, k, v, mask, tau=1.5):
    s = q @ np.swapaxes(k, 1, 2) / tau
    s = np.where(mask, s, -np.inf)
    p = scipy.special.softmax(s, axis=-1)

    def backward(g):
        dv = np.swapaxes(p, 1, 2) @ g
        dp = g @ np.swapaxes(v, 1, 2)
        ds = p * (dp - (dp * p).sum(-1, keepdims=True))
        dq = ds @ k / tau
        dk = np.swapaxes(ds, 1, 2) @ q / tau
        return dq, dk, dv

    return p @ v, backward


@later(
    (2, 4),
    rotated_forward=("g1 * cos + g2 * sin", "g1 * cos - g2 * sin"),
    both_signs=("g2 * cos - g1 * sin", "g2 * cos + g1 * sin"),
    halves_swapped=("np.concatenate([g1 * cos", "np.concatenate([g2 * cos"),
    wrong_half=("dy[:, half:]", "dy[:, :half]"),
)
def rotary_embedding(x, base=10000.0):
    T, D = x.shape
    half = D // 2
    freq = base ** (-np.arange(half) / half)
    angle = np.arange(1, T + 1)[:, None] * freq
    cos, sin = np.cos(angle), np.sin(angle)
    x1, x2 = x[:, 0:half], x[:, half : 2 * half]
    y = np.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=1)

    def backward(dy):
        g1, g2 = dy[:, :half], dy[:, half:]
        return np.concatenate([g1 * cos + g2 * sin, g2 * cos - g1 * sin], axis=1)

    return y, backward


# Normalization


def batchnorm2d_forward(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    x_mu = x - mean
    var = np.mean(x_mu**2, axis=(0, 2, 3), keepdims=True)
    std_inv = 1.0 / np.sqrt(var + eps)
    x_norm = x_mu * std_inv
    out = gamma[None, :, None, None] * x_norm + beta.reshape(1, -1, 1, 1)
    return out, (x_norm, x_mu, std_inv, gamma)


@later_in_two(
    batchnorm2d_forward,
    (2, 3, 2, 2),
    (3,),
    (3,),
    batch_only=("m = N * H * W", "m = N"),
    cube_as_square=("-0.5 * std_inv**3", "-0.5 * std_inv**2"),
    mean_term_over_batch=(
        "dmu = -(dx_norm * std_inv).sum(axis=(0, 2, 3), keepdims=True)",
        "dmu = -(dx_norm * std_inv).sum(axis=0, keepdims=True)",
    ),
    half_forgotten=("dvar * 2 * x_mu / m", "dvar * x_mu / m"),
    mean_not_divided=(" + dmu / m", " + dmu"),
    mean_term_missing=(" + dmu / m", ""),
    gamma_over_channels=(
        "dgamma = np.sum(dout * x_norm, axis=(0, 2, 3))",
        "dgamma = np.sum(dout * x_mu, axis=(0, 2, 3))",
    ),
    bias_mean=("dbeta = np.sum(dout, axis=(0, 2, 3))", "dbeta = np.mean(dout, axis=(0, 2, 3))"),
    sign_of_variance=("-0.5 * std_inv", "0.5 * std_inv"),
)
def batchnorm2d_backward(dout, cache):
    x_norm, x_mu, std_inv, gamma = cache
    N, _, H, W = dout.shape
    m = N * H * W
    dgamma = np.sum(dout * x_norm, axis=(0, 2, 3))
    dbeta = np.sum(dout, axis=(0, 2, 3))
    dx_norm = dout * gamma[:, None, None]
    dvar = np.sum(dx_norm * x_mu * -0.5 * std_inv**3, axis=(0, 2, 3), keepdims=True)
    dmu = -(dx_norm * std_inv).sum(axis=(0, 2, 3), keepdims=True)
    dx = dx_norm * std_inv + dvar * 2 * x_mu / m + dmu / m
    return dx, dgamma, dbeta


@later(
    (2, 3, 2, 2),
    (3,),
    (3,),
    np.array([0.1, -0.3, 0.2]),
    np.array([0.5, 1.3, 0.9]),
    as_in_training=("return dout * k, ", "return (dout - dout.mean((0, 2, 3), keepdims=True)) * k, "),
    no_eps=("k = (weight / np.sqrt(running_var + eps))", "k = (weight / np.sqrt(running_var))"),
    eps_outside=("k = (weight / np.sqrt(running_var + eps))", "k = (weight / (np.sqrt(running_var) + eps))"),
    variance_for_deviation=("k = (weight / np.sqrt(running_var + eps))", "k = (weight / (running_var + eps))"),
    weight_on_raw_input=("(dout * xhat).sum((0, 2, 3))", "(dout * x).sum((0, 2, 3))"),
    not_over_batch=(" dout.sum((0, 2, 3))", " dout.sum((2, 3))[0]"),
)
def batchnorm2d_eval(x, weight, bias, running_mean, running_var, eps=1e-5):
    shape = (1, -1, 1, 1)
    xhat = (x - running_mean.reshape(shape)) / np.sqrt(running_var.reshape(shape) + eps)
    y = weight.reshape(shape) * xhat + bias.reshape(shape)

    def backward(dout):
        k = (weight / np.sqrt(running_var + eps)).reshape(shape)
        return dout * k, (dout * xhat).sum((0, 2, 3)), dout.sum((0, 2, 3)), None, None

    return y, backward


def spatial_groupnorm_forward(x, gamma, beta, G=2, eps=1e-5):
    N, C, H, W = x.shape
    xg = x.reshape(N, G, -1)
    mu = xg.mean(-1, keepdims=True)
    sigma = np.sqrt(xg.var(-1, keepdims=True) + eps)
    xn = ((xg - mu) / sigma).reshape(x.shape)
    return gamma * xn + beta, (G, sigma, xn, gamma)


@later_in_two(
    spatial_groupnorm_forward,
    (2, 4, 2, 1),
    (1, 4, 1, 1),
    (1, 4, 1, 1),
    keepdims_forgotten=("dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)", "dbeta = dout.sum(axis=(0, 2, 3))"),
    by_group_count=("n = dxn.shape[-1]", "n = dxn.shape[1]"),
    variance_term=(" - xn * (dxn * xn).sum(-1, keepdims=True)", ""),
    mean_of_all=("- dxn.sum(-1, keepdims=True)", "- dxn.sum(keepdims=True)"),
    deviation_squared=("/ (n * sigma)", "/ (n * sigma**2)"),
    gamma_forgotten=("dxn = (dout * gamma)", "dxn = (dout)"),
    sums_for_means=("(n * dxn - dxn", "(dxn - dxn"),
)
def spatial_groupnorm_backward(dout, cache):
    G, sigma, xn, gamma = cache
    N = dout.shape[0]
    dgamma = (dout * xn).sum(axis=(0, 2, 3), keepdims=True)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dxn = (dout * gamma).reshape(N, G, -1)
    xn = xn.reshape(N, G, -1)
    n = dxn.shape[-1]
    dx = (n * dxn - dxn.sum(-1, keepdims=True) - xn * (dxn * xn).sum(-1, keepdims=True)) / (n * sigma)
    return dx.reshape(dout.shape), dgamma, dbeta


@later(
    (2, 3, 2, 3),
    (3,),
    over_batch=("a = gh.mean(axes, keepdims=True)", "a = gh.mean((0, 2, 3), keepdims=True)"),
    product_term=(" - xh * b", ""),
    x_for_xhat=("b = (gh * xh)", "b = (gh * x)"),
    sum_for_mean=("b = (gh * xh).mean(", "b = (gh * xh).sum("),
    no_weight=("gh = g * w[:, None, None]", "gh = g"),
    unbiased=("rstd * (gh - a", "rstd * (gh * 6 / 5 - a"),
)
def instance_norm_affine(x, w, eps=1e-3):
    axes = (2, 3)
    mu = np.mean(x, axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(np.var(x, axis=axes, keepdims=True) + eps)
    xh = (x - mu) * rstd
    y = xh * w[:, None, None]

    def backward(g):
        gh = g * w[:, None, None]
        a = gh.mean(axes, keepdims=True)
        b = (gh * xh).mean(axes, keepdims=True)
        return rstd * (gh - a - xh * b), np.einsum("nchw,nchw->c", g, xh)

    return y, backward


@later(
    (3, 2),
    (5, 2),
    (5,),
    projection=("dW - (dW * v).sum(1, keepdims=True) * v / norm**2", "dW"),
    squared=("* v / norm**2", "* v / norm"),
    sum_over_all=("(dW * v).sum(1, keepdims=True)", "(dW * v).sum()"),
    gain_forgotten=("dv = g[:, None] / norm", "dv = 1 / norm"),
    magnitude_not_normalized=("dg = (dW * v / norm).sum(1)", "dg = (dW * v).sum(1)"),
    gradient_by_v=("return dy @ W,", "return dy @ v,"),
)
def weight_norm_linear(x, v, g):
    norm = np.sqrt((v**2).sum(axis=1, keepdims=True))
    W = g[:, None] * v / norm
    y = x @ W.T

    def backward(dy):
        dW = dy.T @ x
        dg = (dW * v / norm).sum(1)
        dv = g[:, None] / norm * (dW - (dW * v).sum(1, keepdims=True) * v / norm**2)
        return dy @ W, dv, dg

    return y, backward


@later(
    (3, 5),
    np.array([1.4]),
    eps_forgotten=("(dy * x).sum(-1, keepdims=True) / n**3", "(dy * x).sum(-1, keepdims=True) / s**1.5"),
    projection=("dy / n - x * (dy * x).sum(-1, keepdims=True) / n**3", "dy / n"),
    cube=("/ n**3", "/ n**2"),
    scale_not_summed_over_rows=("dg = np.array([(dy * x / n).sum()])", "dg = np.array([(dy * x / n)[0].sum()])"),
    not_scaled=("return g * dx, dg", "return dx, dg"),
    sign=("dy / n - x", "dy / n + x"),
)
def scale_norm(x, g, eps=1e-6):
    s = (x * x).sum(-1, keepdims=True)
    n = np.sqrt(s + eps)

    def backward(dy):
        dx = dy / n - x * (dy * x).sum(-1, keepdims=True) / n**3
        dg = np.array([(dy * x / n).sum()])
        return g * dx, dg

    return g * x / n, backward


# Recurrent cells


@later(
    (3, 2, 2),
    (2, 2),
    (2, 2),
    (2, 2),
    (2,),
    not_through_time=("dh_next = da @ Wh.T", "dh_next = 0 * da"),
    transposed=("dh_next = da @ Wh.T", "dh_next = da @ Wh"),
    current_state=("dWh += hs[t].T @ da", "dWh += hs[t + 1].T @ da"),
    at_input=("(1 - hs[t + 1] ** 2)", "(1 - hs[t] ** 2)"),
    not_accumulated=("dWx += xs[t].T @ da", "dWx = xs[t].T @ da"),
    bias_not_summed_over_time=("db += da.sum(0)", "db = da.sum(0)"),
    initial_state=("return dxs, dh_next,", "return dxs, dh,"),
)
def rnn_over_time(xs, h0, Wx, Wh, b):
    T = len(xs)
    hs = [h0]
    for t in range(T):
        hs.append(np.tanh(xs[t] @ Wx + hs[-1] @ Wh + b))

    def backward(dhs):
        dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        dxs = np.zeros_like(xs)
        dh_next = np.zeros_like(h0)
        for t in reversed(range(T)):
            dh = dhs[t] + dh_next
            da = dh * (1 - hs[t + 1] ** 2)
            dWx += xs[t].T @ da
            dWh += hs[t].T @ da
            db += da.sum(0)
            dxs[t] = da @ Wx.T
            dh_next = da @ Wh.T
        return dxs, dh_next, dWx, dWh, db

    return np.stack(hs[1:]), backward


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i, f, o = (1 / (1 + np.exp(-a[:, k * H : (k + 1) * H])) for k in range(3))
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    return np.concatenate([o * tanh_c, next_c], axis=1), (x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c)


@later_in_two(
    lstm_step_forward,
    (2, 3),
    (2, 2),
    (2, 2),
    (3, 8),
    (2, 8),
    (8,),
    only_from_the_cell=("dc = dnext_c + dnext_h * o * (1 - tanh_c**2)", "dc = dnext_c * 1"),
    only_from_the_output=("dc = dnext_c + dnext_h", "dc = dnext_h"),
    candidate_as_gate=("dc * i * (1 - g**2)", "dc * i * g * (1 - g)"),
    input_and_forget_swapped=(
        "dc * g * i * (1 - i), dc * prev_c * f * (1 - f)",
        "dc * prev_c * f * (1 - f), dc * g * i * (1 - i)",
    ),
    next_for_previous=("dc * prev_c * f", "dc * tanh_c * f"),
    output_gate_of_cell=("dnext_h * tanh_c * o * (1 - o)", "dnext_h * tanh_c * (1 - o)"),
    forget_gate_not_applied=("dc * f, x.T", "dc, x.T"),
    hidden_by_input=("prev_h.T @ da", "np.tanh(prev_h).T @ da"),
)
def lstm_step_backward(dout, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, tanh_c = cache
    H = prev_h.shape[1]
    dnext_h, dnext_c = dout[:, :H], dout[:, H:]
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    da = np.hstack(
        [dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2)]
    )
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@later(
    (2, 3),
    (2, 2),
    (3, 6),
    (2, 6),
    update_sign=("dz = dh * (h - n)", "dz = dh * (n - h)"),
    reset_of_candidate=("dr = dan * hn", "dr = dan * h"),
    not_reset=("np.concatenate([dar, daz, dan * r], axis=1)", "np.concatenate([dar, daz, dan], axis=1)"),
    carry_forgotten=("dh * z + dgh @ U.T", "dgh @ U.T"),
    carry_complement=("dh * z + dgh", "dh * (1 - z) + dgh"),
    tanh_for_sigmoid=("daz = dz * z * (1 - z)", "daz = dz * (1 - z**2)"),
    candidate=("dan = dh * (1 - z) * (1 - n**2)", "dan = dh * (1 - z) * (1 - n)"),
)
def gru_step(x, h, W, U):
    H = h.shape[1]
    gx, gh = x @ W, h @ U
    r = expit(gx[:, :H] + gh[:, :H])
    z = expit(gx[:, H : 2 * H] + gh[:, H : 2 * H])
    hn = gh[:, 2 * H :]
    n = np.tanh(gx[:, 2 * H :] + r * hn)
    out = (1 - z) * n + z * h

    def backward(dh):
        dz = dh * (h - n)
        dan = dh * (1 - z) * (1 - n**2)
        dr = dan * hn
        dar = dr * r * (1 - r)
        daz = dz * z * (1 - z)
        dgx = np.concatenate([dar, daz, dan], axis=1)
        dgh = np.concatenate([dar, daz, dan * r], axis=1)
        return dgx @ W.T, dh * z + dgh @ U.T, x.T @ dgx, h.T @ dgh

    return out, backward


# Embeddings, bilinear forms, mixtures, blocks


@later(
    (5, 3),
    np.array([1, 3, 3, 0, 1]),
    np.array([0, 2]),
    assigned=("dtable[row] += dy[bag] / count", "dtable[row] = dy[bag] / count"),
    sum_for_mean=("+= dy[bag] / count", "+= dy[bag]"),
    count_of_all=("count = ends[bag] - offsets[bag]", "count = len(index)"),
    off_by_one=("for row in index[offsets[bag] : ends[bag]]", "for row in index[offsets[bag] : ends[bag] - 1]"),
)
def embedding_bag_mean(table, index, offsets):
    ends = np.append(offsets[1:], len(index))
    y = np.stack([table[index[a:b]].mean(axis=0) for a, b in zip(offsets, ends, strict=True)])

    def backward(dy):
        dtable = np.zeros_like(table)
        for bag in range(len(offsets)):
            count = ends[bag] - offsets[bag]
            for row in index[offsets[bag] : ends[bag]]:
                dtable[row] += dy[bag] / count
        return dtable, None, None

    return y, backward


@later(
    (2, 3),
    (2, 2),
    (5, 3, 2),
    (5,),
    rows_mixed=('"bo,bi,bj->oij", grad', '"bo,bi,cj->oij", grad'),
    left_forgets_output=('"bo,oij,bj->bi", grad, weight, right', '"bo,oij,bj->bi", grad * 0 + 1, weight, right'),
    bias_per_row=("grad.sum(0)", "grad[-1]"),
    right_doubled=('"bo,oij,bi->bj", grad, weight, left)', '"bo,oij,bi->bj", grad, weight, 2 * left)'),
    averaged=('"bo,bi,bj->oij", grad, left, right)', '"bo,bi,bj->oij", grad, left, right) / len(left)'),
)
def bilinear_layer(left, right, weight, bias):
    y = np.einsum("bi,oij,bj->bo", left, weight, right) + bias

    def backward(grad):
        d_left = np.einsum("bo,oij,bj->bi", grad, weight, right)
        d_right = np.einsum("bo,oij,bi->bj", grad, weight, left)
        d_weight = np.einsum("bo,bi,bj->oij", grad, left, right)
        return d_left, d_right, d_weight, grad.sum(0)

    return y, backward


@later(
    (3, 5),
    (1,),
    (5,),
    (5, 2),
    squares_kept=("- x**2 @ V2", ""),
    own_term=("x[:, :, None] ** 2 * V", "x[:, :, None] * V"),
    no_subtraction_in_x=(" - x * V2.sum(1)", ""),
    half=("dx = d[:, None] * (w + s @ V.T", "dx = d[:, None] * (w + 0.5 * s @ V.T"),
    linear_forgotten=("(w + s @ V.T", "(s @ V.T"),
    bias=("np.array([d.sum()])", "np.array([d.mean()])"),
)
def factorization_machine(x, w0, w, V):
    s = x @ V
    V2 = V**2
    y = w0 + x @ w + 0.5 * (s**2 - x**2 @ V2).sum(axis=1)

    def backward(d):
        dx = d[:, None] * (w + s @ V.T - x * V2.sum(1))
        dV = np.sum(d[:, None, None] * (x[:, :, None] * s[:, None, :] - x[:, :, None] ** 2 * V), axis=0)
        return dx, np.array([d.sum()]), x.T @ d, dV

    return y, backward


@later(
    (3, 2),
    (2, 3),
    (3, 2, 2),
    gate_detached=("dx = dz @ Wg.T + ", "dx = "),
    experts_detached=('dx = dz @ Wg.T + np.einsum("bo,be,eio->bi", dy, p, We)', "dx = dz @ Wg.T"),
    diagonal=("p * (dp - (dp * p).sum(1, keepdims=True))", "p * (1 - p) * dp"),
    gate_not_applied=('"bi,be,bo->eio", x, p, dy', '"bi,be,bo->eio", x, 0 * p + 1, dy'),
    uncentered=(" - (dp * p).sum(1, keepdims=True)", " - dp.mean(1, keepdims=True)"),
)
def mixture_of_experts(x, Wg, We):
    z = x @ Wg
    p = scipy.special.softmax(z, axis=1)
    h = np.einsum("bi,eio->beo", x, We)
    y = np.einsum("be,beo->bo", p, h)

    def backward(dy):
        dp = np.einsum("bo,beo->be", dy, h)
        dz = p * (dp - (dp * p).sum(1, keepdims=True))
        dx = dz @ Wg.T + np.einsum("bo,be,eio->bi", dy, p, We)
        return dx, x.T @ dz, np.einsum("bi,be,bo->eio", x, p, dy)

    return y, backward


@later(
    (3, 2),
    (2, 2),
    (2, 2),
    carry_detached=("dx = dy * (1 - t) + ", "dx = "),
    gate_of_wrong_difference=("dt = dy * (h - x)", "dt = dy * h"),
    gate_derivative=("* t * (1 - t)", "* (1 - t**2)"),
    transform_not_gated=("dh = dy * t", "dh = dy"),
    relu_of_output=("dh * (a > 0)", "dh * (a > x)"),
    carry_complement=("dy * (1 - t) +", "dy * t +"),
)
def highway_layer(x, w_h, w_t):
    a = x @ w_h
    h = np.maximum(a, 0)
    t = 1 / (1 + np.exp(-(x @ w_t - 1.0)))

    def backward(dy):
        dh = dy * t
        dt = dy * (h - x)
        da = dh * (a > 0)
        du = dt * t * (1 - t)
        dx = dy * (1 - t) + da @ w_h.T + du @ w_t.T
        return dx, x.T @ da, x.T @ du

    return t * h + (1 - t) * x, backward


@later(
    (2, 3, 2, 2),
    np.array([[0.5, -0.6], [0.8, -0.7], [-0.3, 0.4]]),
    (2, 3),
    squeeze_detached=(
        "dx = dy * s[:, :, None, None] + dz[:, :, None, None] / (H * W)",
        "dx = dy * s[:, :, None, None]",
    ),
    pool_not_divided=("dz[:, :, None, None] / (H * W)", "dz[:, :, None, None]"),
    pool_by_one_side=("dz[:, :, None, None] / (H * W)", "dz[:, :, None, None] / H"),
    excitation_not_summed=("ds = (dy * x).sum(axis=(2, 3))", "ds = (dy * x).mean(axis=(2, 3))"),
    hidden_relu_forgotten=("dh = (da @ w2.T) * (h > 0)", "dh = (da @ w2.T)"),
    derivative_at_one=("da = ds * s * (1 - s)", "da = ds * s"),
)
def squeeze_excite(x, w1, w2):
    N, C, H, W = x.shape
    z = x.mean(axis=(2, 3))
    h = np.maximum(0, z @ w1)
    s = expit(h @ w2)

    def backward(dy):
        ds = (dy * x).sum(axis=(2, 3))
        da = ds * s * (1 - s)
        dw2 = h.T @ da
        dh = (da @ w2.T) * (h > 0)
        dw1 = z.T @ dh
        dz = dh @ w1.T
        dx = dy * s[:, :, None, None] + dz[:, :, None, None] / (H * W)
        return dx, dw1, dw2

    return x * s[:, :, None, None], backward


@later(
    (2, 3),
    (3, 5),
    (5, 3),
    skip_forgotten=("return dx + g, dw1, dw2", "return dx, dw1, dw2"),
    skip_before_relu=("return dx + g, dw1, dw2", "return dx + dout, dw1, dw2"),
    outer_relu=("g = dout * (out > 0)", "g = dout * 1"),
    inner_relu=("dh = (g @ w2.T) * (h > 0)", "dh = (g @ w2.T) * (x @ w1 < 0)"),
    weight_by_output=("dw2 = h.T @ g", "dw2 = h.T @ dout"),
    skip_twice=("return dx + g,", "return dx + 2 * g,"),
)
def residual_block(x, w1, w2):
    h = np.maximum(x @ w1, 0)
    out = np.maximum(h @ w2 + x, 0)

    def backward(dout):
        g = dout * (out > 0)
        dw2 = h.T @ g
        dh = (g @ w2.T) * (h > 0)
        dw1 = x.T @ dh
        dx = dh @ w1.T
        return dx + g, dw1, dw2

    return out, backward


@later(
    (3, 2),
    (2, 5),
    (5, 2),
    np.array([[True, False, True, True, False], [False, True, True, False, True], [True, True, False, True, True]]),
    mask_forgotten=("dh = dhd * mask / keep", "dh = dhd / keep"),
    not_rescaled=("dh = dhd * mask / keep", "dh = dhd * mask"),
    rescaled_twice=("dh = dhd * mask / keep", "dh = dhd * mask / keep / keep"),
    scaled_by_the_rest=("dh = dhd * mask / keep", "dh = dhd * mask / (1 - keep)"),
    undropped=("return da @ w1.T, x.T @ da, hd.T @ dy", "return da @ w1.T, x.T @ da, h.T @ dy"),
    at_activation=("da = dh * (1 - h**2)", "da = dh * (1 - hd**2)"),
)
def mlp_with_dropout(x, w1, w2, mask, p=0.25):
    keep = 1 - p
    h = np.tanh(x @ w1)
    hd = h * mask / keep
    y = hd @ w2

    def backward(dy):
        dhd = dy @ w2.T
        dh = dhd * mask / keep
        da = dh * (1 - h**2)
        return da @ w1.T, x.T @ da, hd.T @ dy

    return y, backward


@later(
    (2, 5),
    (2, 5),
    (3, 5),
    (2, 3),
    scale_in_one=("dA = s * (dy @ B)", "dA = (dy @ B)"),
    adapter_detached=("dy @ W + s * dy @ B @ A", "dy @ W"),
    scale_by_other_width=("dx = dy @ W + s *", "dx = dy @ W + alpha / B.shape[0] *"),
    through_the_base=("dB = s * dy.T @ (x @ A.T)", "dB = s * dy.T @ (x @ A.T + (x @ W.T)[:, :1])"),
    not_scaled_at_all=("+ s * dy @ B @ A", "+ dy @ B @ A"),
    scale_squared=("dB = s *", "dB = s**2 *"),
)
def lora_linear(x, W, A, B, alpha=4.0):
    s = alpha / A.shape[0]
    y = x @ W.T + s * x @ A.T @ B.T

    def backward(dy):
        dx = dy @ W + s * dy @ B @ A
        dA = s * (dy @ B).T @ x
        dB = s * dy.T @ (x @ A.T)
        return dx, dy.T @ x, dA, dB

    return y, backward


@later(
    (3, 4),
    (4, 4),
    (4, 4),
    halves_swapped=("np.concatenate([da, db], 1)", "np.concatenate([db, da], 1)"),
    at_the_value=("db = g * a * s * (1 - s)", "db = g * s * (1 - s)"),
    gate_missing=("da = g * s", "da = g"),
    weight_not_transposed=("dh @ w.T", "dh @ w"),
    gate_as_tanh=("a * s * (1 - s)", "a * (1 - s**2)"),
)
def glu_linear(x, w, v):
    h = x @ w
    a, b = np.split(h, 2, axis=1)
    s = expit(b)
    u = a * s
    y = u @ v[:2]

    def backward(dout):
        g = dout @ v[:2].T
        da = g * s
        db = g * a * s * (1 - s)
        dh = np.concatenate([da, db], 1)
        dx = dh @ w.T
        dv = np.zeros_like(v)
        dv[:2] = u.T @ dout
        return dx, x.T @ dh, dv

    return y, backward


@later(
    (3, 2),
    (2, 5),
    (2, 5),
    (5, 2),
    derivative_of_sigmoid=("dgate = dh * up * (s + gate * s * (1 - s))", "dgate = dh * up * s * (1 - s)"),
    product_rule=("(s + gate * s * (1 - s))", "s"),
    raw_gate=("dup = dh * gate * s", "dup = dh * gate"),
    one_path=("dgate @ w1.T + dup @ w3.T", "dgate @ w1.T"),
    weights_swapped=("dgate @ w1.T + dup @ w3.T", "dgate @ w3.T + dup @ w1.T"),
    same_sign=("gate * s * (1 - s))", "gate * s * (1 + s))"),
)
def swiglu(x, w1, w3, w2):
    gate, up = x @ w1, x @ w3
    s = 1.0 / (1.0 + np.exp(-gate))
    h = gate * s * up
    y = h @ w2

    def backward(dy):
        dh = dy @ w2.T
        dgate = dh * up * (s + gate * s * (1 - s))
        dup = dh * gate * s
        dx = dgate @ w1.T + dup @ w3.T
        return dx, x.T @ dgate, x.T @ dup, h.T @ dy

    return y, backward


@later(
    (2, 3),
    (2, 3),
    density_constant=("/ np.sqrt(2 * np.pi)", "/ np.sqrt(np.pi)"),
    argument_forgotten=("cdf + a * pdf", "cdf + pdf"),
    exponent=("np.exp(-0.5 * a**2)", "np.exp(-(a**2))"),
    digits=("/ np.sqrt(2 * np.pi)", "* 0.398942"),
    other_way=("dy * a * cdf", "dy * cdf"),
    minus=("cdf + a * pdf", "cdf - a * pdf"),
)
def geglu(a, b):
    cdf = 0.5 * (1 + erf(a / np.sqrt(2)))
    y = a * cdf * b

    def backward(dy):
        pdf = np.exp(-0.5 * a**2) / np.sqrt(2 * np.pi)
        return dy * b * (cdf + a * pdf), dy * a * cdf

    return y, backward


# Losses


@later(
    (3, 5),
    np.array([4, 0, 2]),
    modulation_constant=("(pt * gamma * logpt + pt - 1)", "(pt - 1)"),
    exponent=("(1 - pt) ** (gamma - 1)", "(1 - pt) ** gamma"),
    log_sign=("pt * gamma * logpt", "-pt * gamma * logpt"),
    not_averaged=("dloss * alpha / N", "dloss * alpha"),
    alpha_forgotten=("dloss * alpha / N", "dloss / N"),
    classes_for_rows=("dloss * alpha / N", "dloss * alpha / C"),
    target_subtracted_once=("(onehot - p)", "(1 - p)"),
    chain=("dlogpt = (1 - pt)", "dlogpt = pt * (1 - pt)"),
)
def multiclass_focal_loss(logits, target, gamma=2, alpha=0.25):
    N, C = logits.shape
    z = logits - logits.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    logpt = logp[np.arange(N), target]
    pt = np.exp(logpt)
    loss = np.mean(-alpha * (1 - pt) ** gamma * logpt)

    def backward(dloss=1.0):
        p = np.exp(logp)
        onehot = np.eye(C)[target]
        dlogpt = (1 - pt) ** (gamma - 1) * (pt * gamma * logpt + pt - 1)
        return dloss * alpha / N * dlogpt[:, None] * (onehot - p)

    return loss, backward


@later(
    (4, 3),
    (4, 3),
    np.array([1, 0, 0, 1]),
    margin_branch=("(d < margin)", "(d > margin)"),
    two_forgotten=("2 * same * d - 2 *", "same * d - 2 *"),
    sign_of_repulsion=("2 * same * d - 2 *", "2 * same * d + 2 *"),
    not_normalized=("diff / d[:, None]", "diff"),
    halved=("(d < margin)) / (2 * n)", "(d < margin)) / n"),
    one_sided=("return g, -g", "return g, g"),
)
def contrastive_loss(a, b, same, margin=2.0):
    n = a.shape[0]
    diff = a - b
    d = np.sqrt((diff**2).sum(axis=1))
    loss = np.sum(same * d**2 + (1 - same) * np.maximum(margin - d, 0) ** 2) / (2 * n)

    def backward(dout):
        dd = dout * (2 * same * d - 2 * (1 - same) * (margin - d) * (d < margin)) / (2 * n)
        g = dd[:, None] * diff / d[:, None]
        return g, -g

    return loss, backward


@later(
    np.array([[0.5, -0.8, 0.3], [1.1, 0.4, -0.2], [-0.6, 0.7, 0.9], [0.2, 0.5, -1.0]]),
    np.array([[0.7, -0.3, 0.6], [-0.9, -0.5, 0.3], [0.8, 0.2, 0.4], [-0.4, 0.9, 0.6]]),
    np.array([1, -1, -1, 1]),
    sign_of_pairs=("np.where(y > 0, -1.0, (cos > margin) * 1.0)", "np.where(y > 0, 1.0, (cos > margin) * 1.0)"),
    margin_ignored=("(cos > margin) * 1.0", "1.0"),
    projection=(" - c * x1 / n1**2", ""),
    norms_of_other=("c * x2 / n2**2", "c * x2 / n1**2"),
    not_averaged=("[:, None] / len(y)", "[:, None]"),
    first_power=("c * x1 / n1**2", "c * x1 / n1"),
)
def cosine_embedding_loss(x1, x2, y, margin=-0.6):
    n1 = np.linalg.norm(x1, axis=1, keepdims=True)
    n2 = np.linalg.norm(x2, axis=1, keepdims=True)
    c = (x1 * x2).sum(1, keepdims=True) / (n1 * n2)
    cos = c[:, 0]
    loss = np.where(y > 0, 1 - cos, np.maximum(0, cos - margin)).mean()

    def backward(g):
        dcos = (g * np.where(y > 0, -1.0, (cos > margin) * 1.0))[:, None] / len(y)
        dx1 = dcos * (x2 / (n1 * n2) - c * x1 / n1**2)
        dx2 = dcos * (x1 / (n1 * n2) - c * x2 / n2**2)
        return dx1, dx2

    return loss, backward


def svm_loss_forward(x, y):
    n = x.shape[0]
    correct = x[np.arange(n), y][:, None]
    margins = np.maximum(0, x - correct + 1.0)
    margins[np.arange(n), y] = 0
    return margins.sum() / n


@later_in_two(
    svm_loss_forward,
    np.array([[0.2, 0.9, -0.7, 1.1, 0.4], [-0.5, 0.3, 0.6, -0.8, 1.9], [0.7, -0.1, 0.2, 1.0, 0.5]]),
    np.array([1, 4, 0]),
    not_averaged=("dout * dx / n", "dout * dx"),
    correct_class_forgotten=("dx[rows, y] -= positive_count", "dx[rows, y] -= 0"),
    correct_class_once=("dx[rows, y] -= positive_count", "dx[rows, y] -= 1"),
    own_margin_counted=("dx[rows, y] = 0", "dx[rows, y] = 1"),
    counted_over_rows=("(margins > 0).sum(axis=1)", "(margins > 0).sum(axis=1)[::-1]"),
    margin_forgotten=("margins = x - x[rows, y][:, None] + 1.0", "margins = x - x[rows, y][:, None]"),
)
def svm_loss_backward(dout, x, y):
    n = x.shape[0]
    rows = np.arange(n)
    margins = x - x[rows, y][:, None] + 1.0
    margins[rows, y] = 0
    positive_count = (margins > 0).sum(axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[rows, y] = 0
    dx[rows, y] -= positive_count
    return dout * dx / n


@later(
    (3, 4),
    (3, 4),
    not_by_beta=("d / beta", "d"),
    beta_twice=("d / beta", "d / beta**2"),
    linear_part=("np.sign(d)", "d"),
    branch_at_one=("np.abs(d) < beta, d", "np.abs(d) < 1, d"),
    reversed_branch=("np.abs(d) < beta, d", "np.abs(d) >= beta, d"),
    target_sign=("return g, -g", "return g, g"),
    rows_only=("/ d.size", "/ len(d)"),
)
def smooth_l1(pred, target, beta=0.5):
    d = pred - target
    a = np.abs(d)
    loss = np.where(a < beta, 0.5 * d**2 / beta, a - 0.5 * beta).mean()

    def backward(grad_output):
        g = grad_output * np.where(np.abs(d) < beta, d / beta, np.sign(d)) / d.size
        return g, -g

    return loss, backward


@later(
    (3, 5),
    positive(3, 5),
    sign=("dlog_q = -dy * p / N", "dlog_q = dy * p / N"),
    batchmean=("dlog_q = -dy * p / N", "dlog_q = -dy * p / p.size"),
    one_forgotten=("(np.log(p) + 1 - log_q)", "(np.log(p) - log_q)"),
    log_base=("(np.log(p) + 1", "(np.log2(p) + 1"),
    input_forgotten=("+ 1 - log_q)", "+ 1)"),
)
def kl_div_batchmean(log_q, p):
    N = len(p)
    loss = np.sum(xlogy(p, p) - p * log_q) / N

    def backward(dy):
        dlog_q = -dy * p / N
        return dlog_q, dy * (np.log(p) + 1 - log_q) / N

    return loss, backward


@later(
    (4, 3),
    one_side=("dS = (dS + dS.T) / tau", "dS = dS / tau"),
    temperature=("dS = (dS + dS.T) / tau", "dS = dS + dS.T"),
    temperature_times=("dS = (dS + dS.T) / tau", "dS = (dS + dS.T) * tau"),
    positives=("dS[rows, pos] -= 1 / n", "dS[rows, pos] -= 1"),
    positives_left_out=("dS[rows, pos] -= 1 / n", "dS[rows, pos] -= 0"),
    not_projected=("(du - (du * u).sum(1, keepdims=True) * u) / norm", "du / norm"),
    norm_forgotten=("* u) / norm", "* u)"),
    doubled_already=("du = dS @ u", "du = 2 * dS @ u"),
)
def nt_xent(z, tau=0.5):
    n = len(z)
    norm = np.sqrt((z * z).sum(1, keepdims=True))
    u = z / norm
    S = u @ u.T / tau
    rows = np.arange(n)
    pos = (rows + n // 2) % n
    E = np.exp(S) * (1 - np.eye(n))
    total = E.sum(axis=1)
    loss = np.mean(np.log(total) - S[rows, pos])

    def backward(g):
        dS = E / total[:, None] / n
        dS[rows, pos] -= 1 / n
        dS = (dS + dS.T) / tau
        du = dS @ u
        return g * (du - (du * u).sum(1, keepdims=True) * u) / norm

    return loss, backward


@later(
    (3, 2),
    (3, 2),
    (1,),
    rows_only=("dS = g * 0.5 * (p_rows + p_cols - 2 * np.eye(n)) / n", "dS = g * (p_rows - np.eye(n)) / n"),
    half=("g * 0.5 * (p_rows", "g * (p_rows"),
    one_identity=("- 2 * np.eye(n)", "- np.eye(n)"),
    text_not_transposed=("scale * dS.T @ img", "scale * dS @ img"),
    scale_not_by_exp=("np.sum(dS * S)", "np.sum(dS * S / scale)"),
    image_unscaled=("scale * dS @ txt", "dS @ txt"),
)
def clip_loss(img, txt, log_scale):
    n = img.shape[0]
    scale = np.exp(log_scale)
    S = scale * (img @ txt.T)
    rows = scipy.special.logsumexp(S, axis=1)
    cols = scipy.special.logsumexp(S, axis=0)
    loss = 0.5 * (rows.mean() + cols.mean()) - np.trace(S) / n

    def backward(g):
        p_rows = np.exp(S - rows[:, None])
        p_cols = np.exp(S - cols[None, :])
        dS = g * 0.5 * (p_rows + p_cols - 2 * np.eye(n)) / n
        return scale * dS @ txt, scale * dS.T @ img, np.array([np.sum(dS * S)])

    return loss, backward


@later(
    (2, 3),
    positive(2, 3),
    not_exponentiated=("(np.exp(log_rate) - count)", "(log_rate - count)"),
    count_sign=("(np.exp(log_rate) - count)", "(np.exp(log_rate) + count)"),
    not_averaged=("/ count.size, ", ", "),
    factorial=("digamma(count + 1)", "digamma(count)"),
    factorial_left_out=("-log_rate + digamma(count + 1)", "-log_rate"),
)
def poisson_nll(log_rate, count):
    loss = np.mean(np.exp(log_rate) - count * log_rate + gammaln(count + 1))

    def backward(g):
        return g * (np.exp(log_rate) - count) / count.size, g * (-log_rate + digamma(count + 1)) / count.size

    return loss, backward


@later(
    (2, 5),
    (2, 5),
    (2, 5),
    half=("0.5 * (1 - d**2 * inv)", "(1 - d**2 * inv)"),
    log_variance_constant=("(1 - d**2 * inv)", "(-(d**2) * inv)"),
    variance_for_log=("(1 - d**2 * inv)", "(inv - d**2 * inv**2)"),
    mean_unscaled=("dmu = -g * d * inv", "dmu = -g * d"),
    mean_sign=("dmu = -g * d * inv", "dmu = g * d * inv"),
    target_left_equal=("return dmu, dlogvar, -dmu", "return dmu, dlogvar, dmu"),
    deviation_for_variance=("inv = np.exp(-logvar)", "inv = np.exp(-0.5 * logvar)"),
)
def gaussian_nll(mu, logvar, t):
    d = t - mu
    loss = 0.5 * np.sum(logvar + d**2 * np.exp(-logvar) + np.log(2 * np.pi))

    def backward(g):
        inv = np.exp(-logvar)
        dmu = -g * d * inv
        dlogvar = g * 0.5 * (1 - d**2 * inv)
        return dmu, dlogvar, -dmu

    return loss, backward


@later(
    (3, 5),
    np.array([2, 2, 0]),
    not_smoothed=("(p - q) / N", "(p - np.eye(K)[labels]) / N"),
    over_the_others=("(p - q) / N", "(p - (q - eps / K + eps / (K - 1))) / N"),
    not_averaged=("(p - q) / N", "(p - q)"),
    reversed=("(p - q) / N", "(q - p) / N"),
    classes=("(p - q) / N", "(p - q) / K"),
    probabilities_of_shifted_rows=("p = np.exp(logp)", "p = np.exp(logits)"),
)
def label_smoothing_cross_entropy(logits, labels, eps=0.1):
    N, K = logits.shape
    logp = logits - scipy.special.logsumexp(logits, axis=1, keepdims=True)
    q = (1 - eps) * np.eye(K)[labels] + eps / K
    loss = -(q * logp).sum() / N

    def backward(upstream):
        p = np.exp(logp)
        return upstream * (p - q) / N

    return loss, backward


@later(
    (2, 5),
    np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1]]),
    quotient_rule=(" - (2 * inter + smooth) / total**2", ""),
    total_not_squared=("/ total**2", "/ total"),
    smooth_forgotten=("(2 * inter + smooth) / total**2", "2 * inter / total**2"),
    two=("2 * t / total", "t / total"),
    sign=("dp = -g", "dp = g"),
    sigmoid=("dp * p * (1 - p)", "dp * (1 - p)"),
    not_averaged=("/ len(t) * (", "* ("),
)
def dice_loss(x, t, smooth=1.0):
    p = expit(x)
    inter = (p * t).sum(axis=1, keepdims=True)
    total = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + smooth
    loss = 1 - np.mean((2 * inter + smooth) / total)

    def backward(g):
        dp = -g / len(t) * (2 * t / total - (2 * inter + smooth) / total**2)
        return dp * p * (1 - p)

    return loss, backward


@later(
    positive(7) / 2,
    np.array([1, 0, 0, 1, 1, 0, 1]),
    weights_swapped=("alpha * (1 - t) - beta * t", "beta * (1 - t) - alpha * t"),
    misses_sign=("- beta * t", "+ beta * t"),
    overlap_forgotten=("dden = t + alpha", "dden = alpha"),
    numerator=("- t / den", "- t / den**2"),
    denominator=("/ den**2", "/ den"),
)
def tversky_loss(p, t, alpha=0.3, beta=0.7, eps=1e-6):
    tp = np.sum(p * t)
    fp = np.sum(p * (1 - t))
    fn = np.sum((1 - p) * t)
    den = tp + alpha * fp + beta * fn + eps
    loss = 1 - (tp + eps) / den

    def backward(g):
        dden = t + alpha * (1 - t) - beta * t
        return g * ((tp + eps) * dden / den**2 - t / den)

    return loss, backward


@later(
    (3, 4),
    (3, 1),
    np.array([0.1, 0.4, 0.5, 0.9]),
    levels_swapped=("np.where(e > 0, -taus, 1 - taus)", "np.where(e > 0, taus - 1, taus)"),
    sign=("np.where(e > 0, -taus, 1 - taus)", "np.where(e > 0, taus, 1 - taus)"),
    reversed_branch=("np.where(e > 0, -taus", "np.where(e < 0, -taus"),
    target_not_summed=("-g.sum(axis=1, keepdims=True)", "-g.mean(axis=1, keepdims=True)"),
    rows_only=("dy / e.size", "dy / len(e)"),
)
def quantile_loss(pred, target, taus):
    e = target - pred
    loss = np.mean(np.maximum(taus * e, (taus - 1) * e))

    def backward(dy):
        g = np.where(e > 0, -taus, 1 - taus) * dy / e.size
        return g, -g.sum(axis=1, keepdims=True)

    return loss, backward


@later(
    (3, 4),
    np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 0, 0]]),
    np.array([2.0, 0.5, 1.5, 3.0]),
    weight_on_both=("(1 - t) * s - pos_weight * t * (1 - s)", "pos_weight * (s - t)"),
    weight_forgotten=("- pos_weight * t * (1 - s)", "- t * (1 - s)"),
    negatives=("(1 - t) * s -", "(1 - t) * (1 - s) -"),
    rows=("/ t.size", "/ t.shape[0]"),
    sigmoid_twice=("* (1 - s)) /", "* (1 - s)) * s * (1 - s) /"),
)
def weighted_bce_with_logits(x, t, pos_weight):
    loss = np.mean((1 - t) * x + (1 + (pos_weight - 1) * t) * np.logaddexp(0, -x))

    def backward(g):
        s = expit(x)
        return g * ((1 - t) * s - pos_weight * t * (1 - s)) / t.size

    return loss, backward


# Activations


@later(
    (2, 5),
    beta_divided_away=("dy * expit(beta * x)", "dy * expit(beta * x) / beta"),
    beta_multiplied=("dy * expit(beta * x)", "dy * expit(beta * x) * beta"),
    at_x=("dy * expit(beta * x)", "dy * expit(x)"),
    of_the_result=("dy * expit(beta * x)", "dy * expit(beta * y)"),
)
def softplus_beta(x, beta=2.5):
    y = np.logaddexp(0, beta * x) / beta
    return y, lambda dy: dy * expit(beta * x)


@later(
    (3, 5),
    alpha_forgotten=("scale * alpha * np.exp(x)", "scale * np.exp(x)"),
    scale_forgotten=("np.where(x > 0, scale, scale", "np.where(x > 0, 1, scale"),
    digit=("scale * alpha * np.exp(x)", "1.0507009873554805 * 1.6732632423 * np.exp(x)"),
    of_the_result=("scale * alpha * np.exp(x)", "scale * alpha * np.exp(y)"),
    result_without_scale=("scale * alpha * np.exp(x)", "y + alpha"),
)
def selu(x):
    alpha = 1.6732632423543772
    scale = 1.0507009873554805
    y = scale * np.where(x > 0, x, alpha * (np.exp(x) - 1))

    def backward(dy):
        return dy * np.where(x > 0, scale, scale * alpha * np.exp(x))

    return y, backward


@later(
    (2, 3),
    constant=("1 + 1.702 * x * (1 - s)", "1 + 1.072 * x * (1 - s)"),
    constant_forgotten=("1 + 1.702 * x * (1 - s)", "1 + x * (1 - s)"),
    product=("s * (1 + 1.702 * x * (1 - s))", "s"),
    seventh_digit=("1 + 1.702 * x * (1 - s)", "1 + 1.7020001 * x * (1 - s)"),
    sigmoid_at_x=("s * (1 + 1.702", "expit(x) * (1 + 1.702"),
)
def quick_gelu(x):
    s = expit(1.702 * x)
    return x * s, lambda g: g * s * (1 + 1.702 * x * (1 - s))


@later(
    (4, 3),
    (3,),
    beta_forgotten=("s + beta * x * ds", "s + x * ds"),
    not_summed=("(g * x * x * ds).sum(axis=0)", "(g * x * x * ds).mean(axis=0)"),
    power=("(g * x * x * ds)", "(g * x * ds)"),
    wrong_axis=("(g * x * x * ds).sum(axis=0)", "(g * x * x * ds).sum(axis=1)[:3]"),
    first_term=("s + beta * x * ds", "beta * x * ds"),
)
def swish_learned(x, beta):
    s = expit(beta * x)

    def backward(g):
        ds = s * (1 - s)
        return g * (s + beta * x * ds), (g * x * x * ds).sum(axis=0)

    return x * s, backward


@later(
    np.array([[-1.7, -0.4, 0.3], [0.9, 1.3, -0.2], [2.2, -0.8, 0.1]]),
    bounds_swapped=("(x > lo) & (x < hi)", "(x < lo) | (x > hi)"),
    one_bound=("(x > lo) & (x < hi)", "(x > lo)"),
    upper_only=("(x > lo) & (x < hi)", "(x < hi)"),
    unit_bounds=("(x < hi)", "(x < 0.5 * hi)"),
    slope_lost=("0.5 * grad *", "grad *"),
)
def hard_tanh_halved(x, lo=-1.0, hi=1.0):
    y = 0.5 * np.clip(x, lo, hi)

    def backward(grad):
        return 0.5 * grad * ((x > lo) & (x < hi))

    return y, backward


@later(
    (3, 4),
    positive(3, 4) / 2,
    temperature=("/ tau, None", ", None"),
    temperature_squared=("/ tau, None", "/ tau**2, None"),
    over_rows=("(g * y).sum(1, keepdims=True)", "(g * y).sum(0, keepdims=True)"),
    not_centered=("y * (g - (g * y).sum(1, keepdims=True))", "y * g"),
    uses_logits=("y * (g - (g * y)", "y * (g - (g * logits)"),
)
def gumbel_softmax(logits, uniform, tau=0.7):
    gumbel = -np.log(-np.log(uniform))
    z = (logits + gumbel) / tau
    y = np.exp(z - z.max(axis=1, keepdims=True))
    y = y / y.sum(axis=1, keepdims=True)

    def backward(g):
        return y * (g - (g * y).sum(1, keepdims=True)) / tau, None

    return y, backward


@later(
    (3, 4),
    np.array([1.3]),
    not_divided=("dx = ds / T", "dx = ds"),
    temperature_sign=("-np.sum(ds * x) / T**2", "np.sum(ds * x) / T**2"),
    temperature_power=("-np.sum(ds * x) / T**2", "-np.sum(ds * x) / T"),
    by_softmax=("-np.sum(ds * x)", "-np.sum(ds * p)"),
    temperature_of_rows=("-np.sum(ds * x)", "-np.sum(ds[0] * x[0])"),
)
def softmax_with_temperature(x, T):
    p = scipy.special.softmax(x / T, axis=-1)

    def backward(dp):
        ds = p * (dp - np.sum(dp * p, axis=-1, keepdims=True))
        dx = ds / T
        return dx, -np.sum(ds * x) / T**2

    return p, backward


@later(
    np.array([[0.9, -0.4], [-0.6, 0.8], [0.3, 1.1]]),
    np.array([[[0.5, -0.8, 0.4], [0.9, 0.3, -0.6]], [[0.7, 0.2, -0.9], [-0.5, 1.1, 0.6]]]),
    every_piece=("(z == y[:, None, :])", "(z > 0)"),
    inputs_by_all=('np.einsum("bko,kio->bi", dz, w)', 'np.einsum("bo,kio->bi", dy, w)'),
    other_axis=('np.einsum("bi,bko->kio", x, dz)', 'np.einsum("bi,bko->kio", x, dz[:, ::-1])'),
    minimum=("(z == y[:, None, :])", "(z == z.min(1, keepdims=True))"),
)
def maxout(x, w):
    z = np.einsum("bi,kio->bko", x, w)
    y = z.max(axis=1)

    def backward(dy):
        dz = dy[:, None, :] * (z == y[:, None, :])
        dz = dz / np.sum(z == y[:, None, :], axis=1, keepdims=True)
        return np.einsum("bko,kio->bi", dz, w), np.einsum("bi,bko->kio", x, dz)

    return y, backward


# Kernels, distances, geometry


@later(
    (4, 2),
    (3, 2),
    (1,),
    factor=("-2 * gamma * (R", "-gamma * (R"),
    sign_of_the_second=("dY = 2 * gamma", "dY = -2 * gamma"),
    gamma_sign=("-np.sum(dK * K * sq)", "np.sum(dK * K * sq)"),
    diagonal_term=("R.sum(1)[:, None] * X - R @ Y", "X - R @ Y"),
    wrong_sum=("R.sum(0)[:, None] * Y", "R.sum() * Y"),
    kernel_forgotten=("R = dK * K\n", "R = dK * 1\n"),
    swapped=("R.T @ X", "R.T @ (R @ Y)"),
)
def rbf_kernel(X, Y, gamma):
    sq = (X**2).sum(1)[:, None] + (Y**2).sum(1)[None, :] - 2 * X @ Y.T
    K = np.exp(-gamma * sq)

    def backward(dK):
        R = dK * K
        dX = -2 * gamma * (R.sum(1)[:, None] * X - R @ Y)
        dY = 2 * gamma * (R.T @ X - R.sum(0)[:, None] * Y)
        return dX, dY, np.array([-np.sum(dK * K * sq)])

    return K, backward


@later(
    (4, 3),
    (2, 3),
    same_sign=("dy = -np.sum(t, axis=0)", "dy = np.sum(t, axis=0)"),
    doubled=("g[:, :, None] * diff /", "2 * g[:, :, None] * diff /"),
    not_divided=(" / dist[:, :, None]", ""),
    axes=("dx = np.sum(t, axis=1)", "dx = np.sum(t[:, ::-1] * t, axis=1)"),
    squared=(" / dist[:, :, None]", " / dist[:, :, None] ** 2"),
)
def cdist_broadcast(x, y):
    diff = x[:, None, :] - y[None, :, :]
    dist = np.sqrt(np.sum(diff**2, axis=-1))

    def backward(g):
        t = g[:, :, None] * diff / dist[:, :, None]
        dx = np.sum(t, axis=1)
        dy = -np.sum(t, axis=0)
        return dx, dy

    return dist, backward


@later(
    (3, 4),
    (3, 4),
    sign_of_i=("db_w = w1 * gw + x1 * gx", "db_w = w1 * gw - x1 * gx"),
    conjugate_forgotten=("da_y = -y2 * gw", "da_y = y2 * gw"),
    operands_swapped=("da_w = w2 * gw + x2 * gx", "da_w = w1 * gw + x1 * gx"),
    component=("da_z = -z2 * gw - y2 * gx", "da_z = -z2 * gw - z2 * gx"),
    commuting=("db_x = -x1 * gw + w1 * gx + z1 * gy - y1 * gz", "db_x = -x1 * gw + w1 * gx - z1 * gy + y1 * gz"),
)
def quaternion_product(a, b):
    w1, x1, y1, z1 = a.T
    w2, x2, y2, z2 = b.T
    out = np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=1,
    )

    def backward(g):
        gw, gx, gy, gz = g.T
        da_w = w2 * gw + x2 * gx + y2 * gy + z2 * gz
        da_x = -x2 * gw + w2 * gx - z2 * gy + y2 * gz
        da_y = -y2 * gw + z2 * gx + w2 * gy - x2 * gz
        da_z = -z2 * gw - y2 * gx + x2 * gy + w2 * gz
        db_w = w1 * gw + x1 * gx + y1 * gy + z1 * gz
        db_x = -x1 * gw + w1 * gx + z1 * gy - y1 * gz
        db_y = -y1 * gw - z1 * gx + w1 * gy + x1 * gz
        db_z = -z1 * gw + y1 * gx - x1 * gy + w1 * gz
        return np.stack([da_w, da_x, da_y, da_z], axis=1), np.stack([db_w, db_x, db_y, db_z], axis=1)

    return out, backward


@later(
    (5, 2),
    (1,),
    inverse_forgotten=("dpoints = g @ R", "dpoints = g @ R.T"),
    derivative=("dR = np.array([[-s, -c], [c, -s]])", "dR = np.array([[-s, c], [c, -s]])"),
    matrix_for_its_derivative=("dR = np.array([[-s, -c], [c, -s]])", "dR = R"),
    wrong_side=("np.sum(g * (points @ dR.T))", "np.sum(g * (points @ dR))"),
    one_point=("np.sum(g * (points @ dR.T))", "np.sum((g * (points @ dR.T))[0])"),
)
def rotate_by_angle(points, theta):
    c, s = np.cos(theta[0]), np.sin(theta[0])
    R = np.array([[c, -s], [s, c]])

    def backward(g):
        dpoints = g @ R
        dR = np.array([[-s, -c], [c, -s]])
        return dpoints, np.array([np.sum(g * (points @ dR.T))])

    return points @ R.T, backward


@later(
    (4, 5),
    np.array([0.3, 1.7, 0.6]),
    np.array([2.2, 0.9, 2.7]),
    corners_swapped=("(1 - wy) * (b - a) + wy * (d - c)", "(1 - wy) * (c - a) + wy * (d - b)"),
    one_row=("(1 - wy) * (b - a) + wy * (d - c)", "(b - a)"),
    accumulate=("np.add.at(dimg, (y0, x0), g * (1 - wy) * (1 - wx))", "dimg[y0, x0] = g * (1 - wy) * (1 - wx)"),
    weight=("np.add.at(dimg, (y0, x0 + 1), g * (1 - wy) * wx)", "np.add.at(dimg, (y0, x0 + 1), g * wy * (1 - wx))"),
    index=("np.add.at(dimg, (y0 + 1, x0), g", "np.add.at(dimg, (y0, x0), g"),
    sign=("(c - a) + wx * (d - b)", "(a - c) + wx * (b - d)"),
)
def bilinear_sample(img, ys, xs):
    y0, x0 = np.floor(ys).astype(int), np.floor(xs).astype(int)
    wy, wx = ys - y0, xs - x0
    a, b, c, d = img[y0, x0], img[y0, x0 + 1], img[y0 + 1, x0], img[y0 + 1, x0 + 1]
    out = (1 - wy) * ((1 - wx) * a + wx * b) + wy * ((1 - wx) * c + wx * d)

    def backward(g):
        dimg = np.zeros_like(img)
        np.add.at(dimg, (y0, x0), g * (1 - wy) * (1 - wx))
        np.add.at(dimg, (y0, x0 + 1), g * (1 - wy) * wx)
        np.add.at(dimg, (y0 + 1, x0), g * wy * (1 - wx))
        np.add.at(dimg, (y0 + 1, x0 + 1), g * wy * wx)
        dys = g * ((1 - wx) * (c - a) + wx * (d - b))
        dxs = g * ((1 - wy) * (b - a) + wy * (d - c))
        return dimg, dys, dxs

    return out, backward


# Cumulative operations and sequences


@later(
    np.abs(drawn((2, 5))),  # it divides by x
    not_reversed=("np.cumsum((dy * y)[:, ::-1], axis=1)[:, ::-1]", "np.cumsum(dy * y, axis=1)"),
    axis=("np.cumsum((dy * y)[:, ::-1], axis=1)", "np.cumsum((dy * y)[:, ::-1], axis=0)"),
    argument_forgotten=("[:, ::-1] / x", "[:, ::-1]"),
    by_result=("(dy * y)", "(dy * x)"),
)
def cumprod(x):
    y = np.cumprod(x, axis=1)

    def backward(dy):
        return np.cumsum((dy * y)[:, ::-1], axis=1)[:, ::-1] / x

    return y, backward


@later(
    (2, 5),
    undiscounted=("acc = dG[:, t] + gamma * acc", "acc = dG[:, t] + acc"),
    backwards=("for t in range(T):", "for t in range(T - 1, -1, -1):"),
    stored_before_the_update=(
        "acc = dG[:, t] + gamma * acc\n            dr[:, t] = acc",
        "dr[:, t] = acc\n            acc = dG[:, t] + gamma * acc",
    ),
    sum_forgotten=("acc = dG[:, t] + gamma * acc", "acc = dG[:, t] + gamma * dG[:, t - 1]"),
    squared=("+ gamma * acc", "+ gamma**2 * acc"),
)
def discounted_returns(r, gamma=0.9):
    T = r.shape[1]
    G = np.zeros_like(r)
    running = np.zeros_like(r[:, 0])
    for t in reversed(range(T)):
        running = r[:, t] + gamma * running
        G[:, t] = running

    def backward(dG):
        dr = np.zeros_like(dG)
        acc = np.zeros_like(dG[:, 0])
        for t in range(T):
            acc = dG[:, t] + gamma * acc
            dr[:, t] = acc
        return dr

    return G, backward


@later(
    (2, 5),
    positive(5),
    weights_averaged=("(g[:, None] * e / s[:, None]).sum(0)", "(g[:, None] * e / s[:, None]).mean(0)"),
    weight_forgotten=("g[:, None] * w * e", "g[:, None] * e"),
    not_normalized=("w * e / s[:, None]", "w * e"),
    one_row=("e / s[:, None]).sum(0)", "e / s[:, None])[1]"),
    normalized_without_weights=("g[:, None] * w * e / s[:, None]", "g[:, None] * w * e / e.sum(1, keepdims=True)"),
)
def weighted_logsumexp(x, w):
    m = x.max(axis=1)
    e = np.exp(x - m[:, None])
    s = e @ w

    def backward(g):
        dw = (g[:, None] * e / s[:, None]).sum(0)
        return g[:, None] * w * e / s[:, None], dw

    return np.log(s) + m, backward


@later(
    (4, 3),
    (3, 3),
    (3,),
    (3,),
    np.array([2, 0, 0, 1]),
    score_forgotten=("de[t, tags[t]] -= g", "de[t, tags[t]] -= 0"),
    start=("ds = g * marginal[0]", "ds = g * beta[0]"),
    pairs_by_last=("beta[t][None, :] - logZ", "beta[t - 1][None, :] - logZ"),
    transitions_not_transposed=("alpha[t - 1][:, None] + trans", "alpha[t - 1][None, :] + trans"),
    emission_forgotten=("+ trans + emit[t][None, :] + beta", "+ trans + beta"),
    off_by_one=("dtrans[tags[t - 1], tags[t]]", "dtrans[tags[t], tags[t - 1]]"),
    not_accumulated=("dtrans += g", "dtrans = g"),
)
def crf_negative_log_likelihood(emit, trans, start, end, tags):
    T, K = emit.shape
    lse = scipy.special.logsumexp
    alpha = [start + emit[0]]
    for t in range(1, T):
        alpha.append(lse(alpha[-1][:, None] + trans, axis=0) + emit[t])
    logZ = lse(alpha[-1] + end)
    score = start[tags[0]] + emit[np.arange(T), tags].sum() + trans[tags[:-1], tags[1:]].sum() + end[tags[-1]]

    def backward(g):
        beta = [end]
        for t in range(T - 1, 0, -1):
            beta.insert(0, lse(trans + emit[t][None, :] + beta[0][None, :], axis=1))
        marginal = np.exp(np.stack(alpha) + np.stack(beta) - logZ)
        de, dtrans = g * marginal, np.zeros_like(trans)
        ds = g * marginal[0]
        dend = g * marginal[-1]
        for t in range(T):
            de[t, tags[t]] -= g
            if t > 0:
                pair = alpha[t - 1][:, None] + trans + emit[t][None, :] + beta[t][None, :] - logZ
                dtrans += g * np.exp(pair)
                dtrans[tags[t - 1], tags[t]] -= g
        ds[tags[0]] -= g
        dend[tags[-1]] -= g
        return de, dtrans, ds, dend

    return logZ - score, backward


@later(
    (3, 5),
    not_rolled_back=("np.roll(2 * d * dy, -1, axis=1)", "np.roll(2 * d * dy, 1, axis=1)"),
    not_rolled=("np.roll(2 * d * dy, -1, axis=1)", "2 * d * dy"),
    rolled_over_all=("np.roll(2 * d * dy, -1, axis=1)", "np.roll(2 * d * dy, -1)"),
    other_end_forgotten=("2 * d * dy - np", "2 * d * dy - 0 * np"),
    sign=("2 * d * dy - np", "2 * d * dy + np"),
)
def circular_difference_energy(x):
    d = x - np.roll(x, 1, axis=1)
    return d**2, lambda dy: 2 * d * dy - np.roll(2 * d * dy, -1, axis=1)


@later(
    (4, 5),
    rows_forgotten=("dx[:-1] -= sy", "dx[:-1] -= 0"),
    assigned=("dx[1:] += sy", "dx[1:] = sy"),
    signs=("dx[1:] += sy", "dx[1:] -= sy"),
    off_by_one=("dx[:, :-1] -= sx", "dx[:, 1:] -= sx"),
    not_smooth=("sx = g * h / np.sqrt(h**2 + eps)", "sx = g * np.sign(h)"),
    eps_without_root=("sy = g * v / np.sqrt(v**2 + eps)", "sy = g * v / (np.abs(v) + eps)"),
)
def total_variation(x, eps=1e-3):
    h = x[:, 1:] - x[:, :-1]
    v = x[1:, :] - x[:-1, :]
    loss = np.sqrt(h**2 + eps).sum() + np.sqrt(v**2 + eps).sum()

    def backward(g):
        dx = np.zeros_like(x)
        sx = g * h / np.sqrt(h**2 + eps)
        sy = g * v / np.sqrt(v**2 + eps)
        dx[:, 1:] += sx
        dx[:, :-1] -= sx
        dx[1:] += sy
        dx[:-1] -= sy
        return dx

    return loss, backward


# Likelihoods and linear algebra


@later(
    (4, 3),
    (3,),
    (3, 3),
    symmetric_part=("0.5 * (P + P.T) @ d.T", "P @ d.T"),
    mean_not_summed=("-dd.sum(axis=0)", "-dd.mean(axis=0)"),
    mean_sign=("-dd.sum(axis=0)", "dd.sum(axis=0)"),
    root_forgotten=("/ m[:, None]", "/ 1"),
    outer_half=("0.5 * (d * (dm / m)[:, None]).T @ d", "(d * (dm / m)[:, None]).T @ d"),
    not_by_distance=("(dm / m)", "(dm)"),
)
def mahalanobis(x, mu, B):
    d = x - mu
    P = B @ B.T + 0.3 * np.triu(np.ones((3, 3)))
    m = np.sqrt(np.einsum("ni,ij,nj->n", d, P, d))

    def backward(dm):
        dd = (0.5 * (P + P.T) @ d.T).T * dm[:, None] / m[:, None]
        dP = 0.5 * (d * (dm / m)[:, None]).T @ d
        return dd, -dd.sum(axis=0), (dP + dP.T) @ B

    return m, backward


@later(
    (5,),
    (1,),
    positive(1) + 1,
    bessel_ratio=("n * i1e(kappa) / i0e(kappa)", "n * i0e(kappa) / i1e(kappa)"),
    number_forgotten=("n * i1e", "i1e"),
    cosine_for_sine=("-kappa * np.sin(theta - mu)", "-kappa * np.cos(theta - mu)"),
    mean_sign=("np.array([-np.sum(dtheta)])", "np.array([np.sum(dtheta)])"),
    kappa_missing=("-kappa * np.sin(theta - mu)", "-np.sin(theta - mu)"),
    normalizer=(" - n * i1e(kappa) / i0e(kappa)", ""),
)
def von_mises_loglik(theta, mu, kappa):
    n = len(theta)
    ll = np.sum(kappa * np.cos(theta - mu)) - n * (np.log(2 * np.pi) + np.log(i0e(kappa[0])) + kappa[0])

    def backward(g):
        dtheta = g * -kappa * np.sin(theta - mu)
        dkappa = g * (np.sum(np.cos(theta - mu)) - n * i1e(kappa) / i0e(kappa))
        return dtheta, np.array([-np.sum(dtheta)]), dkappa

    return ll, backward


@later(
    positive(5) / 2,
    positive(1),
    positive(1) + 0.5,
    total_forgotten=("digamma(a + b) - digamma(a)", "-digamma(a)"),
    sum_over_data=("np.log(x).sum() + n", "np.log(x).mean() + n"),
    complement=("np.log1p(-x).sum()", "np.log1p(x).sum()"),
    one=("(a - 1) / x", "a / x"),
    second_sign=("- (b - 1) / (1 - x)", "+ (b - 1) / (1 - x)"),
    number=("n * (digamma(a + b) - digamma(b))", "(digamma(a + b) - digamma(b))"),
)
def beta_log_likelihood(x, a, b):
    n = x.size
    ll = np.sum((a - 1) * np.log(x) + (b - 1) * np.log1p(-x)) - n * scipy.special.betaln(a, b)[0]

    def backward(g):
        dx = g * ((a - 1) / x - (b - 1) / (1 - x))
        da = g * (np.log(x).sum() + n * (digamma(a + b) - digamma(a)))
        db = g * (np.log1p(-x).sum() + n * (digamma(a + b) - digamma(b)))
        return dx, da, db

    return ll, backward


@later(
    (3,),
    positive(1),
    np.array([2.0, 0.0, 5.0]),
    dispersion=("(k - mu) * r / (r + mu)", "(k - mu) / (r + mu)"),
    mean_for_log=("dlog_mu = g * (k - mu) * r / (r + mu)", "dlog_mu = g * (k / mu - 1) * r / (r + mu)"),
    digamma_of_count=("digamma(k + r) - digamma(r)", "digamma(k + 1) - digamma(r)"),
    last_term=(" - (k - mu) / (r + mu)", ""),
    one_added=("np.log(r / (r + mu)) - (k", "np.log(1 + r / (r + mu)) - (k"),
    sign=("(k - mu) / (r + mu)", "(mu - k) / (r + mu)"),
)
def negative_binomial_loglik(log_mu, r, k):
    mu = np.exp(log_mu)
    ll = gammaln(k + r) - gammaln(k + 1) - gammaln(r) + r * np.log(r / (r + mu)) + k * np.log(mu / (r + mu))

    def backward(g):
        dlog_mu = g * (k - mu) * r / (r + mu)
        dr = g * (digamma(k + r) - digamma(r) + np.log(r / (r + mu)) - (k - mu) / (r + mu))
        return dlog_mu, np.array([dr.sum()]), None

    return ll, backward


@later(
    (3,),
    (2,),
    (2, 3),
    positive(3, 3),
    gain_transposed=("dm = dm_new - H.T @ dinnov", "dm = dm_new - H.T @ (S @ dinnov)"),
    innovation_detached=("dm = dm_new - H.T @ dinnov", "dm = dm_new * 1"),
    observation_sign=("return dm, dinnov,", "return dm, -dinnov,"),
    only_through_the_gain=("dH = -np.outer(dinnov, m) + ", "dH = "),
    inverse_derivative=("dS = -K.T @ dK @ Sinv.T", "dS = K.T @ dK @ Sinv.T"),
    symmetric=("dPHt = dK @ Sinv.T + H.T @ dS", "dPHt = dK @ Sinv.T"),
    gain_by_state=("dK = np.outer(dm_new, innov)", "dK = np.outer(dm_new, H @ m)"),
)
def kalman_update(m, y, H, P):
    R = 0.5 * np.eye(len(y))
    PHt = P @ H.T
    S = H @ PHt + R
    Sinv = np.array([[S[1, 1], -S[0, 1]], [-S[1, 0], S[0, 0]]]) / (S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0])
    K = PHt @ Sinv
    innov = y - H @ m

    def backward(dm_new):
        dinnov = K.T @ dm_new
        dK = np.outer(dm_new, innov)
        dS = -K.T @ dK @ Sinv.T
        dPHt = dK @ Sinv.T + H.T @ dS
        dm = dm_new - H.T @ dinnov
        dH = -np.outer(dinnov, m) + dS @ PHt.T + dPHt.T @ P
        return dm, dinnov, dH, dPHt @ H

    return m + K @ innov, backward


@later(
    np.array([0.2, 0.9, 1.3, 2.1]),
    (4,),
    positive(1),
    positive(1),
    trace_half=("0.5 * (np.outer(a, a) - Kinv)", "(0.5 * np.outer(a, a) - Kinv)"),
    log_determinant=("0.5 * (np.outer(a, a) - Kinv)", "0.5 * np.outer(a, a)"),
    fit=("0.5 * (np.outer(a, a) - Kinv)", "-0.5 * Kinv"),
    targets=("dy = -g * a", "dy = -0.5 * g * a"),
    length_scale_power=("/ ell**3", "/ ell**2"),
    noise_diagonal=("np.trace(dK)", "np.sum(dK)"),
    noise_variance=("2 * noise * np.trace", "np.trace"),
)
def gp_log_marginal_likelihood(x, y, ell, noise):
    n = len(x)
    sq = (x[:, None] - x[None, :]) ** 2
    k = np.exp(-0.5 * sq / ell**2)
    L = np.linalg.cholesky(k + noise**2 * np.eye(n))
    a = np.linalg.solve(L.T, np.linalg.solve(L, y))
    ll = -0.5 * y @ a - np.log(np.diag(L)).sum() - 0.5 * n * np.log(2 * np.pi)

    def backward(g):
        Li = np.linalg.inv(L)
        Kinv = Li.T @ Li
        dy = -g * a
        dK = g * 0.5 * (np.outer(a, a) - Kinv)
        dell = np.sum(dK * k * sq) / ell**3
        dnoise = 2 * noise * np.trace(dK)
        return None, dy, dell, dnoise

    return ll, backward


@later(
    np.array([[2.1, -0.4, 0.3], [0.7, 1.6, -0.9], [-0.2, 1.1, 2.4]]),
    (3, 2),
    not_transposed=("db = np.linalg.solve(A.T, g)", "db = np.linalg.solve(A, g)"),
    sign=("-db @ x.T", "db @ x.T"),
    by_right_side=("-db @ x.T", "-db @ b.T"),
    outer_reversed=("-db @ x.T", "-(db @ x.T).T"),
    cotangent_unsolved=("-db @ x.T", "-g @ x.T"),
)
def linear_solve(A, b):
    x = np.linalg.solve(A, b)

    def backward(g):
        db = np.linalg.solve(A.T, g)
        return -db @ x.T, db

    return x, backward


# Numerical methods and features


def rk4_forward(y, theta, h=0.1):
    a, b = theta
    f = lambda u: np.stack([u[1], -a * np.sin(u[0]) - b * u[1]])
    k1 = f(y)
    k2 = f(y + 0.5 * h * k1)
    k3 = f(y + 0.5 * h * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), (y, theta, h, k1, k2, k3)


@later_in_two(
    rk4_forward,
    (2,),
    (2,),
    weights=("stage(g * h / 3 + 0.5 * h * d3, ", "stage(g * h / 6 + 0.5 * h * d3, "),
    half_step=("g * h / 6 + 0.5 * h * d2, ", "g * h / 6 + h * d2, "),
    last_stage_detached=("stage(g * h / 3 + h * d4, ", "stage(g * h / 3, "),
    last_stage_left_out=("dy = g + d1 + d2 + d3 + d4", "dy = g + d1 + d2 + d3"),
    parameter_not_accumulated=("dtheta += np.array", "dtheta = np.array"),
    cosine=("-a * np.cos(u[0]) * v[1]", "-a * np.sin(u[0]) * v[1]"),
    sign_of_friction=("v[0] - b * v[1]", "v[0] + b * v[1]"),
    jacobian_not_transposed=(
        "[-a * np.cos(u[0]) * v[1], v[0] - b * v[1]]",
        "[v[1], -a * np.cos(u[0]) * v[0] - b * v[1]]",
    ),
)
def rk4_backward(g, cache):
    y, theta, h, k1, k2, k3 = cache
    a, b = theta
    dtheta = np.zeros_like(theta)

    def stage(v, u):
        nonlocal dtheta
        dtheta += np.array([-np.sin(u[0]) * v[1], -u[1] * v[1]])
        return np.array([-a * np.cos(u[0]) * v[1], v[0] - b * v[1]])

    d4 = stage(g * h / 6, y + h * k3)
    d3 = stage(g * h / 3 + h * d4, y + 0.5 * h * k2)
    d2 = stage(g * h / 3 + 0.5 * h * d3, y + 0.5 * h * k1)
    d1 = stage(g * h / 6 + 0.5 * h * d2, y)
    dy = g + d1 + d2 + d3 + d4
    return dy, dtheta


@later(
    (5,),
    (4,),
    derivative_before_value=(
        "dp = dp * x + p\n            p = p * x + c",
        "p = p * x + c\n            dp = dp * x + p",
    ),
    powers_off=("powers = powers * x", "powers = powers * x**2"),
    reversed=("dcoef[k] = np.sum(g * powers)", "dcoef[len(coef) - 1 - k] = np.sum(g * powers)"),
    averaged=("dcoef[k] = np.sum(g * powers)", "dcoef[k] = np.mean(g * powers)"),
    without_x=("dp = dp * x + p", "dp = dp + p"),
)
def horner(x, coef):
    y = np.zeros_like(x)
    for c in coef:
        y = y * x + c

    def backward(g):
        p, dp = np.zeros_like(x), np.zeros_like(x)
        for c in coef:
            dp = dp * x + p
            p = p * x + c
        dcoef, powers = np.zeros_like(coef), np.ones_like(x)
        for k in range(len(coef) - 1, -1, -1):
            dcoef[k] = np.sum(g * powers)
            powers = powers * x
        return g * dp, dcoef

    return y, backward


@later(
    np.array([0.35, 0.82, 0.11]),
    (4,),
    tangent_half=("0.5 * ((p2 - p0) + 2 * t", "((p2 - p0) + 2 * t"),
    quadratic=("2 * t * (2 * p0", "t * (2 * p0"),
    cubic=("3 * t**2 * (-p0", "3 * t * (-p0"),
    first_knot=("-t + 2 * t**2 - t**3", "-t + 2 * t**2 + t**3"),
    constant_forgotten=("2 - 5 * t**2 + 3 * t**3", "-5 * t**2 + 3 * t**3"),
    power=("t + 4 * t**2 - 3 * t**3", "t + 4 * t**2 - 3 * t**2"),
)
def catmull_rom(t, p):
    p0, p1, p2, p3 = p
    y = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (-p0 + 3 * p1 - 3 * p2 + p3) * t**3)

    def backward(g):
        slope = 0.5 * ((p2 - p0) + 2 * t * (2 * p0 - 5 * p1 + 4 * p2 - p3) + 3 * t**2 * (-p0 + 3 * p1 - 3 * p2 + p3))
        dp = np.zeros_like(p)
        dp[0] = 0.5 * np.sum(g * (-t + 2 * t**2 - t**3))
        dp[1] = 0.5 * np.sum(g * (2 - 5 * t**2 + 3 * t**3))
        dp[2] = 0.5 * np.sum(g * (t + 4 * t**2 - 3 * t**3))
        dp[3] = 0.5 * np.sum(g * (-(t**2) + t**3))
        return g * slope, dp

    return y, backward


@later(
    (3, 2),
    (2, 5),
    two_pi_forgotten=("dz = 2 * np.pi * (", "dz = ("),
    digits=("dz = 2 * np.pi * (", "dz = 6.2831853 * ("),
    cosine_sign=("ds * np.cos(z) - dc * np.sin(z)", "ds * np.cos(z) + dc * np.sin(z)"),
    swapped=("ds * np.cos(z) - dc * np.sin(z)", "dc * np.cos(z) - ds * np.sin(z)"),
    halves=("ds, dc = dy[:, :m], dy[:, m:]", "dc, ds = dy[:, :m], dy[:, m:]"),
    matrix_scaled_twice=("x.T @ dz", "2 * np.pi * x.T @ dz"),
)
def fourier_features(x, B):
    m = B.shape[1]
    z = 2 * np.pi * x @ B
    y = np.concatenate([np.sin(z), np.cos(z)], axis=-1)

    def backward(dy):
        ds, dc = dy[:, :m], dy[:, m:]
        dz = 2 * np.pi * (ds * np.cos(z) - dc * np.sin(z))
        return dz @ B.T, x.T @ dz

    return y, backward


@later(
    (2, 2, 3, 2),
    one_use=("(dG + dG.transpose(0, 2, 1)) @ F", "dG @ F"),
    doubled=("(dG + dG.transpose(0, 2, 1)) @ F", "2 * dG @ F"),
    not_normalized=("@ F / (C * H * W)", "@ F / (H * W)"),
    order=("@ F / (", "@ F[:, ::-1] / ("),
    not_divided=("@ F / (C * H * W)", "@ F"),
)
def gram_matrix(x):
    N, C, H, W = x.shape
    F = x.reshape(N, C, -1)
    G = F @ F.transpose(0, 2, 1) / (C * H * W)

    def backward(dG):
        return ((dG + dG.transpose(0, 2, 1)) @ F / (C * H * W)).reshape(x.shape)

    return G, backward


@later(
    (3, 2),
    (4, 2),
    not_centered=("(g - (g * q).sum(1, keepdims=True))", "g"),
    degrees=("-(nu + 1) / nu", "-1 / nu"),
    kernel=("/ (1 + sq / nu)", "/ (1 + sq)"),
    centers_sign=("dcenters = -t.sum(0)", "dcenters = t.sum(0)"),
    half=("-(nu + 1) / nu *", "-(nu + 1) / (2 * nu) *"),
    points_over_wrong_axis=("dz = t.sum(1)", "dz = t.sum(1)[::-1]"),
)
def student_t_assignment(z, centers, nu=1.5):
    diff = z[:, None] - centers[None]
    sq = (diff**2).sum(-1)
    q = (1 + sq / nu) ** (-(nu + 1) / 2)
    q = q / q.sum(1, keepdims=True)

    def backward(g):
        r = q * (g - (g * q).sum(1, keepdims=True))
        t = (-(nu + 1) / nu * r / (1 + sq / nu))[:, :, None] * diff
        dz = t.sum(1)
        dcenters = -t.sum(0)
        return dz, dcenters

    return q, backward


@later(
    (2, 5, 3),
    (3,),
    weights_detached=("dh = p[:, :, None] * g[:, None, :] + ds[:, :, None] * v", "dh = p[:, :, None] * g[:, None, :]"),
    values_detached=("dh = p[:, :, None] * g[:, None, :] + ", "dh = "),
    not_centered=("ds = p * (dp - np.sum(p * dp, axis=1, keepdims=True))", "ds = p * dp"),
    over_the_batch=("np.sum(p * dp, axis=1, keepdims=True)", "np.sum(p * dp, axis=0, keepdims=True)"),
    query_of_one=('np.einsum("btd,bt->d", h, ds)', 'np.einsum("td,t->d", h[0], ds[0])'),
)
def attention_pooling(h, v):
    s = h @ v
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    y = np.einsum("bt,btd->bd", p, h)

    def backward(g):
        dp = np.einsum("bd,btd->bt", g, h)
        ds = p * (dp - np.sum(p * dp, axis=1, keepdims=True))
        dh = p[:, :, None] * g[:, None, :] + ds[:, :, None] * v
        return dh, np.einsum("btd,bt->d", h, ds)

    return y, backward


@later(
    (3, 4),
    at_y=("1 / (1 + np.exp(x))", "1 / (1 + np.exp(y))"),
    sign=("1 / (1 + np.exp(x))", "1 / (1 + np.exp(-x))"),
    like_sigmoid=("1 / (1 + np.exp(x))", "expit(x) * (1 - expit(x))"),
)
def log_sigmoid(x):
    y = -np.logaddexp(0, -x)
    return y, lambda dout: dout * 1 / (1 + np.exp(x))


@later(
    (3, 4),
    of_the_result=("g * (x - y) ** 2", "g * y**2"),
    complement=("g * (x - y) ** 2", "g * (1 - (x - y) ** 2)"),
    power=("g * (x - y) ** 2", "g * np.abs(x - y)"),
)
def tanhshrink(x):
    y = x - np.tanh(x)
    return y, lambda g: g * (x - y) ** 2


@later(
    positive(2, 3),
    positive(2, 3),
    (2, 3),
    reversed_branch=("np.where(ratio * advantage <= clipped", "np.where(ratio * advantage > clipped"),
    clip_everywhere=("np.where(ratio * advantage <= clipped * advantage, ratio * advantage, 0)", "ratio * advantage"),
    averaged=("/ ratio.size", "/ len(ratio)"),
    sign=("-g * inside", "g * inside"),
    ratio_forgotten=("clipped * advantage, ratio * advantage, 0)", "clipped * advantage, advantage, 0)"),
)
def ppo_clip_loss(logp, logp_old, advantage, clip=0.2):
    ratio = np.exp(logp - logp_old)
    clipped = np.clip(ratio, 1 - clip, 1 + clip)
    loss = -np.mean(np.minimum(ratio * advantage, clipped * advantage))

    def backward(g):
        inside = np.where(ratio * advantage <= clipped * advantage, ratio * advantage, 0)
        dlogp = -g * inside / ratio.size
        return dlogp, -dlogp, None

    return loss, backward
