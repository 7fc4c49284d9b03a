#include "ops.h"

void op_add(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a + b);
}
