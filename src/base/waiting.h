/* How threads of OpenMP wait for each other. */
#ifndef PWEMOE_BASE_WAITING_H
#define PWEMOE_BASE_WAITING_H

/* GNU's OpenMP spins for milliseconds at the end of each parallel loop before a thread
 * sleeps. Where other programs want the cores too, a thread then burns the time that
 * the one it waits for would need: small models ran ten times slower on a busy machine.
 * The length is read from the environment before main() and by nothing later, so that
 * this starts the program again with a short one, unless the user has set
 * OMP_WAIT_POLICY or GOMP_SPINCOUNT. To be called first in main(); does nothing where
 * the program cannot be started again, but for giving the process its name. */
void waiting_spin_briefly(char **argv);

#endif
