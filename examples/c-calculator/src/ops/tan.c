#include <math.h>

#include "ops.h"

void op_tan(struct stack *s)
{
    double a = pop(s);
    push(s, tan(a));
}
