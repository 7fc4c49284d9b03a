#include "ops.h"

void op_depth(struct stack *s)
{
    push(s, s->depth);
}
