#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calc.h"

int evaluate(struct stack *s, char *line)
{
    for (char *word = strtok(line, " \n"); word; word = strtok(0, " \n")) {
        char *end;
        double value = strtod(word, &end);
        operation run = find_operation(word);
        if (run)
            run(s);
        else if (*end == '\0')
            push(s, value);
        else {
            fprintf(stderr, "calc: what is %s?\n", word);
            return 0;
        }
    }
    return 1;
}
