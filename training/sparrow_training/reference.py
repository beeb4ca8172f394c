"""engine/ARITHMETIC.md sections 3 and 4 in numpy: s64 throughout, plain and slow, written without
looking at the C.

SPDX-License-Identifier: Apache-2.0
"""
import numpy as np


def dense_weights(weights, out, taps, inputs):
    """Any encoding as s64 [out, taps, inputs]; what is not stored is zero."""
    kind = weights.WhichOneof("encoding")
    full = np.zeros((out, taps, inputs), np.int64)
    if kind == "dense":
        full[:] = np.frombuffer(weights.dense.values, np.int8).reshape(out, taps, inputs)
    elif kind == "windows":
        w = weights.windows
        values = np.frombuffer(w.values, np.int8).reshape(len(w.places), w.window, w.group)
        for place, value in zip(w.places, values):
            row, k = divmod(place, inputs // w.window)
            group, tap = divmod(row, taps)
            full[
                group * w.group : (group + 1) * w.group, tap, k * w.window : (k + 1) * w.window
            ] = value.T
    else:
        values, flat = np.frombuffer(weights.indexed.values, np.int8), full.reshape(out, -1)
        gaps, first = np.array(weights.indexed.gaps), 0
        for o, count in enumerate(weights.indexed.counts):
            flat[o, np.cumsum(gaps[first : first + count])] = values[first : first + count]
            first += count
    return full


def stored_weights(weights):
    kind = weights.WhichOneof("encoding")
    return len(getattr(weights, kind).values)


def conv(x, op):
    """x: [n, height, width, channels]"""
    kh, kw = op.kernel_height, op.kernel_width
    weight = dense_weights(op.weights, op.out_channels, kh * kw, x.shape[3])
    x = np.pad(x, ((0, 0), (op.pad_top, op.pad_bottom), (op.pad_left, op.pad_right), (0, 0)))
    high, wide = (x.shape[1] - kh) // op.stride_height + 1, (x.shape[2] - kw) // op.stride_width + 1
    total = np.zeros((len(x), high, wide, op.out_channels), np.int64) + np.array(
        op.bias or [0], np.int64
    )
    for tap in range(kh * kw):
        ky, kx = divmod(tap, kw)
        part = x[
            :,
            ky : ky + (high - 1) * op.stride_height + 1 : op.stride_height,
            kx : kx + (wide - 1) * op.stride_width + 1 : op.stride_width,
        ]
        total += exact_product(part, weight[:, tap].T)
    return total


def exact_product(x, w):
    """x @ w for whole numbers: doubles hold every partial sum exactly (well under 2^53) and have
    a fast product."""
    return (x.astype(np.float64) @ w.astype(np.float64)).astype(np.int64)


def linear(x, op):
    flat = x.reshape(len(x), -1)
    weight = dense_weights(op.weights, op.out_channels, 1, flat.shape[1])[:, 0]
    return (exact_product(flat, weight.T) + np.array(op.bias or [0], np.int64)).reshape(
        len(x), 1, 1, -1
    )


def add(values, op):
    return sum(value * number for value, number in zip(values, op.multipliers or [1] * len(values)))


def max_pool(x, op):
    n, high, wide, channels = (
        x.shape[0],
        x.shape[1] // op.height,
        x.shape[2] // op.width,
        x.shape[3],
    )
    x = x[:, : high * op.height, : wide * op.width]
    return x.reshape(n, high, op.height, wide, op.width, channels).max((2, 4))


def requantise(x, op, repeat=1):
    """repeat: how many neighbouring channels share a multiplier, where there is more than one."""
    number, shift = (np.array(v, np.int64) for v in (op.multipliers, op.shifts))
    if len(number) > 1:
        number, shift = number.repeat(repeat), shift.repeat(repeat)
    return np.clip((x * number + (np.int64(1) << (shift - 1))) >> shift, 0, op.max_value)


def keep_first(x, rank, k):
    """x along the last axis, where the k largest ranks stay (ties: lowest index) and the others
    become 0."""
    order = np.argsort(-rank, axis=-1, kind="stable")[..., :k]
    result = np.zeros_like(x)
    np.put_along_axis(result, order, np.take_along_axis(x, order, -1), -1)
    return result


def block_winners(x, op):
    rank = x >> op.rank_shift
    quantised = requantise(rank << op.rank_shift, op.requantise, op.block)
    blocks = (*x.shape[:3], x.shape[3] // op.block, op.block)
    return keep_first(quantised.reshape(blocks), rank.reshape(blocks), op.winners).reshape(x.shape)


def k_winners(x, op):
    flat = x if op.local else x.reshape(len(x), -1)
    return keep_first(flat, flat, op.k).reshape(x.shape)


def layer(op_name, op, values):
    x = values[0]
    if op_name == "conv":
        return conv(x, op)
    if op_name == "linear":
        return linear(x, op)
    if op_name == "add":
        return add(values, op)
    if op_name == "max_pool":
        return max_pool(x, op)
    if op_name == "mean_pool":
        return x.sum((1, 2), keepdims=True)
    if op_name == "requantise":
        return requantise(x, op)
    if op_name == "block_winners":
        return block_winners(x, op)
    if op_name == "k_winners":
        return k_winners(x, op)
    if op_name == "reshape":
        return x.reshape(len(x), op.height, op.width, op.channels)
    raise ValueError(f"a layer of kind {op_name}")


def run(model, features):
    """All values of a network: features u8 [n, frames, bands], then the output of each layer. The
    last: the scores."""
    values = [features.astype(np.int64)[:, None]]
    for entry in model.layers:
        name = entry.WhichOneof("op")
        values.append(layer(name, getattr(entry, name), [values[i] for i in entry.inputs]))
    return values


def scores(model, features, batch=256):
    """s64 [n, labels]"""
    parts = [
        run(model, features[i : i + batch])[-1].reshape(-1, len(model.labels))
        for i in range(0, len(features), batch)
    ]
    return np.concatenate(parts)
