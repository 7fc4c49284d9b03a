#include <math.h>

#include "ops.h"

void op_exp(struct stack *s)
{
    double a = pop(s);
    push(s, exp(a));
}
