"""An autograd in 150 lines: arrays that remember how they were made. Derived in lesson 04 (backprop).

Each operation notes its parents, and a *rule* that turns the gradient of its result into one for each parent.
`backward()` walks from the loss to the leaves, each node after everything that used it, and adds up. A Tensor of
shape () is the scalar case. Elsewhere: reverse-mode automatic differentiation (Baydin et al. 2018), the tape.
"""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.byhand import functional as F


def unbroadcast(dy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum dy over every axis along which an array of `shape` was repeated: a copy's gradients add up."""
    dy = dy.sum(axis=tuple(range(dy.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and dy.shape[axis] != 1)
    return dy.sum(axis=repeated, keepdims=True)


def topological_order(root: "Tensor") -> list["Tensor"]:
    """Every node that `root` was made from, each after its parents; root last. No recursion: graphs can be deep."""
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(node.parents))
    return order


class Tensor:
    """A float64 array `data`, its gradient `grad` (None before `backward`), and how it was made.

    `parents`: the Tensors it was computed from. `op`: the operation, "" for a leaf. `rule`: maps ∂loss/∂self to
    one ∂loss/∂parent for each parent. `label`: a name, for pictures only.
    """

    __array_ufunc__ = None  # numpy leaves `array * tensor` to us

    def __init__(self, data, parents: Sequence["Tensor"] = (), rule: Callable | None = None, op="", label=""):
        self.data = np.asarray(data, dtype=np.float64)
        self.parents, self.rule, self.op, self.label = tuple(parents), rule, op, label
        self.grad: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self.data.shape

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.data, precision=4)}{', ' + self.op if self.op else ''})"

    def backward(self, grad: np.ndarray | float | None = None) -> None:
        """Set `grad` of every node below to ∂self/∂node; leaves *add* to what they have, as in torch.

        `grad` is what to start with, 1 for a single number. Raises ValueError for more numbers without it.
        """
        if grad is None and self.data.size != 1:
            raise ValueError(f"backward() starts from one number, not from shape {self.shape}: sum it, or give `grad`")
        order = topological_order(self)
        for node in order:
            if node.parents or node.grad is None:
                node.grad = np.zeros_like(node.data)
        self.grad += 1.0 if grad is None else grad
        for node in reversed(order):
            for parent, dparent in zip(node.parents, node.rule(node.grad) if node.rule else (), strict=True):
                parent.grad += unbroadcast(dparent, parent.shape)

    def __add__(self, other):
        return Tensor(self.data + (other := as_tensor(other)).data, (self, other), lambda dy: (dy, dy), "+")

    def __mul__(self, other):
        a, b = self.data, (other := as_tensor(other)).data
        return Tensor(a * b, (self, other), lambda dy: (dy * b, dy * a), "×")

    def __pow__(self, exponent: float):
        return Tensor(self.data**exponent, (self,),
                      lambda dy: (dy * exponent * self.data ** (exponent - 1),), f"^{exponent:g}")

    def __matmul__(self, other):
        """Both with at least two axes; leading axes are broadcast."""
        a, b = self.data, (other := as_tensor(other)).data
        return Tensor(a @ b, (self, other), lambda dy: (dy @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ dy), "@")

    def __getitem__(self, index):
        """Any index of numpy's; an array of ids reads rows of a table. What was read twice gets both gradients."""
        return Tensor(self.data[index], (self,), lambda dy: (F.read_backward(dy, index, self.data),), "[ ]")

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Over all axes, or some. Each number that was added gets the whole dy."""
        def rule(dy): return np.broadcast_to(dy if axis is None or keepdims else np.expand_dims(dy, axis), self.shape),
        return Tensor(self.data.sum(axis=axis, keepdims=keepdims), (self,), rule, "sum")

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The sum, divided by how many were added."""
        return (total := self.sum(axis, keepdims)) * (total.data.size / F.count(self.data))

    def reshape(self, *shape: int) -> "Tensor":
        """The same numbers in another shape; dy goes back into the old one."""
        return Tensor(self.data.reshape(*shape), (self,), lambda dy: (dy.reshape(self.shape),), "reshape")

    def swapaxes(self, a: int, b: int) -> "Tensor":
        """Two axes exchanged; and back."""
        return Tensor(self.data.swapaxes(a, b), (self,), lambda dy: (dy.swapaxes(a, b),), "swapaxes")

    def exp(self) -> "Tensor":
        """dx = dy · y."""
        y = np.exp(self.data)
        return Tensor(y, (self,), lambda dy: (dy * y,), "exp")

    def log(self) -> "Tensor":
        """dx = dy / x."""
        return Tensor(np.log(self.data), (self,), lambda dy: (dy / self.data,), "log")

    def tanh(self) -> "Tensor":
        """dx = dy · (1 − y²)."""
        y = F.tanh(self.data)
        return Tensor(y, (self,), lambda dy: (F.tanh_backward(dy, y),), "tanh")

    def sigmoid(self) -> "Tensor":
        """dx = dy · y · (1 − y)."""
        y = F.sigmoid(self.data)
        return Tensor(y, (self,), lambda dy: (F.sigmoid_backward(dy, y),), "sigmoid")

    def relu(self) -> "Tensor":
        """dx = dy where x > 0, else 0."""
        return Tensor(F.relu(self.data), (self,), lambda dy: (F.relu_backward(dy, self.data),), "relu")

    def log_softmax(self, axis: int = -1) -> "Tensor":
        """dx = dy − softmax · Σ dy."""
        y = F.log_softmax(self.data, axis)
        return Tensor(y, (self,), lambda dy: (F.log_softmax_backward(dy, y, axis),), "log_softmax")

    __radd__, __rmul__ = __add__, __mul__
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -as_tensor(other)
    def __rsub__(self, other): return as_tensor(other) + -self
    def __truediv__(self, other): return self * as_tensor(other) ** -1
    def __rtruediv__(self, other): return as_tensor(other) * self**-1
    def __rmatmul__(self, other): return as_tensor(other) @ self


def as_tensor(value) -> Tensor:
    """A Tensor as it is; numbers and arrays become leaves."""
    return value if isinstance(value, Tensor) else Tensor(value)
