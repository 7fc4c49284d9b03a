#include <math.h>

#include "ops.h"

void op_mod(struct stack *s)
{
    double b = pop(s), a = pop(s);
    push(s, fmod(a, b));
}
