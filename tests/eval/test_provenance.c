/* The names of the files that keep the tasks' heads, whatever the tasks are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eval/provenance.h"

static void names_are_harmless_and_differ(void **state) {
    (void)state;
    static const struct {
        const char *task, *file;
    } cases[] = {
        {"a", "heads/a.safetensors"},
        {"a/../b c", "heads/a_.._b_c~2.safetensors"},
        {"a_.._b_c", "heads/a_.._b_c.safetensors"}, /* needs no change: keeps it */
        {"a/..\\b c", "heads/a_.._b_c~4.safetensors"},
        {"..", "heads/...safetensors"},
        {"caf\xc3\xa9\xff", "heads/caf___.safetensors"},
        {"x\ny~1", "heads/x_y_1.safetensors"},
        {"~", "heads/_.safetensors"},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    struct store_task tasks[COUNT] = {{0}};
    struct store_recipe recipe = {.task_count = COUNT, .tasks = tasks};
    for (size_t t = 0; t < COUNT; t++)
        tasks[t].name = (char *)(uintptr_t)cases[t].task;
    for (size_t t = 0; t < COUNT; t++) {
        char *name = provenance_head_name(&recipe, t);
        assert_string_equal(name, cases[t].file);
        free(name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_harmless_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
