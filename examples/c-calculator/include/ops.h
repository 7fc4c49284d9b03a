/* Every operation: a function that works on the stack. Its own file is src/ops/NAME.c. */
#ifndef OPS_H
#define OPS_H

#include "stack.h"

#define OP(name) void op_##name(struct stack *s);
#include "ops.def"
#undef OP

#endif
