#include "ops.h"

void op_sum(struct stack *s)
{
    double sum = 0;
    while (s->depth > 0)
        sum += pop(s);
    push(s, sum);
}
