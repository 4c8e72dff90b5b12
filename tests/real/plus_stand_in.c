/* Dresses open-source nginx as NGINX Plus, which is not to be had here. Loaded into every process of a lab by
 * /etc/ld.so.preload; idle in all that are not called nginx.
 *
 * It says another version, and takes the mgmt blocks out of configuration files while nginx reads them: it blanks
 * them, so that lines keep their numbers. What nginx prints of its configuration has them again. A directive within
 * that the file /etc/plus-stand-in.knows does not name is an error, as it is to the real one. It reports nothing. */

#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define MOST 64
static struct { char *blank, *text; size_t length; } kept[MOST];
static int count;

static int is_nginx_here;

/* By its file: the name of a process is what nginx writes its titles over. */
__attribute__((constructor)) static void look(void) {
    char exe[256] = "";
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *name = length > 0 ? strrchr(exe, '/') : NULL;
    is_nginx_here = name && strcmp(name, "/nginx") == 0;
}

static int is_nginx(void) { return is_nginx_here; }

static char *whole(const char *path, size_t *length) {
    int (*really)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = really(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) { if (fd >= 0) close(fd); return NULL; }
    char *text = calloc(1, st.st_size + 1);
    ssize_t got = read(fd, text, st.st_size);
    close(fd);
    *length = got < 0 ? 0 : got;
    return text;
}

static void judge(const char *path, const char *from, const char *to) {
    size_t length;
    char *knows = whole("/etc/plus-stand-in.knows", &length);
    while (from < to) {
        while (from < to && isspace((unsigned char)*from)) from++;
        if (from < to && *from == '#') { while (from < to && *from != '\n') from++; continue; }
        const char *begin = from;
        while (from < to && !isspace((unsigned char)*from) && *from != ';') from++;
        if (from > begin) {
            char name[128];
            snprintf(name, sizeof name, " %.*s ", (int)(from - begin), begin);
            if (!knows || !strstr(knows, name)) {
                fprintf(stderr, "nginx: [emerg] unknown directive \"%.*s\" in %s:1\n", (int)(from - begin), begin, path);
                _exit(1);
            }
        }
        while (from < to && *from != ';') from++;
        if (from < to) from++;
    }
    free(knows);
}

/* The text of a file without its mgmt blocks, in memory; -1: there is none in it. */
static int dressed(const char *path) {
    size_t length;
    char *text = whole(path, &length);
    if (!text) return -1;
    char *blank = malloc(length + 1);
    memcpy(blank, text, length + 1);
    int found = 0;
    for (char *line = text; line < text + length;) {
        char *next = memchr(line, '\n', text + length - line);
        next = next ? next + 1 : text + length;
        char *word = line + strspn(line, " \t");
        char *rest = word + 4 + strspn(word + 4, " \t\r\n");
        if (strncmp(word, "mgmt", 4) == 0 && *rest == '{') {
            char *end = strchr(rest, '}');
            if (!end) break;
            judge(path, rest + 1, end);
            for (char *at = word; at <= end; at++)
                if (*at != '\n' && *at != '\r') blank[at - text] = ' ';
            found = 1;
            next = end + 1;
        }
        line = next;
    }
    if (!found) { free(text); free(blank); return -1; }
    int at = count++ % MOST;
    kept[at].blank = blank, kept[at].text = text, kept[at].length = length;
    int fd = memfd_create("dressed", 0);
    for (size_t done = 0; done < length;) {
        ssize_t wrote = write(fd, blank + done, length - done);
        if (wrote < 0) return -1;
        done += wrote;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int opened(const char *symbol, const char *path, int flags, mode_t mode) {
    if (is_nginx() && (flags & O_ACCMODE) == O_RDONLY && strncmp(path, "/etc/nginx/", 11) == 0) {
        int fd = dressed(path);
        if (fd >= 0) return fd;
    }
    int (*really)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);
    return really(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more);
    return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more);
    return opened("open64", path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    ssize_t (*really)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (!is_nginx() || (fd != 1 && fd != 2)) return really(fd, bytes, length);
    for (int at = 0; at < count && at < MOST; at++) {
        if (fd == 1 && length == kept[at].length && memcmp(bytes, kept[at].blank, length) == 0)
            return really(fd, kept[at].text, length);
    }
    const char *says = "nginx version: nginx/";
    char *own = fd == 2 ? memmem(bytes, length, says, strlen(says)) : NULL;
    size_t known;
    char *version = own ? whole("/etc/plus-stand-in.version", &known) : NULL;
    if (!version) return really(fd, bytes, length);
    char *end = memchr(own, '\n', (char *)bytes + length - own);
    if (!end) return really(fd, bytes, length);
    dprintf(fd, "nginx version: nginx/%s", version);
    free(version);
    really(fd, end, (char *)bytes + length - end);
    return length;
}
