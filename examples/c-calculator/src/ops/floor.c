#include <math.h>

#include "ops.h"

void op_floor(struct stack *s)
{
    double a = pop(s);
    push(s, floor(a));
}
