/* Buffers for libcamera on a kernel that gives none: opening /dev/udmabuf or a /dev/dma_heap/ succeeds, and each buffer
   is plain shared memory. To be preloaded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_provider(const char *path) {
    return path && (!strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14));
}

static int make_provider(void) { return memfd_create("dma-buf provider", MFD_CLOEXEC); }

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                      \
        static int (*real)(const char *, int, ...);                                                                   \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        mode_t mode = mode_of(flags, rest);                                                                           \
        va_end(rest);                                                                                                 \
        if (is_provider(path)) return make_provider();                                                                \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                                    \
        return real(path, flags, mode);                                                                               \
    }
OPEN(open)
OPEN(open64)

#define OPEN_AT(name)                                                                                                  \
    int name(int folder, const char *path, int flags, ...) {                                                          \
        static int (*real)(int, const char *, int, ...);                                                              \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        mode_t mode = mode_of(flags, rest);                                                                           \
        va_end(rest);                                                                                                 \
        if (is_provider(path)) return make_provider();                                                                \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                                    \
        return real(folder, path, flags, mode);                                                                       \
    }
OPEN_AT(openat)
OPEN_AT(openat64)

#define OPEN_CHECKED(name)                                                                                             \
    int name(const char *path, int flags) {                                                                           \
        static int (*real)(const char *, int);                                                                        \
        if (is_provider(path)) return make_provider();                                                                \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                                                    \
        return real(path, flags);                                                                                     \
    }
OPEN_CHECKED(__open_2)
OPEN_CHECKED(__open64_2)

int ioctl(int file, unsigned long request, ...) {
    static int (*real)(int, unsigned long, ...);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    switch ((unsigned int)request) {
    case UDMABUF_CREATE:
        return fcntl((int)((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 3);
    case DMA_HEAP_IOCTL_ALLOC: {
        struct dma_heap_allocation_data *wanted = argument;
        int buffer = memfd_create("dma-buf", MFD_CLOEXEC);
        if (buffer < 0 || ftruncate(buffer, (off_t)wanted->len)) return -1;
        wanted->fd = (__u32)buffer;
        return 0;
    }
    case DMA_BUF_IOCTL_SYNC:
    case DMA_BUF_SET_NAME_A:
    case DMA_BUF_SET_NAME_B:
        return 0;
    }
    return real(file, request, argument);
}

/* operator new. libcamera 0.4.0's virtual camera leaves the status of a frame uninitialised; 0 says that it is good. */
void *_Znwm(unsigned long size) { return calloc(1, size ? size : 1); }
