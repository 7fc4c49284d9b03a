#include "ops.h"

void op_cube(struct stack *s)
{
    double a = pop(s);
    push(s, a * a * a);
}
