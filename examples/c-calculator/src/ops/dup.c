#include "ops.h"

void op_dup(struct stack *s)
{
    double a = pop(s);
    push(s, a);
    push(s, a);
}
