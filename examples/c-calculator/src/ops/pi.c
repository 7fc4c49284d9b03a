#include "ops.h"

void op_pi(struct stack *s)
{
    push(s, 3.14159265358979323846);
}
