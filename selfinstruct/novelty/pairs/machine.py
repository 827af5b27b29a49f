"""Two processor instructions that numba has no name for: count ones, and fetch ahead.

Decides: nothing. `fetch` is a hint that changes no result: the index is much larger than any
cache, and asking for all lines of a query at once takes the time of a few.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def ones(context, word):  # noqa: ARG001 (numba's interface)
    """Return how many bits of a 64-bit word are set."""

    def build(context, builder, signature, arguments):  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), build


@intrinsic
def fetch(context, array, index):  # noqa: ARG001
    """Ask for the cache line of an array's element, and do not wait for it."""

    def build(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        name = "llvm.prefetch.p0"
        call = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        read, keep, data_cache = number(0), number(3), number(1)
        builder.call(call, [address, read, keep, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.int64), build
