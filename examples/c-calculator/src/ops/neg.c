#include "ops.h"

void op_neg(struct stack *s)
{
    double a = pop(s);
    push(s, -a);
}
