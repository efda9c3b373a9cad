"""The benchmark's models written by hand in NumPy alone, without layers, classes or graph: what a step costs at least.

Each function is one training step of plain SGD: forward, backward, update in place. Arrays are float32.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Weights = dict[str, NDArray]


def cross_entropy(z: NDArray, labels: NDArray) -> tuple[float, NDArray]:
    """The mean loss and its gradient, (softmax(z) − one-hot)/N."""
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(z))
    loss = float(-np.log(p[rows, labels]).mean())
    p[rows, labels] -= 1
    p /= len(z)
    return loss, p


def mlp_step(w: Weights, x: NDArray, labels: NDArray, lr: float) -> float:
    """784-256-128-10 with relu."""
    a1 = np.maximum(x @ w["0.weight"].T + w["0.bias"], 0)
    a2 = np.maximum(a1 @ w["2.weight"].T + w["2.bias"], 0)
    loss, dz = cross_entropy(a2 @ w["4.weight"].T + w["4.bias"], labels)
    gradients = {"4.weight": dz.T @ a2, "4.bias": dz.sum(0)}
    dz = (dz @ w["4.weight"]) * (a2 > 0)
    gradients |= {"2.weight": dz.T @ a1, "2.bias": dz.sum(0)}
    dz = (dz @ w["2.weight"]) * (a1 > 0)
    gradients |= {"0.weight": dz.T @ x, "0.bias": dz.sum(0)}
    for name, g in gradients.items():
        w[name] -= lr * g
    return loss


def columns(x: NDArray, k: int) -> NDArray:
    """im2col with padding k // 2: (N, C, H, W) to (N, C k k, H W)."""
    n, c, h, w = x.shape
    p = k // 2
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    return sliding_window_view(padded, (k, k), (2, 3)).transpose(0, 1, 4, 5, 2, 3).reshape(n, c * k * k, h * w)


def conv(x: NDArray, w: NDArray, b: NDArray) -> tuple[NDArray, NDArray]:
    """The convolution, and the columns for its backward."""
    cols = columns(x, w.shape[2])
    return (w.reshape(len(w), -1) @ cols + b[:, None]).reshape(len(x), len(w), *x.shape[2:]), cols


def conv_backward(dy: NDArray, cols: NDArray, w: NDArray, wants_dx: bool) -> tuple[NDArray | None, NDArray, NDArray]:
    """dx by the kernel turned half round, dw from the columns, db."""
    flat = dy.reshape(*dy.shape[:2], -1)
    dw = np.matmul(flat, cols.transpose(0, 2, 1)).sum(0).reshape(w.shape)
    dx = None
    if wants_dx:
        turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(w.shape[1], -1)
        dx = (turned @ columns(dy, w.shape[2])).reshape(len(dy), w.shape[1], *dy.shape[2:])
    return dx, dw, dy.sum((0, 2, 3))


def norm(x: NDArray, gamma: NDArray, beta: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Batch norm in training; also x̂ and r for the backward."""
    mean = x.mean((0, 2, 3), keepdims=True)
    r = 1 / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
    x_hat = (x - mean) * r
    return gamma[:, None, None] * x_hat + beta[:, None, None], x_hat, r


def norm_backward(dy: NDArray, x_hat: NDArray, r: NDArray, gamma: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """dx with the terms of mean and variance, dγ, dβ."""
    m = dy.size // dy.shape[1]
    dbeta = dy.sum((0, 2, 3))
    dgamma = (dy * x_hat).sum((0, 2, 3))
    dx = gamma[:, None, None] * r * (dy - dbeta[:, None, None] / m - x_hat * dgamma[:, None, None] / m)
    return dx, dgamma, dbeta


def pool(x: NDArray) -> tuple[NDArray, NDArray]:
    """2×2 maxima, and which of the four each is."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    at = blocks.argmax(-1)[..., None]
    return np.take_along_axis(blocks, at, -1)[..., 0], at


def pool_backward(dy: NDArray, at: NDArray) -> NDArray:
    """dy put back where the maxima were."""
    n, c, h, w = dy.shape
    blocks = np.zeros((n, c, h, w, 4), dy.dtype)
    np.put_along_axis(blocks, at, dy[..., None], -1)
    return blocks.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def cnn_step(w: Weights, x: NDArray, labels: NDArray, lr: float) -> float:
    """Twice convolution 5×5, batch norm, relu, pooling; then a linear layer: the demo's network without dropout."""
    kept = []
    a = x
    for i in (0, 4):
        y, cols = conv(a, w[f"{i}.weight"], w[f"{i}.bias"])
        y, x_hat, r = norm(y, w[f"{i + 1}.weight"], w[f"{i + 1}.bias"])
        positive = y > 0
        a, at = pool(y * positive)
        kept.append((i, cols, x_hat, r, positive, at))
    flat = a.reshape(len(a), -1)
    loss, dz = cross_entropy(flat @ w["9.weight"].T + w["9.bias"], labels)
    gradients = {"9.weight": dz.T @ flat, "9.bias": dz.sum(0)}
    da = (dz @ w["9.weight"]).reshape(a.shape)
    for i, cols, x_hat, r, positive, at in reversed(kept):
        dy = pool_backward(da, at) * positive
        dy, gradients[f"{i + 1}.weight"], gradients[f"{i + 1}.bias"] = norm_backward(dy, x_hat, r, w[f"{i + 1}.weight"])
        da, gradients[f"{i}.weight"], gradients[f"{i}.bias"] = conv_backward(dy, cols, w[f"{i}.weight"], i > 0)
    for name, g in gradients.items():
        w[name] -= lr * g
    return loss
