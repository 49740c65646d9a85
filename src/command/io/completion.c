#include "command/io/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char completion_shells[] = "bash|zsh|fish";

/* --- what the tables say ---------------------------------------------------------- */

enum value { NO_VALUE, ANY_VALUE, FILE_VALUE, WORD_VALUE, LIST_VALUE };

static enum value value_of(const struct option_spec *spec) {
    if (!spec->value)
        return NO_VALUE;
    if (spec->choices || spec->offer)
        return strchr(spec->value, '[') ? LIST_VALUE : WORD_VALUE;
    if (strcmp(spec->value, "FILE") == 0 || strcmp(spec->value, "DIR") == 0)
        return FILE_VALUE;
    return ANY_VALUE;
}

/* The words of "a|b|c", between blanks. */
static void put_choices(const char *choices, FILE *out) {
    for (; *choices; choices++)
        fputc(*choices == '|' ? ' ' : *choices, out);
}

static void put_words(const struct option_spec *spec, FILE *out) {
    if (spec->choices)
        put_choices(spec->choices, out);
    else
        spec->offer(out);
}

static bool is_taken(const struct option_group *group, size_t row) {
    return row >= 32 || (group->mask >> row & 1);
}

/* Goes through a command's options: NULL after the last. */
static const struct option_spec *option_at(const struct completion_command *command,
                                           size_t index) {
    static const struct option_spec help = {.name = "help",
                                            .help = "Print the help and exit"};
    for (size_t g = 0; g < command->group_count; g++)
        for (size_t i = 0; command->groups[g].specs[i].name; i++)
            if (is_taken(&command->groups[g], i) && index-- == 0)
                return &command->groups[g].specs[i];
    return index == 0 ? &help : NULL;
}

/* The operand at index of a usage such as "FILE solutions|front [--all]": its length,
 * or 0 where there is none; "..." repeats the last. */
static size_t operand_at(const char *usage, size_t index, const char **operand) {
    *operand = usage;
    for (;;) {
        size_t length = strcspn(*operand, " ");
        bool word = length && isalpha((unsigned char)**operand);
        if (!word)
            return 0;
        bool repeats = length > 3 && strncmp(*operand + length - 3, "...", 3) == 0;
        if (index == 0 || repeats)
            return length;
        index--;
        *operand += length;
        *operand += strspn(*operand, " ");
    }
}

enum { OPERANDS_MAX = 4 };

/* The words of an operand "a|b|c", between blanks. */
static void put_operand(const char *operand, size_t length, FILE *out) {
    for (size_t i = 0; i < length; i++)
        fputc(operand[i] == '|' ? ' ' : operand[i], out);
}

static bool is_words(const char *operand, size_t length) {
    return islower((unsigned char)*operand) && memchr(operand, '|', length);
}

/* Help in a few words: up to its first semicolon, bracket or full stop, and 60
 * characters. `escaped` gets a backslash; within quotes '\'' stands for a quote where
 * the shell knows no \' (posix). */
static void put_short(const char *help, const char *escaped, bool posix, FILE *out) {
    for (size_t i = 0; help[i] && help[i] != ';'; i++) {
        bool ends = help[i] == ' ' && (help[i + 1] == '(' || i >= 60);
        if (ends || (help[i] == '.' && help[i + 1] == ' '))
            break;
        if (help[i] == '\'')
            fputs(posix ? "'\\''" : "\\'", out);
        else if (strchr(escaped, help[i]))
            fprintf(out, "\\%c", help[i]);
        else
            fputc(help[i], out);
    }
}

/* --- bash ------------------------------------------------------------------------- */

/* What the options of a command take. */
static void bash_values(const struct completion_command *command, FILE *out) {
    const struct option_spec *spec;
    for (size_t i = 0; (spec = option_at(command, i)); i++) {
        enum value value = value_of(spec);
        if (value == NO_VALUE)
            continue;
        fprintf(out, "    '%s --%s')", command->name ? command->name : "", spec->name);
        if (value == FILE_VALUE)
            fputs(" files=1", out);
        if (value == LIST_VALUE)
            fputs(" list=1", out);
        if (value == WORD_VALUE || value == LIST_VALUE) {
            fputs(" words='", out);
            put_words(spec, out);
            fputc('\'', out);
        }
        fputs(" ;;\n", out);
    }
}

/* Its options, and what its operands are. */
static void bash_names(const struct completion_command *command, FILE *out) {
    const struct option_spec *spec;
    const char *name = command->name ? command->name : "", *operand;
    fprintf(out, "        '%s -'*) words='", name);
    for (size_t i = 0; (spec = option_at(command, i)); i++)
        fprintf(out, "%s--%s", i ? " " : "", spec->name);
    fprintf(out, "' ;;\n        '%s '*)", name);
    for (size_t i = 0; i < OPERANDS_MAX; i++) {
        size_t length = operand_at(command->usage, i, &operand);
        if (length && is_words(operand, length)) {
            fputs(" words='", out);
            put_operand(operand, length, out);
            fputc('\'', out);
        } else if (length && i == 0) {
            fputs(" files=1", out);
        }
    }
    fputs(" ;;\n", out);
}

/* The first word is a command. */
static void bash_commands(const struct completion *completion, FILE *out) {
    fputs("    if (( at == 1 )); then\n        COMPREPLY=( $(compgen -W '", out);
    for (size_t i = 0; i < completion->count; i++)
        fprintf(out, "%s ", completion->commands[i].name);
    fputs("help --help --version' -- \"$cur\") )\n"
          "        return\n"
          "    fi\n"
          "    command=${COMP_WORDS[1]}\n",
          out);
}

static void bash(const struct completion *completion, FILE *out) {
    bool commands = completion->commands->name != NULL;
    const char *function = commands ? "_pwemoe" : "_pwemoe_explore";
    fprintf(out,
            "# Completion of %s for bash, from its tables of options.\n"
            "%s()\n"
            "{\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD command=\n"
            "    local option value words= files= list= before reply\n"
            "    COMPREPLY=()\n"
            "    # What bash cut at = and : is one word.\n"
            "    while (( at > 1 )) && [[ ${COMP_WORDS[at]} == [=:]* ||\n"
            "        ${COMP_WORDS[at-1]} == *[=:] ]]; do\n"
            "        cur=${COMP_WORDS[--at]}$cur\n"
            "    done\n",
            completion->program, function);
    if (commands)
        bash_commands(completion, out);
    fputs("    option=${COMP_WORDS[at-1]} value=$cur\n"
          "    if [[ $cur == --*=* ]]; then\n"
          "        option=${cur%%=*} value=${cur#*=}\n"
          "    fi\n"
          "    case \"$command $option\" in\n",
          out);
    for (size_t i = 0; i < completion->count; i++)
        bash_values(&completion->commands[i], out);
    fputs("    *)\n"
          "        case \"$command $cur\" in\n",
          out);
    for (size_t i = 0; i < completion->count; i++)
        bash_names(&completion->commands[i], out);
    if (commands) {
        fputs("        'help '*) words='", out);
        for (size_t i = 0; i < completion->count; i++)
            fprintf(out, "%s%s", i ? " " : "", completion->commands[i].name);
        fputs("' ;;\n", out);
    }
    fprintf(
        out,
        "        esac ;;\n"
        "    esac\n"
        "    [[ $list && $value == *,* ]] && before=${value%%,*},\n"
        "    for reply in $words; do\n"
        "        [[ $before$reply == \"$value\"* ]] && COMPREPLY+=(\"$before$reply\")\n"
        "    done\n"
        "    if [[ $files ]]; then\n"
        "        compopt -o filenames 2>/dev/null\n"
        "        while IFS= read -r reply; do\n"
        "            COMPREPLY+=(\"$reply\")\n"
        "        done < <(compgen -f -- \"$value\")\n"
        "    fi\n"
        "    # bash replaces only what follows the last = or :.\n"
        "    before=${value%%\"${value##*[=:]}\"}\n"
        "    COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
        "} && complete -F %s %s\n",
        function, completion->program);
}

/* --- zsh -------------------------------------------------------------------------- */

static void zsh_command(const struct completion_command *command, const char *indent,
                        FILE *out) {
    const struct option_spec *spec;
    const char *operand;
    fprintf(out, "%s_arguments", indent);
    for (size_t i = 0; (spec = option_at(command, i)); i++) {
        enum value value = value_of(spec);
        fprintf(out, " \\\n%s    '--%s%s[", indent, spec->name,
                value == NO_VALUE ? "" : "=");
        put_short(spec->help, "[]\\", true, out);
        fputc(']', out);
        if (value != NO_VALUE)
            fprintf(out, ":%s:", spec->name);
        if (value == ANY_VALUE)
            fputc(' ', out);
        if (value == FILE_VALUE)
            fputs("_files", out);
        if (value == WORD_VALUE) {
            fputc('(', out);
            put_words(spec, out);
            fputc(')', out);
        }
        if (value == LIST_VALUE) {
            fputs("_sequence compadd - ", out);
            put_words(spec, out);
        }
        fputc('\'', out);
    }
    for (size_t i = 0; i < OPERANDS_MAX; i++) {
        size_t length = operand_at(command->usage, i, &operand);
        if (!length)
            break;
        if (is_words(operand, length)) {
            fprintf(out, " \\\n%s    '%zu:word:(", indent, i + 1);
            put_operand(operand, length, out);
            fputs(")'", out);
        } else if (strncmp(operand + length - 3, "...", 3) == 0) {
            fprintf(out, " \\\n%s    '*:file:_files'", indent);
            break;
        } else {
            fprintf(out, " \\\n%s    '%zu:file:_files'", indent, i + 1);
        }
    }
    fputc('\n', out);
}

static void zsh(const struct completion *completion, FILE *out) {
    if (!completion->commands->name) {
        fprintf(out, "#compdef %s\n", completion->program);
        zsh_command(completion->commands, "", out);
        return;
    }
    fprintf(out,
            "#compdef %s\n"
            "_pwemoe() {\n"
            "    local curcontext=\"$curcontext\" state line\n"
            "    typeset -A opt_args\n"
            "    local -a commands=(\n",
            completion->program);
    for (size_t i = 0; i < completion->count; i++) {
        fprintf(out, "        '%s:", completion->commands[i].name);
        put_short(completion->commands[i].summary, "\\", true, out);
        fputs("'\n", out);
    }
    fputs("        'help:What a command does and its options'\n"
          "    )\n"
          "    _arguments -C '(- *)--help[Print the commands and exit]' \\\n"
          "        '(- *)--version[Print the version and exit]' \\\n"
          "        '1:command:->command' '*::argument:->argument'\n"
          "    case $state in\n"
          "    command) _describe command commands ;;\n"
          "    argument)\n"
          "        case $words[1] in\n"
          "        help) _describe command commands ;;\n",
          out);
    for (size_t i = 0; i < completion->count; i++) {
        fprintf(out, "        %s)\n", completion->commands[i].name);
        zsh_command(&completion->commands[i], "            ", out);
        fputs("            ;;\n", out);
    }
    fputs("        esac ;;\n"
          "    esac\n"
          "}\n"
          "_pwemoe \"$@\"\n",
          out);
}

/* --- fish ------------------------------------------------------------------------- */

static void fish_command(const struct completion *completion,
                         const struct completion_command *command, FILE *out) {
    char begin[160], operand_begin[160];
    const struct option_spec *spec;
    const char *operand;
    if (command->name)
        snprintf(begin, sizeof begin,
                 "complete -c %s -n '__fish_seen_subcommand_from %s'",
                 completion->program, command->name);
    else
        snprintf(begin, sizeof begin, "complete -c %s", completion->program);
    snprintf(operand_begin, sizeof operand_begin, "%s", begin);
    for (size_t i = 0; (spec = option_at(command, i)); i++) {
        enum value value = value_of(spec);
        fprintf(out, "%s -l %s", begin, spec->name);
        if (value == FILE_VALUE)
            fputs(" -r -F", out);
        else if (value != NO_VALUE)
            fputs(" -x", out);
        if (value == WORD_VALUE) {
            fputs(" -a '", out);
            put_words(spec, out);
            fputc('\'', out);
        }
        if (value == LIST_VALUE) {
            fputs(" -a '(__fish_append , ", out);
            put_words(spec, out);
            fputs(")'", out);
        }
        fputs(" -d '", out);
        put_short(spec->help, "\\", false, out);
        fputs("'\n", out);
    }
    for (size_t i = 0; i < OPERANDS_MAX; i++) {
        size_t length = operand_at(command->usage, i, &operand);
        if (!length)
            break;
        if (is_words(operand, length)) {
            fprintf(out, "%s -a '", operand_begin);
            put_operand(operand, length, out);
            fputs("'\n", out);
        } else if (i == 0) {
            fprintf(out, "%s -F\n", operand_begin);
        }
    }
}

static void fish(const struct completion *completion, FILE *out) {
    bool commands = completion->commands->name != NULL;
    fprintf(out,
            "# Completion of %s for fish, from its tables of options.\n"
            "complete -c %s -f\n",
            completion->program, completion->program);
    for (size_t i = 0; commands && i < completion->count; i++) {
        fprintf(out, "complete -c %s -n __fish_use_subcommand -a %s -d '",
                completion->program, completion->commands[i].name);
        put_short(completion->commands[i].summary, "\\", false, out);
        fputs("'\n", out);
    }
    if (commands) {
        fprintf(out,
                "complete -c %s -n __fish_use_subcommand -a help -d 'What a command "
                "does and its options'\n"
                "complete -c %s -n __fish_use_subcommand -l version -d 'Print the "
                "version and exit'\n"
                "complete -c %s -n '__fish_seen_subcommand_from help' -a '",
                completion->program, completion->program, completion->program);
        for (size_t i = 0; i < completion->count; i++)
            fprintf(out, "%s%s", i ? " " : "", completion->commands[i].name);
        fputs("'\n", out);
    }
    for (size_t i = 0; i < completion->count; i++)
        fish_command(completion, &completion->commands[i], out);
}

int completion_print(const struct completion *completion, const char *shell, FILE *out,
                     struct error *error) {
    static const struct {
        const char *name;
        void (*print)(const struct completion *, FILE *);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shell, shells[i].name) == 0) {
            shells[i].print(completion, out);
            return 0;
        }
    return error_set(error, "completion '%s': give one of %s", shell,
                     completion_shells);
}
