#include "ops.h"

void op_avg(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, (a + b) / 2);
}
