#include <math.h>

#include "ops.h"

void op_log(struct stack *s)
{
    double a = pop(s);
    push(s, log(a));
}
