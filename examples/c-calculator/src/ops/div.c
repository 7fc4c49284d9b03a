#include "ops.h"

void op_div(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, a / b);
}
