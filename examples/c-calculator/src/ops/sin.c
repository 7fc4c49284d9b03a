#include <math.h>

#include "ops.h"

void op_sin(struct stack *s)
{
    double a = pop(s);
    push(s, sin(a));
}
