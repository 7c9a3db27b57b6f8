/* Writes down, in order, what a process does to the files of one folder and what it says on its
 * standard output. Loaded into the process by LD_PRELOAD; log.rs reads what it wrote.
 *
 * PANNIER_WITNESS_FOLDER is the folder, absolute; PANNIER_WITNESS_LOG the file to write. A sync is
 * noted and not done: what reached the disk is decided afterwards, from the log.
 *
 * Each entry: kind (1 byte), inode (8), place in the file (8), length (8), then so many bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 1024

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_length;
static int to = -1;

enum watched { NOT, FILE_IN_IT, A_FOLDER };
static struct { enum watched what; uint64_t inode; char *folder; } files[MOST_FILES];

#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
REAL(int, open, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(int, ftruncate, int, off_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, unlink, const char *);
REAL(int, rename, const char *, const char *);
REAL(int, mkdir, const char *, mode_t);
REAL(int, fallocate, int, int, off_t, off_t);
REAL(int, posix_fallocate, int, off_t, off_t);

static void give_up(const char *why) {
  fprintf(stderr, "witness: %s\n", why);
  abort();
}

__attribute__((constructor)) static void begin(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  real_fallocate = dlsym(RTLD_NEXT, "fallocate64");
  real_posix_fallocate = dlsym(RTLD_NEXT, "posix_fallocate64");
  folder = getenv("PANNIER_WITNESS_FOLDER");
  const char *log = getenv("PANNIER_WITNESS_LOG");
  if (!folder || !log) give_up("PANNIER_WITNESS_FOLDER and PANNIER_WITNESS_LOG must be set");
  folder_length = strlen(folder);
  to = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (to < 0) give_up("the log cannot be written");
}

static void note(char kind, uint64_t inode, uint64_t at, const void *bytes, size_t length) {
  uint64_t numbers[3] = {inode, at, length};
  struct iovec parts[3] = {{&kind, 1}, {numbers, sizeof numbers}, {(void *)bytes, length}};
  if (real_writev(to, parts, 3) != (ssize_t)(1 + sizeof numbers + length)) give_up("the log is full");
}

/* The name within the folder, with those of folders in it before it; NULL for files elsewhere. The folder itself has an
 * empty one. */
static const char *name_of(const char *path) {
  if (!path || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] == 0) return path + folder_length;
  return path[folder_length] == '/' ? path + folder_length + 1 : NULL;
}

static enum watched what(int fd) {
  return fd >= 0 && fd < MOST_FILES ? files[fd].what : NOT;
}

static int open_watched(const char *path, int flags, mode_t mode) {
  const char *name = name_of(path);
  if (!name) return real_open(path, flags, mode);
  pthread_mutex_lock(&order);
  struct stat seen;
  int was_there = stat(path, &seen) == 0;
  int fd = real_open(path, flags, mode);
  int why = errno;
  if (fd >= MOST_FILES) give_up("too many files are open");
  if (fd >= 0 && fstat(fd, &seen) == 0) {
    files[fd].what = S_ISDIR(seen.st_mode) ? A_FOLDER : FILE_IN_IT;
    files[fd].inode = seen.st_ino;
    files[fd].folder = S_ISDIR(seen.st_mode) ? strdup(name) : NULL;
    if (!was_there) note('c', seen.st_ino, 0, name, strlen(name));
    else if (*name && (flags & O_TRUNC)) note('t', seen.st_ino, 0, NULL, 0);
  }
  pthread_mutex_unlock(&order);
  errno = why;
  return fd;
}

#define MODE(flags)                                                                                \
  mode_t mode = 0;                                                                                 \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                         \
    va_list rest;                                                                                  \
    va_start(rest, flags);                                                                         \
    mode = va_arg(rest, mode_t);                                                                   \
    va_end(rest);                                                                                  \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_watched(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_watched(path, flags, mode); }

int openat(int at, const char *path, int flags, ...) {
  MODE(flags)
  if (at != AT_FDCWD && path[0] != '/') give_up("openat relative to a folder is not known here");
  return open_watched(path, flags, mode);
}

int close(int fd) {
  if (what(fd) == NOT) return real_close(fd);
  pthread_mutex_lock(&order);
  files[fd].what = NOT;
  free(files[fd].folder);
  int done = real_close(fd);
  pthread_mutex_unlock(&order);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (fd != STDOUT_FILENO && what(fd) == NOT) return real_write(fd, bytes, length);
  pthread_mutex_lock(&order);
  off_t at = fd == STDOUT_FILENO ? 0 : lseek(fd, 0, SEEK_CUR);
  ssize_t done = real_write(fd, bytes, length);
  int why = errno;
  if (done > 0) {
    if (fd == STDOUT_FILENO) note('o', 0, 0, bytes, done);
    else note('w', files[fd].inode, at, bytes, done);
  }
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

static ssize_t pwrite_watched(int fd, const void *bytes, size_t length, off_t at) {
  if (what(fd) == NOT) return real_pwrite(fd, bytes, length, at);
  pthread_mutex_lock(&order);
  ssize_t done = real_pwrite(fd, bytes, length, at);
  int why = errno;
  if (done > 0) note('w', files[fd].inode, at, bytes, done);
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite_watched(fd, bytes, length, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  return pwrite_watched(fd, bytes, length, at);
}

static int truncate_watched(int fd, off_t length) {
  if (what(fd) == NOT) return real_ftruncate(fd, length);
  pthread_mutex_lock(&order);
  int done = real_ftruncate(fd, length);
  int why = errno;
  if (done == 0) note('t', files[fd].inode, length, NULL, 0);
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

int ftruncate(int fd, off_t length) { return truncate_watched(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_watched(fd, length); }

/* A file that grows by room alone grows by zeros. */
static int allocate_watched(int fd, int mode, off_t at, off_t length) {
  if (what(fd) == NOT) return real_fallocate(fd, mode, at, length);
  if (mode) give_up("fallocate with a mode is not known here");
  pthread_mutex_lock(&order);
  struct stat before;
  int seen = fstat(fd, &before);
  int done = real_fallocate(fd, mode, at, length);
  int why = errno;
  if (done == 0 && seen == 0 && at + length > before.st_size) note('t', files[fd].inode, at + length, NULL, 0);
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

int fallocate(int fd, int mode, off_t at, off_t length) { return allocate_watched(fd, mode, at, length); }
int fallocate64(int fd, int mode, off64_t at, off64_t length) {
  return allocate_watched(fd, mode, at, length);
}

static int sync_watched(int fd) {
  pthread_mutex_lock(&order);
  const char *name = files[fd].folder;
  if (name) note('d', 0, 0, name, strlen(name));
  else note('s', files[fd].inode, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return 0;
}

int fsync(int fd) { return what(fd) == NOT ? real_fsync(fd) : sync_watched(fd); }
int fdatasync(int fd) { return what(fd) == NOT ? real_fdatasync(fd) : sync_watched(fd); }

int unlink(const char *path) {
  const char *name = name_of(path);
  if (!name) return real_unlink(path);
  pthread_mutex_lock(&order);
  int done = real_unlink(path);
  int why = errno;
  if (done == 0) note('u', 0, 0, name, strlen(name));
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

int mkdir(const char *path, mode_t mode) {
  const char *name = name_of(path);
  if (!name) return real_mkdir(path, mode);
  pthread_mutex_lock(&order);
  int done = real_mkdir(path, mode);
  int why = errno;
  if (done == 0) note('m', 0, 0, name, strlen(name));
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

/* Both names, with a zero byte in between. */
int rename(const char *from, const char *path) {
  const char *old = name_of(from), *name = name_of(path);
  if (!old && !name) return real_rename(from, path);
  if (!old || !name) give_up("a file moves into the folder or out of it");
  pthread_mutex_lock(&order);
  int done = real_rename(from, path);
  int why = errno;
  if (done == 0) {
    char both[4096];
    int length = snprintf(both, sizeof both, "%s%c%s", old, 0, name);
    note('r', 0, 0, both, length);
  }
  pthread_mutex_unlock(&order);
  errno = why;
  return done;
}

/* What nobody does today is not guessed at. */
#define UNKNOWN(name, call)                                                                        \
  if (what(fd) != NOT) give_up(name " is not known here");                                         \
  return call;

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (fd == STDOUT_FILENO) give_up("writev to the standard output is not known here");
  UNKNOWN("writev", real_writev(fd, parts, count))
}
int posix_fallocate(int fd, off_t at, off_t length) {
  UNKNOWN("posix_fallocate", real_posix_fallocate(fd, at, length))
}
int posix_fallocate64(int fd, off64_t at, off64_t length) {
  UNKNOWN("posix_fallocate", real_posix_fallocate(fd, at, length))
}
