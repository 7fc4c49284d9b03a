#include <string.h>

#include "calc.h"
#include "ops.h"

static const struct {
    const char *name;
    operation run;
} table[] = {
#define OP(name) {#name, op_##name},
#include "ops.def"
#undef OP
};

operation find_operation(const char *name)
{
    for (unsigned n = 0; n < sizeof table / sizeof *table; n++)
        if (strcmp(table[n].name, name) == 0)
            return table[n].run;
    return 0;
}
