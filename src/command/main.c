/* The command `pwemoe`: a table of subcommands, and what they have in common. */
#include <config.h>

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/cpu.h"
#include "base/card_files.h"
#include "base/exhausted.h"
#include "base/json_text.h"
#include "base/mapped.h"
#include "base/memory.h"
#include "base/sandbox.h"
#include "base/signals.h"
#include "base/start.h"
#include "command/command.h"
#include "command/io/progress.h"
#include "parallel/handout.h"
#include "store/store.h"

static const struct command *const commands[] = {
    &command_init,         &command_finetune,   &command_merge,     &command_merge_to,
    &command_train,        &command_front,      &command_compare,   &command_ask,
    &command_eval,         &command_export,     &command_export_db, &command_show,
    &command_plot,         &command_report,     &command_import,    &command_indicators,
    &command_info,         &command_completion, &command_paths,     &command_reference,
    &command_extract_lora, &command_map,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Row i is taken by a command whose `common` has bit i. */
static const struct option_spec common_options[] = {
    {.name = "quiet",
     .type = OPTION_FLAG,
     .help =
         "Print no progress and no remarks on standard error; errors are still printed",
     .offset = offsetof(struct common, quiet)},
    {.name = "format",
     .type = OPTION_CHOICE,
     .value = "F",
     .choices = "table|csv|json",
     .initial = "table",
     .help = "How rows are printed: table, csv or json",
     .offset = offsetof(struct common, format)},
    {.name = "seed",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "0",
     .maximum = 9007199254740992.0,
     .help = "Seed of everything that is drawn at random",
     .offset = offsetof(struct common, seed)},
    {.name = "device",
     .type = OPTION_TEXT,
     .value = "D",
     .choices = "auto|cpu|cuda",
     .initial = "auto",
     .help = "Where to compute: auto (a GPU where there is one), cpu, cuda or cuda:N",
     .offset = offsetof(struct common, device)},
    {.name = "threads",
     .type = OPTION_UNSIGNED,
     .value = "N",
     .initial = "0",
     .maximum = 1024,
     .help = "Threads of the CPU; 0 uses one for each core",
     .offset = offsetof(struct common, threads)},
    {.name = "precision",
     .type = OPTION_CHOICE,
     .value = "P",
     .choices = "auto|f32|bf16|fp8", /* as enum precision */
     .initial = "auto",
     .help = "Arithmetic of the models: f32, bf16, fp8 (bf16 with products in fp8, for "
             "figures alone), or auto (bf16 on a GPU, f32 on the CPU)",
     .offset = offsetof(struct common, precision)},
    {.name = "raw",
     .type = OPTION_FLAG,
     .help = "In CSV, print text that begins with =, +, - or @ unchanged, without the "
             "apostrophe that keeps spreadsheets from evaluating it",
     .offset = offsetof(struct common, raw)},
    {.name = "sandbox",
     .type = OPTION_CHOICE,
     .value = "S",
     .choices = SANDBOX_NAMES,
     .initial = "auto",
     .help = "Whether the command gives up the right to start programs and to use the "
             "network before it reads a file: auto (yes, if the kernel supports it and "
             "no commands are allowed), on or off",
     .offset = offsetof(struct common, sandbox)},
    {.name = "spill",
     .type = OPTION_TEXT,
     .value = "DIR",
     .help = "On the CPU, keep the task vectors in a file in DIR, which is gone at the "
             "end, and not in memory: for models that together are larger than it",
     .offset = offsetof(struct common, spill)},
    {0}};

const struct command *const *command_list(size_t *count) {
    *count = COMMANDS;
    return commands;
}

const struct option_spec *command_common_options(void) {
    return common_options;
}

static atomic_bool stop;
static struct progress bars;

/* What asks a command to stop. Those that lose nothing by it end by them at once. */
static const int signals_taken[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1, 0};

static void on_signal(int number) {
    (void)number;
    atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void clear_bars(void) {
    progress_clear(&bars);
}

static void line_to_stderr(const char *format, va_list arguments) {
    char raw[1024], text[1024];
    text_print(raw, sizeof raw, format, arguments);
    progress_clear(&bars);
    fprintf(stderr, "pwemoe: %s\n", text_escape(text, sizeof text, raw));
}

bool command_given(const struct invocation *invocation, const char *option) {
    const struct option_spec *specs = invocation->command->options;
    for (size_t i = 0; specs && specs[i].name; i++)
        if (strcmp(specs[i].name, option) == 0)
            return invocation->given >> i & 1;
    return false;
}

void command_note(const struct invocation *invocation, const char *format, ...) {
    if (invocation->common->quiet || ranks_rank(invocation->ranks) > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    line_to_stderr(format, arguments);
    va_end(arguments);
}

void command_log(const struct invocation *invocation, struct store *store,
                 const char *format, ...) {
    struct error error;
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    int result =
        length < 0 ? error_memory(&error) : store_log(store, &error, "%s", text);
    if (length >= 0)
        free(text);
    if (result)
        command_note(invocation, "done, but this is not in the log: %s", error.text);
}

void command_device_note(const struct invocation *invocation, const char *note) {
    if (*note && !strstr(note, "not built"))
        command_note(invocation, "%s", note);
}

void command_device_failed(struct error *error, const char *format, ...) {
    char kept[512];
    va_list arguments;
    va_start(arguments, format);
    text_print(kept, sizeof kept, format, arguments);
    va_end(arguments);
    bool told = strstr(error->text, "--device cpu") != NULL, memory = error->memory;
    error_set(error, "%s; %s%s", TEXT_CUT(error->text, 480), kept,
              told ? "" : ", with --device cpu on the CPU");
    error->memory = memory; /* errno is of long ago */
}

void command_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line_to_stderr(format, arguments);
    va_end(arguments);
}

static enum exit_status fail(enum exit_status status, const char *command,
                             const struct error *error) {
    progress_clear(&bars);
    if (output_reader_gone())
        signals_end(SIGPIPE); /* as it would have been by default, but for the work */
    if (!error->text[0])      /* rank 0 says it */
        return status;
    bool usage = status == EXIT_USAGE && command;
    /* What is said to be wrong may only be so for want of memory. */
    bool memory = error->memory && !strstr(error->text, "memory");
    fprintf(stderr, "pwemoe%s%s: %s%s\n", usage ? " " : "", usage ? command : "",
            error->text, memory ? " (out of memory)" : "");
    return status;
}

/* What was printed is there, or the exit status says that it is not. */
static enum exit_status flush(void) {
    struct error error;
    if (output_flush(&error))
        return fail(EXIT_FAILED, NULL, &error);
    return EXIT_DONE;
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static enum exit_status unknown_command(const char *name) {
    const char *names[COMMANDS + 1];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    names[COMMANDS] = "help";
    const char *nearest = text_nearest(name, names, COMMANDS + 1);
    struct error error;
    if (nearest)
        error_set(&error, "unknown command '%s'; did you mean '%s'?", name, nearest);
    else
        error_set(&error, "unknown command '%s'; `pwemoe help` lists the commands",
                  name);
    return fail(EXIT_USAGE, NULL, &error);
}

static void print_summary(FILE *out) {
    fputs(
        "Usage: pwemoe COMMAND ...\n\n"
        "Merges fine-tuned copies of one model into one, for every trade-off between\n"
        "their tasks.\n\n",
        out);
    int width = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        int length = (int)strlen(commands[i]->name);
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-*s  %s\n", width, commands[i]->name, commands[i]->summary);
    fputs(
        "\n"
        "`pwemoe help COMMAND` describes one; `pwemoe --version` prints the version.\n",
        out);
}

static void print_help(const struct command *command, const struct option_group *groups,
                       size_t count) {
    size_t column =
        (size_t)printf("Usage: pwemoe %s%s", command->name, *command->usage ? " " : "");
    options_wrap(stdout, command->usage, column, 14);
    putchar('\n');
    options_wrap(stdout, command->text, 0, 0);
    puts("\nOptions:");
    options_help(groups, count, stdout);
    if (command->more_help)
        command->more_help(stdout);
}

static int check_operands(const struct command *command, size_t count,
                          struct error *error) {
    if (count < command->operands_min)
        return error_set(error, "too few operands; usage: pwemoe %s %s", command->name,
                         command->usage);
    if (count > command->operands_max)
        return error_set(error, "too many operands; usage: pwemoe %s%s%s",
                         command->name, *command->usage ? " " : "", command->usage);
    return 0;
}

/* --- the processes of one mpirun ------------------------------------------------ */

/* What each of them would say, the first one says. */
static void leave_to_rank_0(struct error *error) {
    if (ranks_launched().rank > 0)
        error->text[0] = '\0';
}

/* Cores and cards of a machine, divided among its ranks: where mpirun has not bound
 * them to cores, each would take them all. */
static void divide_machine(const struct launched *launched, struct common *common) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (common->threads == 0 && (long)cpu_threads(0) == cores)
        common->threads =
            cores > launched->local_size ? (uint64_t)cores / launched->local_size : 1;
    backend_prefer_card(launched->local);
}

static int join(struct invocation *invocation, struct common *common,
                struct error *error) {
    struct launched launched = ranks_launched();
    if (launched.size < 2)
        return 0;
    if (invocation->command->together == ALONE) {
        error_set(error, "%s is for one process: start it without mpirun",
                  invocation->command->name);
        leave_to_rank_0(error);
        return -1;
    }
    divide_machine(&launched, common);
    return ranks_join(&invocation->ranks, error);
}

/* After all that is to be said is said. */
static enum exit_status leave(struct invocation *invocation, enum exit_status status) {
    struct error error;
    bool serves = invocation->command->together == SERVE;
    if (serves && ranks_rank(invocation->ranks) == 0 && invocation->ranks &&
        handout_dismiss(invocation->ranks, &error))
        fail(EXIT_FAILED, NULL, &error);
    bool first = ranks_rank(invocation->ranks) == 0;
    ranks_leave(invocation->ranks, (int)status);
    return first ? status : EXIT_DONE;
}

/* With a command line that is sound so far. MPI's threads inherit the mask of signals,
 * and it opens what it wants before the sandbox is closed. */
static enum exit_status run_checked(struct invocation *invocation,
                                    struct common *common, struct error *error) {
    const struct command *command = invocation->command;
    static struct work work = {
        .stop = &stop, .progress = progress_report, .self = &bars};
    static const struct signals signals = {.taken = signals_taken, .asked = on_signal};
    enum exit_status status = EXIT_FAILED;
    bool allowed = command_given(invocation, "allow-commands");
    invocation->work = &work;
    if ((command->stops && signals_watch(&signals, error)) ||
        join(invocation, common, error))
        return status;
    if ((command->common & TAKES_DEVICE) == TAKES_DEVICE &&
        common->sandbox != SANDBOX_OFF && strcmp(common->device, "cpu") != 0)
        card_files_make(CARD_FILES_FOLDER, CARD_FILES_PROGRAM);
    if (sandbox_enter((enum sandbox)common->sandbox, allowed, invocation->ranks != NULL,
                      error))
        return status;
    progress_init(&bars, common->quiet || ranks_rank(invocation->ranks) > 0);
    output_raw(common->raw);
    output_before(clear_bars);
    status = command->run(invocation, error);
    progress_clear(&bars);
    if (ranks_rank(invocation->ranks) > 0) /* what it was is known to rank 0 */
        error->text[0] = '\0';
    return status;
}

static enum exit_status run_command(const struct command *command, size_t count,
                                    const char *const *arguments) {
    static const struct option_spec none[] = {{0}};
    struct error error = {.text = ""};
    struct common common = {0};
    enum exit_status status = EXIT_FAILED;
    void *values = calloc(1, command->options_size + 1);
    const char **operands = array_new(count + 1, sizeof *operands);
    struct invocation invocation = {
        .command = command, .operands = operands, .common = &common, .options = values};
    struct option_group groups[] = {
        {command->options ? command->options : none, values, ~0u, &invocation.given},
        {common_options, &common, command->common, NULL}};
    bool help;
    if (!values || !operands) {
        error_memory(&error);
    } else if (options_parse(groups, 2, count, arguments, operands,
                             &invocation.operand_count, &help, &error)) {
        status = EXIT_USAGE;
    } else if (help) {
        print_help(command, groups, 2);
        status = output_flush(&error) ? EXIT_FAILED : EXIT_DONE;
    } else if (check_operands(command, invocation.operand_count, &error)) {
        status = EXIT_USAGE;
    } else {
        status = run_checked(&invocation, &common, &error);
    }
    free(values);
    free(operands);
    if (status == EXIT_USAGE && error.memory) /* nobody typed anything wrong */
        status = EXIT_FAILED;
    if (status == EXIT_USAGE)
        leave_to_rank_0(&error);
    /* mpirun ends all as soon as one fails: rank 0 is to have said why by then. */
    if (status != EXIT_DONE && !error.text[0] && ranks_launched().rank > 0)
        status = EXIT_DONE;
    if (status != EXIT_DONE && status != EXIT_UNMET)
        status = fail(status, command->name, &error);
    return leave(&invocation, status);
}

static enum exit_status help_command(size_t count, const char *const *arguments) {
    struct error error = {.text = ""};
    if (count > 1) {
        error_set(&error, "too many operands; usage: pwemoe help [COMMAND]");
        return fail(EXIT_USAGE, "help", &error);
    }
    if (count == 1 && strcmp(arguments[0], "--help") != 0) {
        const struct command *command = find_command(arguments[0]);
        if (!command)
            return unknown_command(arguments[0]);
        return run_command(command, 1, (const char *const[]){"--help"});
    }
    print_summary(stdout);
    return flush();
}

/* Over a progress bar; in a handler. */
static void clear_line(void) {
    if (isatty(STDERR_FILENO)) {
        ssize_t written = write(STDERR_FILENO, "\r\033[K", 4);
        (void)written;
    }
}

static enum exit_status run(int argc, char **argv) {
    start_process(argv, signals_taken);
    mapped_watch("pwemoe", clear_line);
    exhausted_watch("pwemoe", clear_line);
    json_memory_watch();
    struct error error;
    if (start_locale(LC_CTYPE, &error)) /* widths of characters; numbers keep a point */
        return fail(EXIT_FAILED, NULL, &error);
    if (argc < 2) {
        print_summary(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    size_t count = (size_t)argc - 2;
    const char *const *arguments = (const char *const *)argv + 2;
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0)
        return help_command(count, arguments);
    if (strcmp(name, "--version") == 0) {
        puts("pwemoe " PACKAGE_VERSION);
        return flush();
    }
    const struct command *command = find_command(name);
    if (!command)
        return unknown_command(name);
    return run_command(command, count, arguments);
}

int main(int argc, char **argv) {
    return (int)run(argc, argv);
}
