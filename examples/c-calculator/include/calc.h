/* From words to what the stack holds. */
#ifndef CALC_H
#define CALC_H

#include "stack.h"

typedef void (*operation)(struct stack *s);

operation find_operation(const char *name);
int evaluate(struct stack *s, char *line);

#endif
