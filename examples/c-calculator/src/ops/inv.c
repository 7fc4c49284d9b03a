#include "ops.h"

void op_inv(struct stack *s)
{
    double a = pop(s);
    push(s, 1 / a);
}
