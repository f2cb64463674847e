"""One thing under several names: forbidding one of them forbids them all. Used by the checks of all lessons.

A library offers the same as a function, a method and a module, and offers it again inside something larger. Who may
not call one of them learns nothing by calling another. Of `course_lib` only what does the whole of it stands here: an
exercise often allows the course's pieces, and says so.
"""

from collections.abc import Collection

GROUPS = {  # what an exercise's text may call them: their names
    "softmax": """torch.softmax torch.Tensor.softmax torch.nn.functional.softmax torch.special.softmax torch.nn.Softmax
        torch.nn.Softmax2d torch.nn.functional.softmin torch.nn.Softmin scipy.special.softmax
        torch.log_softmax torch.Tensor.log_softmax torch.nn.functional.log_softmax torch.special.log_softmax
        torch.nn.LogSoftmax scipy.special.log_softmax""",
    "logsumexp": """torch.logsumexp torch.Tensor.logsumexp torch.special.logsumexp numpy.logaddexp torch.logaddexp
        torch.Tensor.logaddexp torch.logcumsumexp torch.Tensor.logcumsumexp scipy.special.logsumexp""",
    "cross_entropy": """torch.nn.functional.cross_entropy torch.nn.functional.nll_loss torch.nn.CrossEntropyLoss
        torch.nn.NLLLoss course_lib.training.loss.next_token_loss""",
    "attention": """torch.nn.functional.scaled_dot_product_attention torch.nn.functional.multi_head_attention_forward
        torch.nn.MultiheadAttention torch.nn.TransformerEncoderLayer torch.nn.TransformerDecoderLayer""",
    "layer_norm": """torch.nn.functional.layer_norm torch.layer_norm torch.native_layer_norm torch.nn.LayerNorm""",
    "autograd": """torch.autograd.grad torch.autograd.backward torch.Tensor.backward torch.func.grad
        torch.func.grad_and_value torch.func.vjp torch.func.jvp torch.func.jacrev torch.func.jacfwd
        torch.autograd.functional.jacobian torch.autograd.functional.vjp torch.autograd.functional.jvp
        course_lib.byhand.autograd.Tensor.backward""",
    "tanh": """numpy.tanh math.tanh cmath.tanh torch.tanh torch.Tensor.tanh torch.Tensor.tanh_ torch.nn.functional.tanh
        torch.nn.Tanh""",
    "svd": """numpy.linalg.svd numpy.linalg.svdvals torch.linalg.svd torch.linalg.svdvals torch.svd torch.svd_lowrank
        torch.Tensor.svd torch.pca_lowrank scipy.linalg.svd""",
}


def with_twins(names: Collection[str]) -> list[str]:
    """The names, and after them every other name of the same things, once each."""
    found = dict.fromkeys(names)
    for name in names:
        found |= dict.fromkeys(one for group in groups_of(name).values() for one in group)
    return list(found)


def groups_of(name: str) -> dict[str, list[str]]:
    """The groups that a name stands in: what each is called → its names."""
    groups = {called: group.split() for called, group in GROUPS.items()}
    return {called: group for called, group in groups.items() if name in group}
