"""Exercise 04.4: the walk back through a graph of nodes, the heart of every autograd."""

from course_lib.byhand.autograd import Tensor
from course_lib.classroom.checking.exercise import Exercise

walk = Exercise(
    "04.4", "gradients_of", title="The walk back", difficulty=3, minutes=20, changes=("root", "leaves"),
    hints=(
        "Treat the root first. Which node may come next: one of whose users has not been treated yet, or one with all done?",
        "Make a list in which each node stands after its parents (visit the parents, then append the node; each node once). "
        "Then walk through it from its end.",
        "Keep a number for each node, 0.0, and 1.0 for the root. For each node from the end, for each pair of parent and local: "
        "add local · (the node's number) to the parent's.",
    ),
)


class Number:
    """What the exercise's Node is."""

    def __init__(self, data, parents=(), local=()):
        self.data, self.parents, self.local, self.grad = data, parents, local, 0.0

    def __add__(self, other):
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.data * other.data, (self, other), (other.data, self.data))


def answers(ns, root, *leaves):
    return [float(grad) for grad in ns["gradients_of"](root, list(leaves))]


@walk.probe()
def used_twice(ns, rng):
    """x · x + x at 3"""
    x = Number(3.0)
    return answers(ns, x * x + x, x)


@walk.probe()
def paths_of_different_length(ns, rng):
    """numbers that reach the root by short and by long paths"""
    a, b, c = Number(2.0), Number(-3.0), Number(0.5)
    u = a * b + c
    v = u * a
    return answers(ns, u + v * u, a, b, c)


@walk.probe()
def fifty_doublings(ns, rng):
    """a number added to itself, fifty times over: 2⁵⁰ paths, fifty nodes"""
    x = y = Number(1.0)
    for _ in range(50):
        y = y + y
    return answers(ns, y, x)


@walk.probe(hidden=True)
def any_numbers_in_it(ns, rng):
    """x · x + x at any number, and a leaf that is not used"""
    x = Number(float(rng.uniform(1.5, 4)))
    return answers(ns, x * x + x, x, Number(1.0))


@walk.probe(hidden=True, points=2)
def any_graph(ns, rng):
    """any graph"""
    a, b, c = nodes = [Number(float(value)) for value in rng.uniform(0.5, 2, 3)]
    u = a * b + c
    for k in range(int(rng.integers(2, 5))):
        u = u + u * nodes[k % 3]
    return answers(ns, a + u * u, a, b, c)


@walk.property(n=(1, 12))
def counting_edges(ns, n):
    """x + x + … + x moves n + 1 times as much as x"""
    x = Number(1.0)
    y = x
    for _ in range(n):
        y = y + x
    return answers(ns, y, x)[0], n + 1.0


def parents_first(root):
    order, stack, seen = [], [(root, False)], set()
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack += [(node, True), *((parent, False) for parent in reversed(node.parents))]
    return order


def walked(root, leaves, *, order=None, edge=None, start=1.0):
    """The walk back, with one thing wrong at a time."""
    root.grad = start
    for node in order or reversed(parents_first(root)):
        for parent, local in zip(node.parents, node.local, strict=True):
            edge(parent, local, node) if edge else add_up(parent, local, node)
    return [leaf.grad for leaf in leaves]


def add_up(parent, local, node):
    parent.grad += local * node.grad


@walk.mistake(hint="Where paths meet, add. An = in place of += keeps the last path only.")
def the_last_edge_wins(root, leaves):
    """a walk in which the last edge overwrites the others"""
    return walked(root, leaves, edge=lambda parent, local, node: setattr(parent, "grad", local * node.grad))


@walk.mistake(hint="x · x has two edges to x. A dict or a set of parents keeps one of them.")
def one_edge_for_each_parent(root, leaves):
    """a walk that follows only one edge to a parent that is used twice by one operation"""
    root.grad = 1.0
    for node in reversed(parents_first(root)):
        for parent, local in dict(zip(node.parents, node.local, strict=True)).items():
            parent.grad += local * node.grad
    return [leaf.grad for leaf in leaves]


@walk.mistake(hint="A node must have heard from all that use it before it passes on. Depth first from the root is not enough.")
def passes_on_too_early(root, leaves):
    """a walk in which a node passes its gradient on before it is complete"""
    order, seen, stack = [], set(), [root]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            stack += reversed(node.parents)
    return walked(root, leaves, order=order)


@walk.mistake(hint="On the way back the root comes first. This walks forwards, when nothing is known yet.")
def walks_forwards(root, leaves):
    """a walk from the leaves to the root"""
    return walked(root, leaves, order=parents_first(root))


@walk.mistake(hint="How does the root move with itself? By 1, and with 0 all products are 0.")
def begins_with_zero(root, leaves):
    """a walk that begins with zero at the root"""
    return walked(root, leaves, start=0.0)


@walk.mistake(hint="Along a path, multiply: the local derivative times what has arrived at the node.")
def local_derivatives_only(root, leaves):
    """the sum of the local derivatives, not multiplied along the path"""
    return walked(root, leaves, edge=lambda parent, local, node: setattr(parent, "grad", parent.grad + local))


@walk.mistake(hint="Along a path derivatives multiply; this adds them.")
def adds_along_the_path(root, leaves):
    """derivatives added along the path"""
    return walked(root, leaves,
                  edge=lambda parent, local, node: setattr(parent, "grad", parent.grad + local + node.grad))


@walk.forbid("course_lib.byhand.autograd.Tensor.backward")
def _(call, root, leaves):
    made = {}
    for node in parents_first(root):
        made[id(node)] = Tensor(node.data, [made[id(parent)] for parent in node.parents],
                                lambda dy, node=node: [local * dy for local in node.local])
    call(made[id(root)])
    return [float(made[id(leaf)].grad) if id(leaf) in made else 0.0 for leaf in leaves]
