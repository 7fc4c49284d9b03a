#include "ops.h"

void op_over(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a);
    push(s, b);
    push(s, a);
}
