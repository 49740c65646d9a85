/* The tables of actions: a key does one thing, every row is whole, and the man page
 * lists them all and nothing else. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/actions.h"
#include "terminal/keys.h"

static void no_key_means_two_things(void **state) {
    (void)state;
    const struct action *a;
    int nth;
    for (size_t i = 0; (a = action_at(i)); i++)
        for (int k = 0; k < ACTION_KEYS && a->codes[k]; k++)
            if (action_of_key(a->codes[k], &nth) != a || nth != k)
                fail_msg("%s shares a key", a->keys);
}

static void finds_actions(void **state) {
    (void)state;
    int nth;
    assert_string_equal(action_of_key('q', &nth)->help, "quit");
    assert_string_equal(action_of_key(KEYS_SHIFT_LEFT, &nth)->keys, "Shift-Left, H");
    assert_string_equal(action_of_key('7', &nth)->keys, "1-9, !, @, #");
    assert_int_equal(nth, 6);
    assert_null(action_of_key('%', &nth));
}

/* A row without a key is one that nobody reaches; groups stand together. */
static void every_row_is_whole(void **state) {
    (void)state;
    const struct action *action, *before = NULL, *other;
    size_t count = 0;
    for (; (action = action_at(count)); count++) {
        assert_true(action->codes[0]);
        assert_true(action->keys && action->keys[0] && action->help);
        if (action->help[0] < 'a' || action->help[0] > 'z')
            fail_msg("\"%s\" begins with no small letter", action->help);
        if (strlen(action->help) > 55) /* what the help has room for in 80 columns */
            fail_msg("\"%s\" is too long", action->help);
        if (before && strcmp(before->group, action->group))
            for (size_t i = 0; i < count; i++)
                if ((other = action_at(i)) && !strcmp(other->group, action->group))
                    fail_msg("group %s stands twice", action->group);
        before = action;
    }
    assert_true(count > 40);
}

/* The status line has a place for each, without gaps, and room for its words. */
static void hints_stand_in_order(void **state) {
    (void)state;
    struct hint hints[HINT_SETS][HINTS_MOST] = {{{0}}};
    const struct action *action;
    action_hints(hints);
    for (int set = 0; set < HINT_SETS; set++) {
        size_t count = 0, rows = 0;
        while (count < HINTS_MOST && hints[set][count].text)
            count++;
        for (size_t i = 0; (action = action_at(i)); i++) {
            unsigned place = action->hint[set].place;
            if (!place)
                continue;
            rows++;
            if (place > count ||
                strcmp(hints[set][place - 1].text, action->hint[set].text))
                fail_msg("%s is in no place of its own", action->keys);
            assert_true(strlen(action->hint[set].text) <= 12);
        }
        assert_true(count > 8 && rows == count);
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

/* Keys as an argument of mdoc: one that is punctuation for it is escaped. */
static const char *quoted(const char *keys, char out[64]) {
    bool mark = !keys[1] && ispunct((unsigned char)keys[0]);
    snprintf(out, 64, strchr(keys, ' ') ? "\"%s%s\"" : "%s%s", mark ? "\\&" : "", keys);
    return out;
}

/* As the section of the man page, so that it is easy to put there. */
static void the_manual_lists_the_keys(void **state) {
    (void)state;
    const struct action *action;
    const char *group = "";
    char *manual = read_manual(), *wanted, key[64];
    size_t size;
    FILE *out = open_memstream(&wanted, &size);
    assert_non_null(out);
    fputs(".Sh KEYS\n", out);
    for (size_t i = 0; (action = action_at(i)); i++) {
        if (strcmp(group, action->group))
            fprintf(out, "%s.Ss %s\n.Bl -tag -width \"Shift-Right, L\" -compact\n",
                    i ? ".El\n" : "", action->group);
        group = action->group;
        fprintf(out, ".It Ic %s\n", quoted(action->keys, key));
        fprintf(out, "%c%s.\n", action->help[0] - 'a' + 'A', action->help + 1);
    }
    fputs(".El\n.Pp\n", out);
    fclose(out);
    if (!strstr(manual, wanted)) {
        fprintf(stderr, "%s", wanted); /* cmocka cuts a long message */
        fail_msg("the keys of man/pwemoe-explore.1 are not those above");
    }
    free(manual);
    free(wanted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_means_two_things),
        cmocka_unit_test(finds_actions),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(hints_stand_in_order),
        cmocka_unit_test(the_manual_lists_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
