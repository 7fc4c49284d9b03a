#include <math.h>

#include "ops.h"

void op_hypot(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, hypot(a, b));
}
