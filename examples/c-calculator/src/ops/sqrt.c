#include <math.h>

#include "ops.h"

void op_sqrt(struct stack *s)
{
    double a = pop(s);
    push(s, sqrt(a));
}
