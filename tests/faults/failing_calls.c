/* For LD_PRELOAD: calls on files below FAULTS_FOLDER fail with the error number that stands in the file FAULTS_FILE
   for their kind, as long as one stands there. The file is mapped, so that it works at once in the running process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

struct faults {
    volatile int write, sync, open, failed; /* error numbers, 0 for none; how many calls have failed */
};

static struct faults none, *faults = &none;
static const char *folder = "?";

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("FAULTS_FILE");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *mapped = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED) {
            folder = getenv("FAULTS_FOLDER");
            faults = mapped;
        }
        close(fd);
    }
}

static int fails(int error, const char *path)
{
    if (strncmp(path, folder, strlen(folder)) != 0)
        return 0;
    __sync_fetch_and_add(&faults->failed, 1);
    errno = error;
    return 1;
}

static int fails_on(int error, int fd)
{
    char link[40], path[4096];
    if (!error)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(error, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size)
{
    return fails_on(faults->write, fd) ? -1 : NEXT(write)(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return fails_on(faults->write, fd) ? -1 : NEXT(pwrite64)(fd, data, size, offset);
}

int fsync(int fd)
{
    return fails_on(faults->sync, fd) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails_on(faults->sync, fd) ? -1 : NEXT(fdatasync)(fd);
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                                                   \
    int name(const char *path, int flags, ...)                                       \
    {                                                                                \
        va_list more;                                                                \
        va_start(more, flags);                                                       \
        mode_t mode = mode_of(flags, more);                                          \
        va_end(more);                                                                \
        if (faults->open && (flags & (O_WRONLY | O_RDWR)) && fails(faults->open, path)) \
            return -1;                                                               \
        return NEXT(name)(path, flags, mode);                                        \
    }

OPEN(open)
OPEN(open64)
