/* From the least to the most of a quantity: what an axis shows. */
#ifndef PWEMOE_TUI_STATE_RANGE_H
#define PWEMOE_TUI_STATE_RANGE_H

struct range {
    double low, high;
};

/* Nothing yet: low above high. */
struct range range_empty(void);
void range_add(struct range *range,
               double value); /* what is not finite is passed over */
/* At least `least` wide, with a margin of that share of its width. */
struct range range_widen(struct range range, double least, double margin);

#endif
