#include <math.h>

#include "ops.h"

void op_trunc(struct stack *s)
{
    double a = pop(s);
    push(s, trunc(a));
}
