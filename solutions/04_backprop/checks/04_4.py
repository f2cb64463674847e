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


LOOKS = 50_000


class TooManyPaths(Exception):
    """Parents are asked for far more often than there are nodes."""


class Number:
    """What the exercise's Node is; it also counts how often parents are asked for, by all together."""

    looks = 0

    def __init__(self, data, parents=(), local=()):
        self.data, self._parents, self.local, self.grad = data, parents, local, 0.0

    @property
    def parents(self):
        Number.looks += 1
        if Number.looks > LOOKS:
            raise TooManyPaths(f"parents were asked for {LOOKS:,} times: each path is walked by itself; treat each node once")
        return self._parents

    def __add__(self, other):
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.data * other.data, (self, other), (other.data, self.data))


def answers(ns, root, *leaves):
    Number.looks = 0
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


@walk.probe()
def not_reached(ns, rng):
    """a number that does not reach the root, and the root itself"""
    x, z = Number(2.0), Number(5.0)
    y = x * x
    return answers(ns, y, z, x, y)


@walk.probe()
def no_operation(ns, rng):
    """a root that was not computed from anything"""
    x = Number(4.0)
    return answers(ns, x, x, Number(4.0))


@walk.probe()
def equal_numbers(ns, rng):
    """different nodes with equal numbers"""
    a, b, c = Number(1.0), Number(1.0), Number(2.0)
    return answers(ns, a * c + b * c + a * b * c, a, b, c)


@walk.probe()
def asked_again(ns, rng):
    """the same graph asked twice, then another root, which one leaf does not reach"""
    x, z = Number(3.0), Number(2.0)
    y = x * x * z
    return [answers(ns, y, x, z), answers(ns, y, x, z), answers(ns, x + x, x, z)]


@walk.probe()
def a_node_between(ns, rng):
    """a node in the middle, used by short and by long paths; asked twice, then a root that it does not reach"""
    x = Number(3.0)
    u = x * x
    y = u + u * u
    return [answers(ns, y, u, x), answers(ns, y, u, x), answers(ns, x + x, x, u)]


@walk.probe()
def forty_sums(ns, rng):
    """forty numbers, each the sum of the two before it: a hundred million paths"""
    x, z = a, b = Number(1.0), Number(2.0)
    for _ in range(40):
        a, b = b, a + b
    return answers(ns, b, x, z)


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


@walk.probe(hidden=True)
def any_long_graph(ns, rng):
    """any long graph, with equal numbers in it, asked twice, then a root that one leaf does not reach"""
    x, z = Number(1.0), Number(1.0)
    a, b = x * z + x, z + z * Number(float(rng.uniform(0.2, 0.5)))
    for _ in range(int(rng.integers(30, 45))):
        a, b = b, a + b
    return [answers(ns, b, x, z, b), answers(ns, b, x, z, b), answers(ns, x + x, x, z)]


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


def edges(node):
    return zip(node.parents, node.local, strict=True)


def walked(root, leaves, *, order=None, edge=None, start=1.0, to=edges):
    """The walk back, with one thing wrong at a time."""
    order = order or parents_first(root)[::-1]
    for node in (*order, *leaves):
        node.grad = 0.0
    root.grad = start
    for node in order:
        for parent, local in to(node):
            edge(parent, local, node) if edge else add_up(parent, local, node)
    return [leaf.grad for leaf in leaves]


def add_up(parent, local, node):
    parent.grad += local * node.grad


def added_to_what_is_there(root, leaves):
    for node in reversed(parents_first(root)):
        for parent, local in edges(node):
            parent.grad += local * node.grad
    return [leaf.grad for leaf in leaves]


@walk.mistake(hint="Where paths meet, add. An = in place of += keeps the last path only.")
def the_last_edge_wins(root, leaves):
    """a walk in which the last edge overwrites the others"""
    return walked(root, leaves, edge=lambda parent, local, node: setattr(parent, "grad", local * node.grad))


@walk.mistake(hint="x · x has two edges to x. A dict or a set of parents keeps one of them.")
def one_edge_for_each_parent(root, leaves):
    """a walk that follows only one edge to a parent that is used twice by one operation"""

    def once(parent, local, node):
        told.setdefault(id(node), {})[id(parent)] = local * node.grad
        parent.grad = sum(one.get(id(parent), 0.0) for one in told.values()) + (parent is root)

    told = {}
    return walked(root, leaves, edge=once)


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


@walk.mistake(hint="What is passed on has been passed on before: the second visit sends the first one's share once more. Treat each node once.")
def passes_on_all_it_has(root, leaves):
    """a walk along each path that passes on all a node has so far, its earlier share once more"""
    grads = {id(node): 0.0 for node in (*parents_first(root), *leaves)} | {id(root): 1.0}

    def go(node):
        for parent, local in edges(node):
            grads[id(parent)] += local * grads[id(node)]
            go(parent)

    go(root)
    return [grads[id(leaf)] for leaf in leaves]


@walk.mistake(hint="Right, but fifty nodes have 2⁵⁰ paths. Wait until a node is complete, and pass on once.")
def each_path_by_itself(root, leaves):
    """a walk along each path by itself"""
    grads = {id(node): 0.0 for node in (*parents_first(root), *leaves)}

    def go(node, arrived):
        grads[id(node)] += arrived
        for parent, local in edges(node):
            go(parent, local * arrived)

    go(root, 1.0)
    return [grads[id(leaf)] for leaf in leaves]


@walk.mistake(hint="Level by level is not enough: one user of a node can lie deeper than another. Parents first, then from the end.")
def level_by_level(root, leaves):
    """a walk level by level, in which a node passes its gradient on before it is complete"""
    order, seen = [root], {id(root)}
    for node in order:
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return walked(root, leaves, order=order)


@walk.mistake(hint="An earlier call has left its numbers in grad. Begin with zeros, for all nodes and for the leaves.")
def what_an_earlier_call_left(root, leaves):
    """a walk that adds to what an earlier call has left in grad"""
    root.grad = 1.0
    return added_to_what_is_there(root, leaves)


@walk.mistake(hint="An earlier call has left its numbers in grad. Begin with zeros, for the root and for all nodes.")
def what_an_earlier_call_left_at_the_root(root, leaves):
    """a walk that adds to what an earlier call has left in grad, the root's as well"""
    root.grad += 1.0
    return added_to_what_is_there(root, leaves)


@walk.mistake(hint="Two nodes can hold equal numbers. Tell them apart by id(node), or keep the gradient on the node.")
def told_apart_by_their_numbers(root, leaves):
    """a walk that tells nodes apart by the numbers they hold"""
    grads = {root.data: 1.0}
    for node in reversed(parents_first(root)):
        for parent, local in edges(node):
            grads[parent.data] = grads.get(parent.data, 0.0) + local * grads[node.data]
    return [grads.get(leaf.data, 0.0) for leaf in leaves]


@walk.mistake(hint="A leaf that the walk never meets is in no table: its gradient is 0.0.")
def no_entry_for_the_unreached(root, leaves):
    """a walk that knows nothing of a leaf which does not reach the root"""
    found, reached = walked(root, leaves), set(map(id, parents_first(root)))
    return [{id(leaf): grad for leaf, grad in zip(leaves, found, strict=True) if id(leaf) in reached}[id(leaf)] for leaf in leaves]


@walk.mistake(hint="How does the root move with itself? By 1, not by its own number.")
def begins_with_the_number(root, leaves):
    """a walk that begins with the root's number instead of 1"""
    return walked(root, leaves, start=root.data)


@walk.mistake(hint="The root moves with itself by 1; here it may be one of the leaves.")
def nothing_for_the_root_itself(root, leaves):
    """0 for the root itself, which moves with itself by 1"""
    found = walked(root, leaves)
    return [0.0 if leaf is root else grad for leaf, grad in zip(leaves, found, strict=True)]


@walk.mistake(hint="zip(node.parents, node.local): the local derivative is what is multiplied, not the parent's number.")
def numbers_for_locals(root, leaves):
    """the parents' own numbers in place of the local derivatives"""
    return walked(root, leaves,
                  edge=lambda parent, local, node: setattr(parent, "grad", parent.grad + parent.data * node.grad))


@walk.mistake(hint="The gradients are asked for as a list: return it; writing them into grad is not enough.")
def nothing_returned(root, leaves):
    """gradients that were written into grad, and not returned"""
    walked(root, leaves)


@walk.mistake(hint="A leaf that does not reach the root has the gradient 0.0: dict.get(leaf) alone is None.")
def none_for_the_unreached(root, leaves):
    """None for a leaf that does not reach the root"""
    reached = set(map(id, parents_first(root)))
    return [grad if id(leaf) in reached else None for leaf, grad in zip(leaves, walked(root, leaves), strict=True)]


@walk.mistake(hint="The first local derivative belongs to the first parent, the second to the second.")
def locals_in_reverse(root, leaves):
    """local derivatives that were given to the wrong parents, in reverse"""
    return walked(root, leaves, to=lambda node: zip(node.parents, node.local[::-1], strict=True))


@walk.mistake(hint="An operation has several parents. All of them are told, not only the first.")
def the_first_parent_only(root, leaves):
    """a walk to the first parent of each node only"""
    return walked(root, leaves, to=lambda node: [*edges(node)][:1])


@walk.mistake(hint="Earlier calls left numbers in the nodes between: begin with zeros there, too, not only at the leaves.")
def only_leaves_begin_with_zero(root, leaves):
    """a walk that begins with zeros at the leaves only: nodes between keep what an earlier call left"""
    for leaf in leaves:
        leaf.grad = 0.0
    return what_an_earlier_call_left(root, leaves)


@walk.mistake(hint="A leaf that the walk does not meet keeps what an earlier call left: begin with zeros there, too.")
def the_unreached_keep_theirs(root, leaves):
    """a walk that sets only the nodes it meets to zero, so that an unreached leaf keeps what an earlier call left"""
    for node in parents_first(root):
        node.grad = 0.0
    return what_an_earlier_call_left(root, leaves)


@walk.forbid("course_lib.byhand.autograd.Tensor.backward")
def _(call, root, leaves):
    made = {}
    for node in parents_first(root):
        made[id(node)] = Tensor(node.data, [made[id(parent)] for parent in node.parents],
                                lambda dy, node=node: [local * dy for local in node.local])
    call(made[id(root)])
    return [float(made[id(leaf)].grad) if id(leaf) in made else 0.0 for leaf in leaves]
