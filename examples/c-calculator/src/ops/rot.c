#include "ops.h"

void op_rot(struct stack *s)
{
    double c = pop(s), b = pop(s), a = pop(s);
    push(s, b);
    push(s, c);
    push(s, a);
}
