#include <math.h>

#include "ops.h"

void op_abs(struct stack *s)
{
    double a = pop(s);
    push(s, fabs(a));
}
