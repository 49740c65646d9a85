/* NVIDIA's driver has the files of its devices made, and its kernel modules loaded, by
 * a program of its own, nvidia-modprobe, when CUDA begins where they are not there yet:
 * on a machine without a desktop, after it has started. In the sandbox (base/sandbox.h)
 * it could not start that. */
#ifndef PWEMOE_BASE_CARD_FILES_H
#define PWEMOE_BASE_CARD_FILES_H

#define CARD_FILES_FOLDER "/dev"
#define CARD_FILES_PROGRAM "/usr/bin/nvidia-modprobe"

/* Starts the program, as the driver would, where the machine has it and the folder
 * lacks a file that CUDA needs; waits some seconds for it at most. What comes of it
 * shows when CUDA begins. It makes the first card's: a machine of more has a daemon for
 * it (nvidia-persistenced). */
void card_files_make(const char *folder, const char *program);

#endif
