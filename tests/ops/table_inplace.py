"""Programs that overwrite values: what PyTorch refuses and what it allows, one row each.

A row is a program in either library on a leaf h of shape (3, 4) that requires a gradient; it returns a number.
"""

import numpy as np

H = np.linspace(0.3, 1.7, 12).reshape(3, 4)

REFUSED = []
"""Both refuse: (program, words of the message here)."""
ALLOWED = []
"""Both give the same number and the same gradient."""
WIDER = []
"""PyTorch refuses, and here the gradient is that of what was computed: (program, the same without overwriting)."""
STRICTER = []
"""PyTorch allows, and here it is refused: (program, words of the message here)."""

STALE_OPERAND = "needs an operand of shape .* overwritten by an in-place operation"
STALE_RESULT = "needs its result of shape .* overwritten by an in-place operation"
LEAF = "this tensor is a leaf that requires grad"
VIEW_OF_LEAF = "view of a leaf that requires grad"
SHARED = "several elements of this tensor share one place in memory"
NO_GRAD_VIEW = r"view that was taken under no_grad\(\)"


def refused(words):
    return lambda program: REFUSED.append((program, words)) or program


def allowed(program):
    ALLOWED.append(program)
    return program


def wider(out_of_place):
    return lambda program: WIDER.append((program, out_of_place)) or program


def stricter(words):
    return lambda program: STRICTER.append((program, words)) or program


def zeros(lib, *shape):
    return lib.zeros(*shape, dtype=lib.float64)


def ones(lib, *shape):
    return lib.ones(*shape, dtype=lib.float64)


# Leaves and their views


@refused(f"add_: {LEAF}")
def adding_to_a_leaf(lib, h):
    h.add_(1)
    return h.sum()


@refused(f"add_: {LEAF}")
def plus_equals_on_a_leaf(lib, h):
    h += 1
    return h.sum()


@refused(f"setitem: {LEAF}")
def setting_an_item_of_a_leaf(lib, h):
    h[0] = 1.0
    return h.sum()


@refused(f"copy_: {LEAF}")
def copying_to_a_leaf(lib, h):
    h.copy_(zeros(lib, 3, 4))
    return h.sum()


@refused(f"add_: .*{VIEW_OF_LEAF}")
def adding_to_a_view_of_a_leaf(lib, h):
    h[0].add_(1)
    return h.sum()


@refused(VIEW_OF_LEAF)
def adding_to_a_view_of_views_of_a_leaf(lib, h):
    h.transpose(0, 1)[1:].view_as(h.transpose(0, 1)[1:]).add_(1)
    return h.sum()


@refused(f"setitem: .*{VIEW_OF_LEAF}")
def setting_an_item_of_a_view_of_a_leaf(lib, h):
    h[0][1:] = 2.0
    return h.sum()


@refused(VIEW_OF_LEAF)
def writing_to_a_view_that_is_older_than_the_flag_of_its_base(lib, h):
    base = zeros(lib, 2, 4)
    view = base[0]
    base.requires_grad_()
    view.add_(1)
    return (base * 1).sum() + h.sum()


@refused(VIEW_OF_LEAF)
def writing_recorded_values_to_such_a_view(lib, h):
    base = zeros(lib, 2, 4)
    view = base[0]
    base.requires_grad_()
    view.add_(h[0])
    return (base * 1).sum()


@refused(LEAF)
def writing_to_a_view_that_was_made_a_leaf(lib, h):
    view = zeros(lib, 2, 4)[0].requires_grad_()
    view.add_(1)
    return view.sum() + h.sum()


@refused(LEAF)
def writing_to_a_detached_tensor_that_was_made_a_leaf(lib, h):
    other = (h * 1).detach().requires_grad_()
    other.add_(1)
    return other.sum() + h.sum()


@allowed
def writing_to_a_leaf_under_no_grad(lib, h):
    with lib.no_grad():
        h.mul_(2)
        h[0] = 1.0
        h.view(-1)[3] = 7.0
        h += 0.5
    return (h * h).sum()


@allowed
def writing_to_a_leaf_that_nothing_keeps_under_no_grad(lib, h):
    y = (h * 3).sum()
    with lib.no_grad():
        h.mul_(2)
    return y


@allowed
def writing_recorded_values_gives_a_buffer_a_history(lib, h):
    buffer = zeros(lib, 3, 4)
    buffer.add_(h)
    assert buffer.requires_grad and not buffer.is_leaf
    return (buffer * buffer).sum()


@allowed
def a_base_is_overwritten_whose_view_was_made_a_leaf(lib, h):
    base = zeros(lib, 2, 4)
    view = base[0].requires_grad_()
    base.add_(1)
    return (view * h[0]).sum()


# Elements that share a place


@refused(f"mul_: {SHARED}")
def writing_to_an_expanded_tensor(lib, h):
    ones(lib, 1, 4).expand(3, 4).mul_(2)
    return h.sum()


@refused(f"mul_: {SHARED}")
def writing_to_an_expanded_result(lib, h):
    (h[:1] * 1).expand(3, 4).mul_(2)
    return h.sum()


@refused(SHARED)
def writing_to_an_expanded_tensor_under_no_grad(lib, h):
    with lib.no_grad():
        ones(lib, 1, 4).expand(3, 4).mul_(2)
    return h.sum()


@refused(SHARED)
def copying_to_an_expanded_tensor(lib, h):
    ones(lib, 4).expand(3, 4).copy_(h)
    return h.sum()


# In PyTorch this writes to all rows at once.
@stricter(SHARED)
def writing_to_a_row_of_an_expanded_tensor(lib, h):
    x = h[:1] * 1
    x.expand(3, 4)[0].mul_(2)
    return x.sum()


@stricter(SHARED)
def setting_a_row_of_an_expanded_tensor(lib, h):
    x = ones(lib, 1, 4)
    x.expand(3, 4)[0] = 2.0
    return x.sum() + h.sum()


@wider(lambda lib, h: (lib.cat([h[:1], h[:-1]]) ** 2).sum())
def copying_from_a_part_that_overlaps(lib, h):
    x = h * 1
    x[1:].copy_(x[:-1])
    return (x * x).sum()


@wider(lambda lib, h: (lib.cat([h[:1], h[:-1]]) ** 2).sum())
def setting_a_part_to_one_that_overlaps(lib, h):
    x = h * 1
    x[1:] = x[:-1]
    return (x * x).sum()


@wider(lambda lib, h: (lib.cat([h[:1], h[1:] + h[:-1]]) ** 2).sum())
def adding_a_part_that_overlaps(lib, h):
    x = h * 1
    x[1:].add_(x[:-1])
    return (x * x).sum()


@wider(lambda lib, h: ((h[:, :3] + h[:, :3].transpose(0, 1)) ** 2).sum())
def adding_ones_own_transpose(lib, h):
    x = h[:, :3] * 1
    x.add_(x.transpose(0, 1))
    return (x * x).sum()


@allowed
def adding_another_row_of_the_same_tensor(lib, h):
    x = h * 1
    x[0].add_(x[1])
    return (x * x).sum()


# A tensor and itself


@allowed
def adding_a_tensor_to_itself(lib, h):
    x = h * 1
    x.add_(x)
    x.copy_(x)
    return (x * x).sum()


@allowed
def subtracting_ones_own_mean_and_dividing_by_ones_own_sum(lib, h):
    x = h * 1
    x.sub_(x.mean() * 0.5)
    x.div_(x.sum())
    return (x * x).sum()


@allowed
def setting_a_tensor_to_its_own_rows(lib, h):
    x = h * 1
    x[:] = x.flip(0)
    x[[0, 1]] = x[[1, 0]]
    x[0], x[1] = x[1].clone(), x[0].clone()
    return (x * h).sum()


@wider(lambda lib, h: (h**4).sum())
def multiplying_a_tensor_by_itself(lib, h):
    x = h * 1
    x.mul_(x)
    return (x * x).sum()


@refused(STALE_OPERAND)
def setting_a_row_to_a_product_with_itself(lib, h):
    x = h * 1
    x[0] = x[0] * x[1]
    return (x * h).sum()


@allowed
def values_that_were_written_are_overwritten_later(lib, h):
    x, v, w = h * 1, h[0] * 2, h[1:] * 3
    x[0] = v
    x[1:].copy_(w)
    v.mul_(5)
    w.zero_()
    return (x * x).sum()


# Kept operands


@refused(f"'mul' {STALE_OPERAND}")
def a_kept_leaf_is_overwritten_under_no_grad(lib, h):
    y = (h * h).sum()
    with lib.no_grad():
        h.mul_(2)
    return y


@refused(f"'mul' {STALE_OPERAND}")
def a_kept_operand_is_overwritten(lib, h):
    x = h * 1
    y = (x * h).sum()
    x.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_through_a_view(lib, h):
    x = h * 1
    view = x[0]
    y = (x * h).sum()
    view.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_view_is_overwritten_through_its_base(lib, h):
    x = h * 1
    y = (x[0] * x[0]).sum()
    x.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_views_neighbours_are_overwritten(lib, h):
    # One record of writes for all views of a memory, here and there.
    x = h * 1
    y = (x[0] * x[0]).sum()
    x[1].add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_through_detach(lib, h):
    x = h * 1
    y = (x * h).sum()
    x.detach().add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_leaf_is_overwritten_through_detach(lib, h):
    y = (h * h).sum()
    h.detach().add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_through_detach_of_a_view(lib, h):
    x = h * 1
    y = (x * x).sum()
    x[0].detach().add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_detached_tensor_is_overwritten_through_what_it_was_detached_from(lib, h):
    x = h * 1
    y = (x.detach() * h).sum()
    x.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_under_no_grad(lib, h):
    x = h * 1
    y = (x * h).sum()
    with lib.no_grad():
        x.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_in_inference_mode(lib, h):
    x = ones(lib, 3, 4)
    y = (x * h).sum()
    with lib.inference_mode():
        x.add_(1)
    return y


@refused(STALE_OPERAND)
def an_item_of_a_kept_operand_is_set(lib, h):
    x = h * 1
    y = (x * h).sum()
    x[0, 0] = 3.0
    return y


@refused(STALE_OPERAND)
def elements_of_a_kept_operand_are_set_by_a_mask(lib, h):
    x = h * 1
    y = (x * h).sum()
    x[x > 1] = 3.0
    return y


@refused(STALE_OPERAND)
def elements_of_a_kept_operand_are_set_through_a_view_by_places(lib, h):
    x = h * 1
    y = (x * h).sum()
    x.view(-1)[[0, 2]] = 3.0
    return y


@refused(STALE_OPERAND)
def no_element_of_a_kept_operand_is_set(lib, h):
    x = h * 1
    y = (x * h).sum()
    x[3:] = 3.0
    return y


@refused("'pow' needs an operand")
def a_kept_exponent_is_overwritten(lib, h):
    e = ones(lib, 4) * 2
    y = (h**e).sum()
    e.add_(1)
    return y


@refused("'matmul' needs an operand")
def a_kept_matrix_is_overwritten(lib, h):
    x = h * 1
    y = (x @ h.transpose(0, 1)).sum()
    x.add_(1)
    return y


@refused("needs an operand")
def an_operand_in_a_list_is_overwritten(lib, h):
    x = h * 1
    y = lib.einsum("ij,ij->", x, h)
    x.add_(1)
    return y


@refused("'sin' needs an operand")
def an_operand_of_a_function_is_overwritten(lib, h):
    x = h * 1
    y = x.sin()
    x.mul_(2)
    return y.sum()


@refused("needs an operand")
def a_kept_condition_is_overwritten(lib, h):
    condition = h.detach() > 1
    y = lib.where(condition, h, h * 2).sum()
    condition.fill_(False)
    return y


@refused("'masked_fill' needs an operand")
def a_kept_mask_is_overwritten(lib, h):
    mask = h.detach() > 1
    y = h.masked_fill(mask, 0.0).sum()
    mask.fill_(False)
    return y


@refused(STALE_OPERAND)
def a_kept_operand_is_overwritten_between_two_backwards(lib, h):
    x = h * 1
    y = (x * x).sum()
    y.backward(retain_graph=True)
    h.grad = None
    x.add_(1)
    return y


@refused(STALE_OPERAND)
def a_kept_recorded_gradient_is_overwritten(lib, h):
    (g,) = lib.autograd.grad((h**3).sum(), h, create_graph=True)
    y = (g * g).sum()
    g.mul_(2)
    return y


@allowed
def a_recorded_gradient_is_overwritten(lib, h):
    (g,) = lib.autograd.grad((h**3).sum(), h, create_graph=True)
    g.mul_(2)
    return (g * h).sum()


@allowed
def an_operand_is_overwritten_before_it_is_kept(lib, h):
    x = h * 1
    x.add_(1)
    return (x * h).sum()


@allowed
def the_operand_that_no_gradient_needs_is_overwritten(lib, h):
    x, c = h * 1, ones(lib, 3, 4)
    y = (x * c).sum()
    x.add_(1)
    return y


@refused(STALE_OPERAND)
def the_constant_that_a_gradient_needs_is_overwritten(lib, h):
    c = ones(lib, 3, 4)
    y = (h * c).sum()
    c.add_(1)
    return y


@allowed
def operands_that_no_rule_keeps_are_overwritten(lib, h):
    x = h * 1
    y = (x + h).sum() + x.sum() + (x / 2).sum() + lib.cat([x, h]).sum() + x.cumsum(1).sum() + (3 * x).mean()
    x.add_(1)
    return y


@allowed
def a_copy_is_kept_where_the_tensor_is_overwritten(lib, h):
    x = h * 1
    y = (x.clone() * h).sum()
    x.add_(1)
    return y


@wider(lambda lib, h: h[lib.tensor([0, 2])].sum() + h.gather(1, lib.tensor([[0, 2]])).sum())
def an_index_is_overwritten_after_its_use(lib, h):
    rows, columns = lib.tensor([0, 2]), lib.tensor([[0, 2]])
    y = h[rows].sum() + h.gather(1, columns).sum()
    rows.fill_(1)
    columns.fill_(1)
    return y


@wider(lambda lib, h: 25 * (h[:2] ** 2).sum() + (h[1] ** 2).sum())
def an_index_is_overwritten_after_it_was_written_to(lib, h):
    rows, x = lib.tensor([0, 2]), h * 1
    x[rows] = h[:2] * 5
    rows.fill_(1)
    return (x * x).sum()


# Kept results


@refused(f"'exp' {STALE_RESULT}")
def a_kept_result_is_overwritten(lib, h):
    y = h.exp()
    y.add_(1)
    return y.sum()


@refused(f"'exp' {STALE_RESULT}")
def a_kept_result_is_overwritten_through_a_view(lib, h):
    y = h.exp()
    y[0].zero_()
    return y.sum()


@refused(f"'tanh' {STALE_RESULT}")
def a_kept_result_is_overwritten_through_detach(lib, h):
    y = h.tanh()
    y.detach().add_(1)
    return y.sum()


@refused(f"'relu' {STALE_RESULT}")
def relus_result_is_overwritten(lib, h):
    y = (h * 1).relu()
    y.add_(2)
    return y.sum()


@refused(f"'sigmoid' {STALE_RESULT}")
def sigmoids_result_is_overwritten(lib, h):
    y = h.sigmoid()
    y.mul_(2)
    return y.sum()


@refused(f"'sqrt' {STALE_RESULT}")
def square_roots_are_overwritten(lib, h):
    y = h.sqrt()
    y.mul_(2)
    return y.sum()


@refused(f"'softmax' {STALE_RESULT}")
def softmaxs_result_is_overwritten(lib, h):
    y = h.softmax(1)
    y.mul_(2)
    return (y * h).sum()


@allowed
def results_that_no_rule_keeps_are_overwritten(lib, h):
    x = h * 1
    x.sin_().mul_(3).cos_()
    y = h.sin()
    y.mul_(2)
    z = h.cumsum(0)
    z.zero_()
    return x.sum() + y.sum() + z.sum()


# An in-place operation computes beside the tensor, and keeps what it computed.
@wider(lambda lib, h: (h.exp() + 1).sum() + (2 * h.relu()).sum())
def the_kept_result_of_an_in_place_operation_is_overwritten(lib, h):
    x, y = h * 1, h * 1
    x.exp_().add_(1)
    y.relu_().mul_(2)
    return x.sum() + y.sum()


# Layers


@refused("'Linear' needs an operand of shape .2, 4.")
def a_weight_is_updated_before_the_backward(lib, h):
    weight = ones(lib, 2, 4).requires_grad_()
    y = lib.nn.functional.linear(h, weight).sum()
    with lib.no_grad():
        weight.sub_(1)
    return y


@refused("'Linear' needs an operand of shape .3, 4.")
def the_input_of_a_layer_is_overwritten(lib, h):
    x = h * 1
    y = lib.nn.Linear(4, 2).double()(x).sum()
    x.add_(1)
    return y


@allowed
def a_bias_is_updated_before_the_backward(lib, h):
    weight, bias = ones(lib, 2, 4), ones(lib, 2).requires_grad_()
    y = lib.nn.functional.linear(h, weight, bias).sum()
    with lib.no_grad():
        bias.sub_(1)
    return y


@refused("'Softmax' needs its result")
def the_result_of_a_layer_is_overwritten(lib, h):
    y = lib.nn.Softmax(1)(h)
    y.add_(1)
    return (y * h).sum()


@wider(lambda lib, h: ((h.tanh() + 1) * h).sum())
def the_result_of_tanh_is_overwritten(lib, h):
    y = lib.nn.Tanh()(h)  # PyTorch keeps y, of which 1 - y² loses its digits in saturation; here x is kept
    y.add_(1)
    return (y * h).sum()


@stricter("'Tanh' needs an operand of shape .3, 4.")
def the_input_of_tanh_is_overwritten(lib, h):
    x = 2 * h
    y = lib.nn.Tanh()(x)
    x.add_(1)
    return y.sum()


@refused("'CrossEntropyLoss' needs an operand of shape .3,. int64")
def labels_are_overwritten(lib, h):
    labels = lib.tensor([0, 1, 2])
    y = lib.nn.CrossEntropyLoss()(h, labels)
    labels.fill_(0)
    return y


@refused("'MSELoss' needs an operand")
def a_target_is_overwritten(lib, h):
    target = zeros(lib, 3, 4)
    y = lib.nn.MSELoss()(h, target)
    target.fill_(1)
    return y


# Kept here for a second derivative, which PyTorch computes from what it keeps for the first.
@stricter("'CrossEntropyLoss' needs an operand of shape .3, 4.")
def the_input_of_a_loss_is_overwritten(lib, h):
    x = h * 1
    y = lib.nn.CrossEntropyLoss()(x, lib.tensor([0, 1, 2]))
    x.fill_(0)
    return y


# The layer keeps what it computed from them.
@wider(lambda lib, h: (lib.nn.BatchNorm1d(4).double().eval()(h) * h).sum())
def running_statistics_are_overwritten_before_the_backward(lib, h):
    layer = lib.nn.BatchNorm1d(4).double().eval()
    y = (layer(h) * h).sum()
    layer.running_mean.add_(5)
    layer.running_var.mul_(9)
    return y


@allowed
def a_flattened_view_is_overwritten(lib, h):
    x = h.reshape(1, 3, 4) * 1
    lib.nn.Flatten()(x).mul_(2)
    return (x * x).sum()


# Views


@allowed
def writing_through_every_kind_of_view(lib, h):
    x = h * 1
    x.narrow(0, 1, 2).mul_(2)
    x.select(0, 1).sin_()
    x.diagonal().add_(h[1, :3])
    x.permute(1, 0)[0].neg_()
    x.unsqueeze(0).squeeze(0).mul_(0.5)
    x.movedim(0, 1).sub_(h.transpose(0, 1))
    x.flatten().mul_(2)
    x[None, ..., ::2].add_(h[0, 0])
    x.transpose(0, 1).view_as(x.transpose(0, 1)).add_(1)
    return (x * x).sum()


@allowed
def what_may_return_the_tensor_itself_is_written_to(lib, h):
    x = h * 1
    x.contiguous().mul_(2)
    x.double().mul_(3)
    x.to(lib.float64).mul_(h)
    x.squeeze(0).add_(1)
    return (x * x).sum()


@allowed
def what_was_expanded_by_nothing_is_written_to(lib, h):
    x = h * 1
    x.expand(3, 4).mul_(2)
    x.expand(1, 3, -1)[0].add_(h)
    lib.broadcast_to(x, (3, 4)).mul_(3)
    return (x * x).sum()


@allowed
def copies_are_written_to(lib, h):
    x = h * 1
    x.clone().mul_(2)
    x.transpose(0, 1).contiguous().mul_(2)
    x.transpose(0, 1).reshape(-1).mul_(2)
    x.float().mul_(2)
    x[[0, 1]].mul_(2)
    lib.stack([x, x])[0].mul_(2)
    return (x * x).sum()


@refused("view: .* has no view of shape .12,.; use reshape")
def a_view_that_would_be_a_copy(lib, h):
    x = h * 1
    x.transpose(0, 1).view(-1).mul_(2)
    return x.sum()


@allowed
def a_row_is_read_after_its_base_was_overwritten(lib, h):
    x = h * 2
    row, column = x[0], x[:, 1]
    x.mul_(h)
    return (row * row).sum() + column.sum()


@allowed
def a_recurrence_writes_into_its_state(lib, h):
    x = zeros(lib, 4)
    for i in range(3):
        x = x * 0.5
        x[i] += h[i, 0]
        x += h[i]
    return (x * x).sum()


@allowed
def elements_above_a_bound_are_added_to(lib, h):
    x = h * 1
    x[x > 1] += h[0, 0]
    return (x * x).sum()


# Several views at once. PyTorch has a rule for all of them together and forbids to write to one; here each is a view
# of its own.


def doubled_first_row(lib, h):
    return 4 * (h[0] ** 2).sum() + (h[1:] ** 2).sum()


@wider(doubled_first_row)
def one_of_the_rows_that_unbind_gives_is_overwritten(lib, h):
    x = h * 1
    x.unbind(0)[0].mul_(2)
    return (x * x).sum()


@wider(doubled_first_row)
def one_of_the_parts_that_split_gives_is_overwritten(lib, h):
    x = h * 1
    x.split([1, 2])[0].mul_(2)
    return (x * x).sum()


@wider(lambda lib, h: 4 * (h[:2] ** 2).sum() + (h[2:] ** 2).sum())
def one_of_the_chunks_is_overwritten(lib, h):
    x = h * 1
    x.chunk(2)[0].mul_(2)
    return (x * x).sum()


@wider(lambda lib, h: 4 * (h**2).sum())
def the_rows_of_a_loop_are_overwritten(lib, h):
    x = h * 1
    for row in x:
        row.mul_(2)
    return (x * x).sum()


@wider(doubled_first_row)
def a_view_of_one_of_several_views_is_overwritten(lib, h):
    x = h * 1
    x.split(2)[0][0].mul_(2)
    return (x * x).sum()


@wider(lambda lib, h: 4 * (h**2).sum())
def parts_are_read_after_their_base_was_overwritten(lib, h):
    x = h * 1
    a, b = x.split(2)
    x.mul_(2)
    return (a * a).sum() + (b * b).sum()


@wider(lambda lib, h: ((h[:2] + 1) * h[1:]).sum())
def recorded_values_are_written_to_one_part_of_a_buffer(lib, h):
    buffer = ones(lib, 4, 4)
    buffer.split(2)[0].add_(h[:2])
    return (buffer[:2] * h[1:]).sum()


@allowed
def one_of_several_views_of_a_buffer_is_overwritten(lib, h):
    buffer = zeros(lib, 4, 4)
    buffer.split(2)[0].add_(1)
    return (buffer[1:] * h).sum()


@allowed
def one_of_several_views_is_overwritten_under_no_grad(lib, h):
    x = h * 1
    first = x.split(2)[0]
    with lib.no_grad():
        first.add_(1)
    return (x * x).sum()


# Views and writes in different grad modes


@refused(f"mul_: .*{NO_GRAD_VIEW}")
def a_view_taken_under_no_grad_is_overwritten(lib, h):
    x = h * 1
    with lib.no_grad():
        view = x[0]
    view.mul_(2)
    return (x * x).sum()


@refused(NO_GRAD_VIEW)
def a_view_under_no_grad_of_a_view_is_overwritten(lib, h):
    x = h * 1
    rows = x[1:]
    with lib.no_grad():
        row = rows[0]
    row.mul_(2)
    return (x * x).sum()


@refused(NO_GRAD_VIEW)
def a_view_of_a_view_taken_under_no_grad_is_overwritten(lib, h):
    x = h * 1
    with lib.no_grad():
        rows = x[1:]
    rows[0].mul_(2)
    return (x * x).sum()


@refused(NO_GRAD_VIEW)
def recorded_values_are_written_to_a_view_taken_under_no_grad(lib, h):
    x = zeros(lib, 3, 4)
    with lib.no_grad():
        view = x[0]
    view.add_(h[0])
    return (x * h).sum()


@refused(r"view that was taken under no_grad\(\), and its base was overwritten")
def a_view_taken_under_no_grad_is_read_after_its_base_got_a_history(lib, h):
    x = zeros(lib, 3, 4)
    with lib.no_grad():
        view = x[0]
    x.add_(h)
    return (view * h[0]).sum()


@refused(VIEW_OF_LEAF)
def a_view_of_a_leaf_taken_under_no_grad_is_overwritten(lib, h):
    with lib.no_grad():
        view = h[0]
    view.mul_(2)
    return (h * h).sum()


@allowed
def a_view_is_taken_and_overwritten_under_no_grad(lib, h):
    x = h * 1
    with lib.no_grad():
        x[0].mul_(2)
        h[0].mul_(2)
    return (x * x).sum() + (h * h).sum()


@allowed
def a_view_is_overwritten_under_no_grad(lib, h):
    x = h * 1
    view = x[0]
    with lib.no_grad():
        view.mul_(2)
    return (view * view).sum() + x.sum()


@allowed
def views_taken_under_no_grad_are_read(lib, h):
    x = h * 1
    with lib.no_grad():
        rows = x[1:]
    return (rows[0] * h[0]).sum()


@allowed
def an_unrecorded_view_of_a_buffer_is_overwritten(lib, h):
    x = zeros(lib, 3, 4)
    with lib.no_grad():
        view = x[0]
    with lib.inference_mode():
        other = x[1]
    view.add_(1)
    other.add_(2)
    return (x * h).sum()


@allowed
def a_view_taken_where_recording_is_on_again_is_overwritten(lib, h):
    x = h * 1
    with lib.no_grad(), lib.enable_grad():
        view = x[1:]
    view.mul_(2)
    return (x * x).sum()


# Inference mode is no_grad here: its tensors are ordinary ones.


@wider(lambda lib, h: (2 + h).sum())
def a_tensor_of_inference_mode_is_overwritten(lib, h):
    with lib.inference_mode():
        x = ones(lib, 3, 4)
    x.add_(1)
    return (x + h).sum()


@wider(lambda lib, h: (2 * h).sum())
def a_tensor_of_inference_mode_is_kept(lib, h):
    with lib.inference_mode():
        x = ones(lib, 3, 4) * 2
    return (x * h).sum()


@allowed
def a_tensor_of_inference_mode_is_read(lib, h):
    with lib.inference_mode():
        x = ones(lib, 3, 4)
    return (x + h).sum()


# Around the record: data, arrays, detach_


@allowed
def writes_through_data_are_not_seen(lib, h):
    # Both then compute with the new values, which are not those of the forward.
    x = h * 1
    y = (x * x).sum() + (h * h).sum()
    x.data.add_(1)
    x.data[0].mul_(2)
    h.data.zero_()
    z = h.exp()
    z.data.mul_(2)
    return y + z.sum()


@stricter(STALE_OPERAND)
def data_is_replaced_while_a_rule_keeps_it(lib, h):
    y = (h * h).sum()
    h.data = h.data + 1
    return y


@allowed
def writes_to_arrays_are_not_seen(lib, h):
    array = np.ones((3, 4))
    x, shared, z = ones(lib, 3, 4), lib.from_numpy(array), h.exp()
    y = (x * h).sum() + (shared * h).sum() + z.sum()
    x.numpy()[0] = 5
    array[1] = 6
    z.detach().numpy()[2] = 7
    return y


@refused("numpy.add: a Tensor cannot be .* added to an array in place")
def a_tensor_is_added_to_an_array_in_place(lib, h):
    array = np.zeros((3, 4))
    array += h
    return h.sum()


@refused("numpy: this tensor requires grad")
def an_array_of_a_leaf(lib, h):
    h.numpy()[0] = 1
    return h.sum()


@allowed
def a_result_forgets_its_history(lib, h):
    x = h * 1
    x.detach_()
    assert x.is_leaf and not x.requires_grad
    x.mul_(2)
    return (x * h).sum()


@refused("detach_: this tensor is a view")
def a_view_is_detached_in_place(lib, h):
    x = h * 1
    view = x[0]
    view.detach_()
    return x.sum()


# Types and shapes


@refused("add_: a tensor of dtype int64 cannot hold the result of dtype float32")
def a_float_is_added_to_integers(lib, h):
    lib.ones(3, dtype=lib.int64).add_(1.5)
    return h.sum()


@refused("div_: a tensor of dtype int64 cannot hold")
def integers_are_divided(lib, h):
    lib.ones(3, dtype=lib.int64).div_(2)
    return h.sum()


@refused("exp_: a tensor of dtype int64 cannot hold")
def integers_are_exponentiated(lib, h):
    lib.ones(3, dtype=lib.int64).exp_()
    return h.sum()


@refused("add_: a tensor of dtype bool cannot hold the result of dtype int64")
def a_number_is_added_to_truth_values(lib, h):
    lib.ones(3, dtype=lib.bool).add_(1)
    return h.sum()


@refused("clamp_: a tensor of dtype int64 cannot hold")
def integers_are_clamped_between_floats(lib, h):
    lib.arange(3).clamp_(0.5, 1.5)
    return h.sum()


@refused("index_add: the tensor and the source must have one dtype, got float32 and float64")
def values_of_another_width_are_added_at_an_index(lib, h):
    lib.zeros(3).index_add_(0, lib.tensor([0]), h[0, :1])
    return h.sum()


@refused("scatter: the tensor and the source must have one dtype, got float32 and float64")
def values_of_another_width_are_scattered(lib, h):
    lib.zeros(3, 4).scatter_(0, lib.tensor([[0]]), h[:1, :1])
    return h.sum()


@allowed
def values_are_converted_to_the_type_of_what_they_overwrite(lib, h):
    single, counts = lib.zeros(3, 4), lib.zeros(3, 4, dtype=lib.int64)
    single.add_(h)
    counts.copy_(h)
    counts[0] = h[2]
    counts[1].fill_(1.5)
    assert (single.dtype, counts.dtype) == (lib.float32, lib.int64)
    return (single * single).sum() + (counts * h).sum()


@refused(r"add_: a tensor of shape \(4,\) cannot hold the result of shape \(3, 4\)")
def a_sum_is_larger_than_the_tensor(lib, h):
    x = h[0] * 1
    x.add_(h)
    return x.sum()


@refused(r"mul_: a tensor of shape \(1, 4\) cannot hold the result of shape \(3, 4\)")
def a_product_is_larger_than_the_tensor(lib, h):
    x = h[:1] * 1
    x.mul_(h)
    return x.sum()


@refused(r"copy_: values of shape \(3, 4\) do not broadcast to the indexed part, \(4,\)")
def more_is_copied_than_there_is_room(lib, h):
    x = h[0] * 1
    x.copy_(h)
    return x.sum()


@allowed
def what_is_written_broadcasts(lib, h):
    x = h * 1
    x[0] = h[:1] * 2
    x[1:].copy_(h[0, :1])
    x.add_(h[0])
    x[0].fill_(h[2, 2])
    return (x * x).sum()


@refused(r"fill_: expected a single value, got shape \(1,\)")
def a_tensor_is_filled_with_a_vector(lib, h):
    x = h * 1
    x.fill_(h[0, :1])
    return x.sum()


# Flags and attributes


@refused("requires_grad: this tensor is the result of 'mul', and only a leaf's flag can be changed")
def a_result_is_asked_to_require_no_gradient(lib, h):
    x = h * 1
    x.requires_grad_(False)
    return x.sum()


@refused("requires_grad: this tensor is the result of 'add'")
def a_buffer_with_a_history_is_asked_to_require_no_gradient(lib, h):
    buffer = zeros(lib, 3, 4)
    buffer.add_(h)
    buffer.requires_grad = False
    return buffer.sum()


@allowed
def a_result_is_asked_to_require_a_gradient(lib, h):
    x = h * 1
    return x.requires_grad_().sum()


@refused("requires_grad: only float and complex tensors can have a gradient, this one is int64")
def integers_are_asked_to_require_a_gradient(lib, h):
    lib.arange(3).requires_grad_()
    return h.sum()


@allowed
def data_of_another_shape_and_type(lib, h):
    x, y = ones(lib, 2).requires_grad_(), ones(lib, 2).requires_grad_()
    x.data = ones(lib, 4)
    y.data = lib.ones(2)
    return (x * h[0]).sum() + (y * y).sum()


@refused("data: a tensor that requires grad holds floats or complex numbers, got int64")
def integers_as_the_data_of_a_leaf(lib, h):
    h.data = lib.ones(3, 4, dtype=lib.int64)
    return h.sum()


@refused(r"gave a cotangent of shape \(5,\) for an operand of shape \(3, 4\)")
def data_of_another_shape_for_a_result(lib, h):
    x = h * 2
    x.data = ones(lib, 5)
    return x.sum()


@refused(r"grad: the gradient of a tensor of shape \(3, 4\) float64 .* got \(3,\) float64")
def a_gradient_of_another_shape(lib, h):
    h.grad = ones(lib, 3)
    return h.sum()


@refused(r"grad: .* got \(3, 4\) float32")
def a_gradient_of_another_type(lib, h):
    h.grad = lib.ones(3, 4)
    return h.sum()


@refused("grad: expected a Tensor or None, got ndarray")
def an_array_as_gradient(lib, h):
    h.grad = np.ones((3, 4))
    return h.sum()


@refused("grad: a tensor cannot be its own gradient")
def a_tensor_as_its_own_gradient(lib, h):
    h.grad = h
    return h.sum()


@allowed
def a_leaf_that_requires_no_gradient_any_more_gets_none(lib, h):
    other = ones(lib, 3, 4).requires_grad_()
    y = (h * other).sum()
    other.requires_grad_(False)
    y.backward(retain_graph=True)
    assert other.grad is None
    return y


@allowed
def a_gradient_is_assigned_overwritten_and_added_to(lib, h):
    h.grad = ones(lib, 3, 4)
    h.grad.mul_(3)
    (h * h).sum().backward()
    h.grad[0] = 0.0
    return (h * h).sum()


# Hooks and what is overwritten


@allowed
def a_hook_belongs_to_the_value_before_the_write(lib, h):
    x = h * 2
    x.register_hook(lambda g: g * 10)
    x.mul_(3)
    x.register_hook(lambda g: g + 1)
    row = x[0]
    row.register_hook(lambda g: g * 7)
    x.mul_(2)
    return (x * x).sum() + row.sum()


@allowed
def a_retained_gradient_is_that_of_the_values_after_the_write(lib, h):
    x = h * 2
    row = x[0]
    x.retain_grad()
    row.retain_grad()
    x[1:].mul_(3)
    x.mul_(h)
    y = (x * x).sum() + (row * 5).sum()
    y.backward(retain_graph=True)
    h.grad = None
    return y + (x.grad * h).sum() + (row.grad * h[0]).sum()
