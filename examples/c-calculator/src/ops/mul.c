#include "ops.h"

void op_mul(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a * b);
}
