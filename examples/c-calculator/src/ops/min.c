#include "ops.h"

void op_min(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a < b ? a : b);
}
