/* The table of keys: one action a key, and the man page tells them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/keys.h"

static void no_key_means_two_things(void **state) {
    (void)state;
    for (const struct key_binding *a = key_bindings; a->action; a++)
        for (int i = 0; i < 10 && a->codes[i]; i++)
            for (const struct key_binding *b = key_bindings; b->action; b++)
                for (int j = 0; j < 10 && b->codes[j]; j++)
                    if ((a != b || i != j) && a->codes[i] == b->codes[j])
                        fail_msg("%s and %s share a key", a->keys, b->keys);
}

static void finds_actions(void **state) {
    (void)state;
    int number;
    assert_int_equal(keys_action('q', &number), ACTION_QUIT);
    assert_int_equal(keys_action(KEYS_SHIFT_LEFT, &number), ACTION_LEFT_COARSE);
    assert_int_equal(keys_action('7', &number), ACTION_VERTEX);
    assert_int_equal(number, 6);
    assert_int_equal(keys_action('%', &number), ACTION_NONE);
    for (enum action action = ACTION_UP; action <= ACTION_QUIT; action++) {
        const struct key_binding *binding = key_bindings;
        while (binding->action && binding->action != action)
            binding++;
        if (!binding->action)
            fail_msg("action %d has no key", (int)action);
    }
}

/* The man page with roff's escaped hyphens turned back. */
static char *read_manual(void) {
    char path[4096];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/man/pwemoe-explore.1", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t size = fread(text, 1, 65535, file), used = 0;
    fclose(file);
    for (size_t i = 0; i < size; i++)
        if (!(text[i] == '\\' && text[i + 1] == '-'))
            text[used++] = text[i];
    text[used] = '\0';
    return text;
}

static void the_manual_lists_every_key(void **state) {
    (void)state;
    char *manual = read_manual();
    for (const struct key_binding *binding = key_bindings; binding->action; binding++) {
        char wanted[256];
        snprintf(wanted, sizeof wanted, ".TP\n.B %s\n%c%s.\n", binding->keys,
                 binding->help[0] - 'a' + 'A', binding->help + 1);
        if (!strstr(manual, wanted))
            fail_msg("man/pwemoe-explore.1 has no entry:\n%s", wanted);
    }
    free(manual);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_means_two_things),
        cmocka_unit_test(finds_actions),
        cmocka_unit_test(the_manual_lists_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
