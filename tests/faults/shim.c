/* Faults under the program: LD_PRELOAD puts these in front of libc's file calls (host.py compiles it).

   Only names below faults_root() count, and descriptors opened by such names. A call is counted if the armed fault can
   befall it; the one with the number `at` gets it, or all from there on. What was done is kept in memory that outlives
   the process that did it, so that its parent can read it after a fork and a kill. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, ONCE, ONWARDS, KILL };
enum { SHORT = 10000 }; /* not an errno: read or write less than was asked for */

/* What a call is to the fault: the kinds of errors that it can have. */
enum { READS = 1, WRITES = 2, ENTERS = 4, REMOVES = 8, LOOKS = 16, CLOSES = 32, SYNCS = 64, WAITS = 128, MOVES = 256 };

static struct shared {
    int mode, error;
    long at;
    atomic_long count, fired;
    char last[64];
} *state;
static char root[4096];
static char tracked[65536];

__attribute__((constructor)) static void begin(void) {
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void faults_root(const char *path) { snprintf(root, sizeof root, "%s", path); }
void faults_arm(int mode, int error, long at) {
    state->error = error;
    state->at = at;
    atomic_store(&state->count, 0);
    atomic_store(&state->fired, 0);
    state->last[0] = 0;
    state->mode = mode;
}
long faults_count(void) { return atomic_load(&state->count); }
long faults_fired(void) { return atomic_load(&state->fired); }
const char *faults_last(void) { return state->last; }

static int ours(int folder, const char *path) {
    size_t length = strlen(root);
    if (!state || !length || state->mode == OFF || !path) return 0;
    if (path[0] == '/') return !strncmp(path, root, length);
    return folder >= 0 && folder < (int)sizeof tracked && tracked[folder];
}
static int held(int descriptor) {
    return state && state->mode != OFF && descriptor >= 0 && descriptor < (int)sizeof tracked && tracked[descriptor];
}

static int applies(int kind) {
    if (state->mode == KILL) return kind & (WRITES | ENTERS | REMOVES);
    switch (state->error) {
    case ENOSPC: case EDQUOT: return kind & (WRITES | ENTERS | SYNCS);
    case EROFS: return kind & (ENTERS | REMOVES);
    case EINTR: return kind & WAITS;
    case SHORT: return kind & MOVES;
    default: return 1;
    }
}

/* Whether this call fails. A kill does not return. */
static int strikes(int kind, const char *name) {
    if (!applies(kind)) return 0;
    long number = atomic_fetch_add(&state->count, 1);
    if (state->mode == COUNT || number < state->at || (state->mode != ONWARDS && number > state->at)) return 0;
    if (!atomic_fetch_add(&state->fired, 1)) snprintf(state->last, sizeof state->last, "%s", name);
    if (state->mode == KILL) kill(getpid(), SIGKILL);
    errno = state->error;
    return 1;
}
#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int opening(int flags) {
    return WAITS | (flags & (O_CREAT | O_TRUNC) ? ENTERS : (flags & O_ACCMODE) == O_RDONLY ? READS : ENTERS);
}
static int opened(int descriptor, int track) {
    if (descriptor >= 0 && descriptor < (int)sizeof tracked) tracked[descriptor] = (char)track;
    return descriptor;
}
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        int track = ours(-1, path); \
        if (track && strikes(opening(flags), "open")) return -1; \
        return opened(real(path, flags, mode), track); \
    }
OPEN(open) OPEN(open64)
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        int track = ours(folder, path); \
        if (track && strikes(opening(flags), "open")) return -1; \
        return opened(real(folder, path, flags, mode), track); \
    }
OPENAT(openat) OPENAT(openat64)

int close(int descriptor) {
    REAL(int, close, int);
    int fails = held(descriptor) && strikes(CLOSES, "close");
    int error = errno;
    if (descriptor >= 0 && descriptor < (int)sizeof tracked) tracked[descriptor] = 0;
    int done = real(descriptor); /* Linux closes it whatever it says */
    if (!fails) return done;
    errno = error;
    return -1;
}

#define TRANSFER(shown, kind) \
    if (held(descriptor) && size > 1 && strikes(kind | WAITS | MOVES, shown)) { \
        if (state->error != SHORT) return -1; \
        size -= size / 2; \
    }
ssize_t read(int descriptor, void *buffer, size_t size) {
    REAL(ssize_t, read, int, void *, size_t);
    TRANSFER("read", READS)
    return real(descriptor, buffer, size);
}
ssize_t write(int descriptor, const void *buffer, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    TRANSFER("write", WRITES)
    return real(descriptor, buffer, size);
}
#define AT(name, constant, kind, shown) \
    ssize_t name(int descriptor, constant void *buffer, size_t size, off64_t place) { \
        REAL(ssize_t, name, int, constant void *, size_t, off64_t); \
        TRANSFER(shown, kind) \
        return real(descriptor, buffer, size, place); \
    }
AT(pread, , READS, "pread") AT(pread64, , READS, "pread") AT(pwrite, const, WRITES, "pwrite")
AT(pwrite64, const, WRITES, "pwrite")

#define ON_DESCRIPTOR(name, kind) \
    int name(int descriptor) { \
        REAL(int, name, int); \
        if (held(descriptor) && strikes(kind, #name)) return -1; \
        return real(descriptor); \
    }
ON_DESCRIPTOR(fsync, SYNCS | WAITS) ON_DESCRIPTOR(fdatasync, SYNCS | WAITS)
#define TRUNCATE(name) \
    int name(int descriptor, off64_t size) { \
        REAL(int, name, int, off64_t); \
        if (held(descriptor) && strikes(WRITES | SYNCS, "ftruncate")) return -1; \
        return real(descriptor, size); \
    }
TRUNCATE(ftruncate) TRUNCATE(ftruncate64)
int flock(int descriptor, int how) {
    REAL(int, flock, int, int);
    if (held(descriptor) && strikes(LOOKS | WAITS, "flock")) return -1;
    return real(descriptor, how);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (ours(-1, to) && strikes(ENTERS, "rename")) return -1;
    return real(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(int, renameat, int, const char *, int, const char *);
    if (ours(to_folder, to) && strikes(ENTERS, "rename")) return -1;
    return real(from_folder, from, to_folder, to);
}
#define ON_PATH(name, kind) \
    int name(const char *path) { \
        REAL(int, name, const char *); \
        if (ours(-1, path) && strikes(kind, #name)) return -1; \
        return real(path); \
    }
ON_PATH(unlink, REMOVES) ON_PATH(rmdir, REMOVES)
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    if (ours(folder, path) && strikes(REMOVES, "unlink")) return -1;
    return real(folder, path, flags);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (ours(-1, path) && strikes(ENTERS, "mkdir")) return -1;
    return real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t);
    if (ours(folder, path) && strikes(ENTERS, "mkdir")) return -1;
    return real(folder, path, mode);
}

#define LOOK(name, type) \
    int name(const char *path, struct type *found) { \
        REAL(int, name, const char *, struct type *); \
        if (ours(-1, path) && strikes(LOOKS, #name)) return -1; \
        return real(path, found); \
    }
LOOK(stat, stat) LOOK(stat64, stat64) LOOK(lstat, stat) LOOK(lstat64, stat64) LOOK(statvfs, statvfs)
LOOK(statvfs64, statvfs64)
#define LOOK_AT(name, type) \
    int name(int folder, const char *path, struct type *found, int flags) { \
        REAL(int, name, int, const char *, struct type *, int); \
        if (ours(folder, path) && strikes(LOOKS, "stat")) return -1; \
        return real(folder, path, found, flags); \
    }
LOOK_AT(fstatat, stat) LOOK_AT(fstatat64, stat64)
#define LOOK_IN(name, type) \
    int name(int descriptor, struct type *found) { \
        REAL(int, name, int, struct type *); \
        if (held(descriptor) && strikes(LOOKS, "fstat")) return -1; \
        return real(descriptor, found); \
    }
LOOK_IN(fstat, stat) LOOK_IN(fstat64, stat64)
ssize_t readlink(const char *path, char *buffer, size_t size) {
    REAL(ssize_t, readlink, const char *, char *, size_t);
    if (ours(-1, path) && strikes(LOOKS, "readlink")) return -1;
    return real(path, buffer, size);
}

/* Folders: what readdir says goes by the stream, so streams are remembered. */
static DIR *streams[256];
static DIR *remember(DIR *stream, int track) {
    for (size_t i = 0; stream && track && i < sizeof streams / sizeof *streams; i++)
        if (!streams[i]) { streams[i] = stream; break; }
    return stream;
}
static int is_remembered(DIR *stream, int forget) {
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (streams[i] == stream) { if (forget) streams[i] = NULL; return 1; }
    return 0;
}
DIR *opendir(const char *path) {
    REAL(DIR *, opendir, const char *);
    int track = ours(-1, path);
    if (track && strikes(READS, "opendir")) return NULL;
    return remember(real(path), track);
}
DIR *fdopendir(int descriptor) {
    REAL(DIR *, fdopendir, int);
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor); /* Python gives a duplicate */
    ssize_t size = (readlink)(name, path, sizeof path - 1);
    path[size < 0 ? 0 : size] = 0;
    int track = ours(-1, path);
    if (track && strikes(READS, "opendir")) return NULL;
    return remember(real(descriptor), track);
}
int closedir(DIR *stream) {
    REAL(int, closedir, DIR *);
    is_remembered(stream, 1);
    return real(stream);
}
#define READDIR(name, type) \
    struct type *name(DIR *stream) { \
        REAL(struct type *, name, DIR *); \
        if (state && state->mode != OFF && is_remembered(stream, 0) && strikes(READS, "readdir")) return NULL; \
        return real(stream); \
    }
READDIR(readdir, dirent) READDIR(readdir64, dirent64)
