#include <math.h>

#include "ops.h"

void op_log10(struct stack *s)
{
    double a = pop(s);
    push(s, log10(a));
}
