/* The roles that colours and marks play, and what each looks like: one table for the
 * screen, the charts and the reports.
 *
 * The colours are those of Okabe & Ito (2008), told apart by readers with any of the
 * common colour deficiencies, and nothing is told by colour alone: each series has its
 * own mark as well. */
#ifndef PWEMOE_RESULTS_LOOK_H
#define PWEMOE_RESULTS_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum { TASK_INKS = 8, SERIES_INKS = 6, ANSWER_MARKS = 4, SPARE_MARKS = 7 };

enum ink {
    INK_TEXT,      /* the medium's own foreground */
    INK_FAINT,     /* secondary text */
    INK_FRAME,     /* rules and axes */
    INK_TITLE,     /* headings of panels */
    INK_NOW,       /* the preference being looked at and its figures */
    INK_ESTIMATE,  /* figures that nobody has measured */
    INK_FRONT,     /* the Pareto front */
    INK_FAR,       /* the front where it is far off, or many lines of it */
    INK_DOMINATED, /* solutions behind it */
    INK_GOOD,
    INK_WARNING,
    INK_TASK,                          /* TASK_INKS of these, by task */
    INK_SERIES = INK_TASK + TASK_INKS, /* SERIES_INKS of these, by series */
    INK_COUNT = INK_SERIES + SERIES_INKS
};

enum mark {
    MARK_NOW,
    MARK_ESTIMATE,
    MARK_FRONT,
    MARK_DOMINATED,
    MARK_KNEE,
    MARK_BOOKMARK,
    MARK_PRETRAINED,
    MARK_STL,
    MARK_AVERAGE,
    MARK_ARITHMETIC,
    MARK_TIES,
    MARK_FISHER,
    MARK_REGMEAN,
    MARK_TRAINED,
    MARK_OTHER,
    MARK_ANSWER, /* ANSWER_MARKS of these, for further series like that of the front */
    MARK_SPARE = MARK_ANSWER + ANSWER_MARKS, /* SPARE_MARKS of these, for any series
                                                without a mark of its own */
    MARK_COUNT = MARK_SPARE + SPARE_MARKS
};

/* 0xRRGGBB, or -1 for the terminal's own: on a dark screen. */
int look_on_screen(enum ink ink);
/* 0xRRGGBB on white paper. The same but where that would be too pale. */
int look_on_paper(enum ink ink);

/* One column wide each. */
extern const wchar_t look_unicode[MARK_COUNT], look_ascii[MARK_COUNT];

/* The ink of a task, and a mark for lines that are told apart by their place alone. */
static inline enum ink look_task(size_t task) {
    return (enum ink)(INK_TASK + task % TASK_INKS);
}
enum mark look_place(size_t place);

/* Whether that names a module of layer norm ("block 3 norm 1"), which are scaled apart:
 * they would flatten all others. */
bool look_is_norm(const char *module);

#endif
