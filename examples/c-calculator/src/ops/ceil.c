#include <math.h>

#include "ops.h"

void op_ceil(struct stack *s)
{
    double a = pop(s);
    push(s, ceil(a));
}
