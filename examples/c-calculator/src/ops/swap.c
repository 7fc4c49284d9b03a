#include "ops.h"

void op_swap(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, b);
    push(s, a);
}
