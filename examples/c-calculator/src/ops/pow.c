#include <math.h>

#include "ops.h"

void op_pow(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, pow(a, b));
}
