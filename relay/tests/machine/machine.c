/* What can happen to the machine under a relay, for a process that is started with this library before
 * all others (LD_PRELOAD). The folder in MACHINE says what happens now:
 *   clock      its text is how many seconds the clock is off
 *   read-only  while it is there, no file can be written */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int folder = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MACHINE");
    if (path)
        folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static long seconds_off(void) {
    char text[32] = "";
    int file = folder < 0 ? -1 : openat(folder, "clock", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    if (read(file, text, sizeof text - 1) < 0)
        text[0] = 0;
    close(file);
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t which, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, which, at) != 0;
    if (!failed && which == CLOCK_REALTIME) {
        int before = errno;
        at->tv_sec += seconds_off();
        errno = before;
    }
    return failed ? -1 : 0;
}

static int refused(int file) {
    struct stat about;
    if (folder < 0 || faccessat(folder, "read-only", F_OK, 0) != 0)
        return 0;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return 0;
    errno = EROFS;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t length) {
    return refused(file) ? -1 : syscall(SYS_write, file, bytes, length);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    return refused(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    return refused(file) ? -1 : syscall(SYS_pwrite64, file, bytes, length, at);
}
