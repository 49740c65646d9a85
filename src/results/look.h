/* The roles that colours and marks play, the same on the screen, in charts and in
 * reports: who draws decides what an ink or a mark is there. */
#ifndef PWEMOE_RESULTS_LOOK_H
#define PWEMOE_RESULTS_LOOK_H

enum { TASK_INKS = 8, SERIES_INKS = 6 };

enum ink {
    INK_TEXT,      /* the terminal's own foreground */
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
    INK_SERIES = INK_TASK + TASK_INKS, /* SERIES_INKS of these, by baseline */
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
    MARK_COUNT
};

#endif
