r"""Each function beside its gradient, in numpy. Derived in lesson 04 (backprop), used by 05, 06 and 07.

One rule for all names and signatures. `y = f(x, …)` goes forwards; `f_backward(dy, …)` goes backwards: it takes
dy = ∂loss/∂y and what the forward pass saw or made, and returns ∂loss/∂(each input), in the shape of that input:

    y = tanh(x)          dx = tanh_backward(dy, y)
    y = linear(x, w, b)  dx, dw, db = linear_backward(dy, x, w)

Elsewhere a backward function is called a vector–Jacobian product (VJP) or a pullback; dy the upstream gradient.
"""

import numpy as np

from course_lib.text.ids import checked_ids
from course_lib.text.windows import IGNORE


def sigmoid(x: np.ndarray) -> np.ndarray:
    r"""$\sigma(x) = 1 / (1 + e^{-x})$, written so that no exponent is ever positive: nothing can overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""$dx = dy \cdot y\,(1 - y)$: at most a quarter of dy, and next to nothing where y is near 0 or 1."""
    return dy * y * (1 - y)


def tanh(x: np.ndarray) -> np.ndarray:
    r"""$(e^x - e^{-x}) / (e^x + e^{-x}) = 2\,\sigma(2x) - 1$. Computed as printed it is inf / inf beyond x = 710."""
    return np.tanh(x)


def tanh_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""$dx = dy\,(1 - y^2)$."""
    return dy * (1 - y**2)


def relu(x: np.ndarray) -> np.ndarray:
    r"""$\max(x, 0)$."""
    return np.maximum(x, 0)


def relu_backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dy where x > 0, else 0. It is x, the number *before* the ReLU, that decides; at x = 0 we say 0, as torch does."""
    return dy * (x > 0)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    r"""$y_i = e^{x_i} / \sum_j e^{x_j}$ along `axis`. The largest x is subtracted first: same y, no overflow."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(dy: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    r"""$dx_i = y_i\,(dy_i - \sum_j dy_j\,y_j)$: every input reaches every output, for they share the sum."""
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    r"""$\log \mathrm{softmax}(x) = x - \log \sum_j e^{x_j}$, exact where softmax itself would round to 0."""
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def log_softmax_backward(dy: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    r"""$dx_i = dy_i - e^{y_i} \sum_j dy_j$."""
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    r"""Mean surprise $-\log \mathrm{softmax}(\text{logits})_{\text{target}}$, in nats.

    logits (..., V), targets (...) ids, with -1 where nothing is asked; without any target the loss is 0. ValueError for
    other targets that are no ids.
    """
    targets = _checked_targets(targets, logits)
    asked = targets != IGNORE
    log_probs = log_softmax(logits[asked])  # (N, V)
    return -log_probs[np.arange(len(log_probs)), targets[asked]].sum() / max(1, len(log_probs))


def cross_entropy_backward(dloss: float, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    r"""$d\text{logits} = d\text{loss}\,(\mathrm{softmax}(\text{logits}) - \text{onehot}(\text{targets})) / N$.

    What the model said, minus what was true. N counts the targets that are not -1; the other rows are 0.
    """
    targets = _checked_targets(targets, logits)
    asked = targets != IGNORE
    dlogits = np.zeros_like(logits)
    p = softmax(logits[asked])  # (N, V)
    p[np.arange(len(p)), targets[asked]] -= 1
    dlogits[asked] = dloss * p / max(1, len(p))
    return dlogits


def _checked_targets(targets, logits):
    """(...) int64 for logits (..., V); only here may a -1 stand among ids."""
    targets = checked_ids(targets, logits.shape[-1], what="targets", ndim=None, ignore=IGNORE)
    if targets.shape != logits.shape[:-1]:
        raise ValueError(f"targets {targets.shape} must have the shape of logits {logits.shape} less the last axis")
    return targets


def count(x: np.ndarray) -> int:
    """How many numbers a mean is taken of; ValueError for none."""
    if not x.size:
        raise ValueError(f"there is no mean of no numbers, shape {x.shape}; is the batch empty?")
    return x.size


def binary_cross_entropy_with_logits(logits: np.ndarray, targets: np.ndarray) -> float:
    r"""Mean of $-t \log \sigma(z) - (1-t) \log(1-\sigma(z)) = \log(1 + e^z) - t z$, targets t in 0 … 1."""
    return (np.logaddexp(0, logits) - targets * logits).sum() / count(logits)


def binary_cross_entropy_with_logits_backward(dloss: float, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    r"""$dz = d\text{loss}\,(\sigma(z) - t) / N$: the slope of the sigmoid has cancelled out."""
    return dloss * (sigmoid(logits) - targets) / logits.size


def mse_loss(y: np.ndarray, targets: np.ndarray) -> float:
    r"""Mean of $(y - t)^2$; y and targets of one shape."""
    return ((y - targets) ** 2).sum() / count(y)


def mse_loss_backward(dloss: float, y: np.ndarray, targets: np.ndarray) -> np.ndarray:
    r"""$dy = d\text{loss} \cdot 2\,(y - t) / N$: what was said minus what was wanted, in this order."""
    return dloss * 2 * (y - targets) / y.size


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """y = x @ weight + bias: (..., C) -> (..., F), weight (C, F), bias (F,). Torch keeps weight as (F, C)."""
    y = x @ weight
    return y if bias is None else y + bias


def linear_backward(dy: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""$dx = dy\,W^\top, \quad dW = x^\top dy, \quad db = \textstyle\sum_n dy_n$, sums over all rows n of the batch."""
    C, F = weight.shape
    dx = dy @ weight.T                                # (..., C)
    dweight = x.reshape(-1, C).T @ dy.reshape(-1, F)  # (C, F)
    dbias = dy.reshape(-1, F).sum(axis=0)             # (F,)
    return dx, dweight, dbias


def embedding(idx: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Row idx of a table: ids (...), weight (V, C) -> (..., C). The same as onehot(idx) @ weight, without the zeros.

    ValueError for what is no id: as an index, -1 would be the last row.
    """
    return weight[checked_ids(idx, len(weight), what="idx", ndim=None)]


def embedding_backward(dy: np.ndarray, idx: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Each dy is added to the row it was read from; a row read twice gets both. (..., C) -> dweight (V, C)."""
    return read_backward(dy, checked_ids(idx, len(weight), what="idx", ndim=None), weight)


def read_backward(dy: np.ndarray, index: object, x: np.ndarray) -> np.ndarray:
    """The gradient of x for y = x[index], with any index of numpy's: zeros where nothing was read."""
    dx = np.zeros_like(x)
    np.add.at(dx, index, dy)  # dx[index] += dy would keep one of several
    return dx


def layer_norm(x: np.ndarray, weight: np.ndarray | None = None, bias: np.ndarray | None = None,
               eps: float = 1e-5) -> np.ndarray:
    r"""$\hat x \cdot w + b$ with $\hat x = (x - \bar x) / \sqrt{\mathrm{var}(x) + \epsilon}$ over the last axis.

    x (..., C), weight and bias (C,); the variance divides by C. Ba, Kiros, Hinton 2016, "Layer Normalization".
    """
    y = _standardised(x, eps)[0]
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def layer_norm_backward(dy: np.ndarray, x: np.ndarray, weight: np.ndarray | None = None,
                        eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""$dx = (d\hat x - \overline{d\hat x} - \hat x\,\overline{d\hat x\,\hat x}) / \sqrt{\mathrm{var}(x)+\epsilon}$.

    $d\hat x = dy \cdot w$; bars are means over the last axis: taken away is what a shift or a stretch of the whole
    row would do, for neither changes y. Returns dx (..., C), dweight (C,), dbias (C,).
    """
    C = x.shape[-1]
    x_hat, scale = _standardised(x, eps)
    dx_hat = dy if weight is None else dy * weight
    mean = dx_hat.mean(axis=-1, keepdims=True)
    along = (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    dx = (dx_hat - mean - x_hat * along) / scale        # (..., C)
    dweight = (dy * x_hat).reshape(-1, C).sum(axis=0)   # (C,)
    dbias = dy.reshape(-1, C).sum(axis=0)               # (C,)
    return dx, dweight, dbias


def _standardised(x, eps):
    """(x - mean) / scale over the last axis, and that scale."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    return centred / scale, scale
