#include <math.h>

#include "ops.h"

void op_log2(struct stack *s)
{
    double a = pop(s);
    push(s, log2(a));
}
