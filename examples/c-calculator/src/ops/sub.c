#include "ops.h"

void op_sub(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a - b);
}
