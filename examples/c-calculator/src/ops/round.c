#include <math.h>

#include "ops.h"

void op_round(struct stack *s)
{
    double a = pop(s);
    push(s, round(a));
}
