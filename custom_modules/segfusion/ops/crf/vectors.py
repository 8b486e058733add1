"""Eight floats at a time in code compiled by Numba, which by itself keeps no sum over rows of a table in registers.

The loops of :mod:`.strip_loops` are written with these. Importing this module imports Numba.
"""
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.extending import intrinsic

LANES = 8  # one register of AVX2, two of NEON; with sixteen, classes would be filled up to twice as far
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_FLOATS, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


class Vector(types.Type):
    """The Numba type of ``LANES`` floats in a register."""

    def __init__(self):
        super().__init__(name=f'Float32x{LANES}')


VECTOR = Vector()


@register_default(Vector)
class _VectorModel(models.PrimitiveModel):

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _FLOATS)


def _constant(value, kind=_FLOATS):
    return ir.Constant(kind, [value] * LANES)


def _everywhere(builder, value, kind=_FLOATS):
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(_INTS, [0] * LANES))


def _address(context, builder, array_type, array, place):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), _FLOATS.as_pointer())


def _call(builder, name, *args):
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f'llvm.{name}.v{LANES}f32'), args)


def _fused(builder, a, b, c):
    return _call(builder, 'fmuladd', a, b, c)  # one instruction where the processor has it


def _across(builder, vector, combine):
    """Combine all lanes, in the same order on every processor."""
    step = LANES // 2
    while step:
        lanes = ir.Constant(_INTS, [i ^ step for i in range(LANES)])
        vector = combine(vector, builder.shuffle_vector(vector, vector, lanes))
        step //= 2
    return builder.extract_element(vector, ir.Constant(_INT, 0))


def _larger(builder, a, b):
    return builder.select(builder.fcmp_ordered('>', a, b), a, b)


def _first_lanes(builder, count):
    lanes = ir.Constant(_INTS, list(range(LANES)))
    return builder.icmp_signed('<', lanes, _everywhere(builder, builder.trunc(count, _INT), _INTS))


@intrinsic
def load(typing, array, place):
    """``LANES`` floats of a one-dimensional array from ``place`` on."""

    def build(context, builder, signature, args):
        return builder.load(_address(context, builder, signature.args[0], *args), align=4)

    return VECTOR(array, types.intp), build


@intrinsic
def store(typing, array, place, vector):

    def build(context, builder, signature, args):
        builder.store(args[2], _address(context, builder, signature.args[0], *args[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, VECTOR), build


@intrinsic
def at(typing, array, place):
    """A number of an array of int32, ``place`` not negative."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.sext(builder.load(builder.gep(data, [args[1]])), ir.IntType(64))

    return types.int64(array, types.intp), build


@intrinsic
def spread(typing, array, place):
    """A number of an array of floats in every lane, ``place`` not negative."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return _everywhere(builder, builder.load(builder.gep(data, [args[1]])))

    return VECTOR(array, types.intp), build


@intrinsic
def filled(typing, value):
    """The same number in every lane."""
    return VECTOR(types.float32), lambda context, builder, signature, args: _everywhere(builder, args[0])


@intrinsic
def add(typing, a, b):
    return VECTOR(VECTOR, VECTOR), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def sub(typing, a, b):
    return VECTOR(VECTOR, VECTOR), lambda context, builder, signature, args: builder.fsub(*args)


@intrinsic
def mul(typing, a, b):
    return VECTOR(VECTOR, VECTOR), lambda context, builder, signature, args: builder.fmul(*args)


@intrinsic
def multiply_add(typing, a, b, c):
    """a * b + c."""
    return VECTOR(VECTOR, VECTOR, VECTOR), lambda context, builder, signature, args: _fused(builder, *args)


@intrinsic
def maximum(typing, a, b):
    return VECTOR(VECTOR, VECTOR), lambda context, builder, signature, args: _larger(builder, *args)


@intrinsic
def total(typing, vector):
    """Sum of the lanes."""

    def build(context, builder, signature, args):
        return _across(builder, args[0], builder.fadd)

    return types.float32(VECTOR), build


@intrinsic
def largest(typing, vector):
    """Maximum of the lanes."""

    def build(context, builder, signature, args):
        return _across(builder, args[0], lambda a, b: _larger(builder, a, b))

    return types.float32(VECTOR), build


@intrinsic
def choose(typing, count, first, rest):
    """The first ``count`` lanes of one vector, the others of the other."""

    def build(context, builder, signature, args):
        return builder.select(_first_lanes(builder, args[0]), args[1], args[2])

    return VECTOR(types.intp, VECTOR, VECTOR), build


@intrinsic
def exp(typing, x):
    """Exponential of numbers up to 0, to a unit in the last place or two; 0 below -87, where it is under 1e-37."""

    def build(context, builder, signature, args):
        low = _constant(-87.)
        tiny = builder.fcmp_ordered('<', args[0], low)  # false for NaN, which stays
        x = builder.select(tiny, low, args[0])
        n = _call(builder, 'rint', builder.fmul(x, _constant(1.44269504088896)))
        r = _fused(builder, n, _constant(-0.693359375), x)  # ln 2 in two parts, the first of few digits
        r = _fused(builder, n, _constant(2.12194440e-4), r)
        y = _constant(1 / 5040)
        for k in (720, 120, 24, 6, 2, 1, 1):
            y = _fused(builder, y, r, _constant(1 / k))  # Taylor: |r| <= ln(2) / 2
        power = builder.shl(builder.add(builder.fptosi(n, _INTS), _constant(127, _INTS)), _constant(23, _INTS))
        return builder.select(tiny, _constant(0.), builder.fmul(y, builder.bitcast(power, _FLOATS)))

    return VECTOR(VECTOR), build
