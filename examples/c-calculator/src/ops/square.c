#include "ops.h"

void op_square(struct stack *s)
{
    double a = pop(s);
    push(s, a * a);
}
