#include "ops.h"

void op_sign(struct stack *s)
{
    double a = pop(s);
    push(s, (a > 0) - (a < 0));
}
