/* What is published: bytes that someone else has made, with the stamp and the number put in for each event.
   So the publisher costs next to nothing, and what it sends is to the byte what the real one would. */
#include "crowd.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATCHES 16
#define QUEUE (1 << 20)

enum kind { STAMP, NUMBER, U32, U64, F64 };

static const char *const names[] = {"stamp", "number", "u32", "u64", "f64"};
static const size_t widths[] = {STAMP_DIGITS, NUMBER_DIGITS, 4, 8, 8};

static struct patch {
    size_t offset;
    enum kind kind;
} patches[PATCHES];

static int fd = -1, patch_count;
static uint8_t *template, *queue;
static size_t template_length, queued;

bool feed_open(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    feed_close();
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return false;
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        feed_close();
        return false;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (queue == NULL)
        queue = malloc(QUEUE);
    return true;
}

void feed_close(void) {
    if (fd >= 0)
        close(fd);
    fd = -1;
    queued = 0;
}

int feed_fd(void) {
    return fd;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool feed_template(const char *hex) {
    size_t length = strlen(hex) / 2;
    free(template);
    template = malloc(length + 1);
    template_length = length;
    patch_count = 0;
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        template[i] = (uint8_t)(high * 16 + low);
    }
    return length > 0;
}

bool feed_patch(size_t offset, const char *name) {
    for (int kind = STAMP; kind <= F64; kind++) {
        if (strcmp(name, names[kind]) == 0 && patch_count < PATCHES &&
            offset + widths[kind] <= template_length) {
            patches[patch_count++] = (struct patch){offset, (enum kind)kind};
            return true;
        }
    }
    return false;
}

static void put_digits(uint8_t *into, int width, uint64_t value) {
    while (width-- > 0) {
        into[width] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
}

static void put(uint8_t *into, enum kind kind, uint64_t number) {
    struct timespec wall;
    double seconds;
    uint64_t wide = htobe64(number);
    uint32_t narrow = htobe32((uint32_t)number);
    switch (kind) {
    case STAMP:
        put_digits(into, STAMP_DIGITS, now_ns());
        break;
    case NUMBER:
        put_digits(into, NUMBER_DIGITS, number);
        break;
    case U32:
        memcpy(into, &narrow, sizeof narrow);
        break;
    case U64:
        memcpy(into, &wide, sizeof wide);
        break;
    case F64:
        clock_gettime(CLOCK_REALTIME, &wall);
        seconds = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9;
        memcpy(&wide, &seconds, sizeof wide);
        wide = htobe64(wide);
        memcpy(into, &wide, sizeof wide);
    }
}

void feed_publish(uint64_t number) {
    if (template_length == 0 || queued + template_length > QUEUE)
        return; /* the loop then stalls, which is told */
    uint8_t *message = queue + queued;
    memcpy(message, template, template_length);
    for (int i = 0; i < patch_count; i++)
        put(message + patches[i].offset, patches[i].kind, number);
    queued += template_length;
}

bool feed_flush(void) {
    size_t sent = 0;
    if (queued == 0)
        return fd >= 0;
    while (sent < queued) {
        ssize_t done = send(fd, queue + sent, queued - sent, MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (done < 0)
            break; /* the next turn goes on */
        sent += (size_t)done;
    }
    memmove(queue, queue + sent, queued - sent);
    queued -= sent;
    return true;
}

void feed_drain(void) {
    static uint8_t dropped[65536];
    while (fd >= 0) {
        ssize_t got = recv(fd, dropped, sizeof dropped, 0);
        if (got > 0)
            continue;
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            feed_close(); /* what is published next fails, and is told */
        return;
    }
}
