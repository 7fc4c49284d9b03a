#include <math.h>

#include "ops.h"

void op_cos(struct stack *s)
{
    double a = pop(s);
    push(s, cos(a));
}
