/* What kind of file system a file lies on. */
#ifndef PWEMOE_BASE_FILE_SYSTEM_H
#define PWEMOE_BASE_FILE_SYSTEM_H

/* The name of the network file system that a file is on ("NFS"), by its type (statfs);
 * NULL where it is none, or where that cannot be told. Those that a program of the
 * user's serves (FUSE), and that a virtual machine has from its host, count as such:
 * whoever is behind them need not keep to what the kernel does. */
const char *file_system_network(const char *path);

#endif
