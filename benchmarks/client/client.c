/* The clients: handshake, script, frames. */
#define _GNU_SOURCE
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (256 * 1024) /* of the process: stays in the cache, and takes many frames at a time */
#define LARGEST_SENT 4096

struct script script;
struct counters counters;
struct totals totals;
struct histogram latencies;
struct client *clients;
int connections, greeted, joined, alive, settled;
uint64_t last_greeted_at, last_joined_at;
void (*on_complete)(uint64_t number);

static uint8_t buffer[BUFFER];
static uint32_t receivers[SLOTS]; /* by number modulo SLOTS: how many members have got that event */
static size_t hint;               /* where the last mark stood in its text: the next one stands there too */

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void slots_clear(void) {
    memset(receivers, 0, sizeof receivers);
}

/* --- its beginning and its end ------------------------------------------------------------------------ */

bool client_start(struct client *c, int epoll, uint64_t first) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)script.port)};
    struct epoll_event wanted = {.events = EPOLLOUT, .data.ptr = c};
    int on = 1;
    *c = (struct client){.fd = -1, .last = first - 1};
    if (inet_pton(AF_INET, script.host, &address.sin_addr) != 1)
        return false;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        return false;
    }
    c->stage = CONNECTING;
    alive++;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &wanted) == 0;
}

void client_end(struct client *c) {
    if (c->stage == CLOSED)
        return;
    close(c->fd);
    free(c->carry);
    c->carry = NULL;
    c->stage = CLOSED;
    alive--;
    if (!c->joined)
        settled++;
}

static void lost(struct client *c) {
    totals.closes++;
    client_end(c);
}

/* --- sending -------------------------------------------------------------------------------------------- */

/* One whole masked frame; what a client says is short, so the socket takes it at once or is broken. */
static void send_frame(struct client *c, uint8_t opcode, const void *payload, size_t length) {
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t frame[LARGEST_SENT + 8];
    size_t at = 0;
    if (length > LARGEST_SENT)
        return lost(c);
    frame[at++] = 0x80 | opcode;
    if (length < 126) {
        frame[at++] = 0x80 | (uint8_t)length;
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = (uint8_t)(length >> 8);
        frame[at++] = (uint8_t)length;
    }
    memcpy(frame + at, key, sizeof key);
    at += sizeof key;
    for (size_t i = 0; i < length; i++)
        frame[at + i] = ((const uint8_t *)payload)[i] ^ key[i % 4];
    if (send(c->fd, frame, at + length, MSG_NOSIGNAL) != (ssize_t)(at + length))
        lost(c);
}

static void go_on(struct client *c, const uint8_t *text, size_t length) {
    while (c->stage == OPEN && c->said < script.length) {
        const struct line *next = &script.lines[c->said];
        size_t expected = strlen(next->expected);
        if (expected > length || memcmp(text, next->expected, expected) != 0)
            return;
        c->said++;
        send_frame(c, 1, next->text, strlen(next->text));
        if (expected > 0)
            return; /* one answer to one text */
    }
}

static bool holds(const uint8_t *text, size_t length, const char *part) {
    return memmem(text, length, part, strlen(part)) != NULL;
}

/* Takes note of how far it has come; `text` is NULL for the upgrade itself, else what it was told. */
static void note_progress(struct client *c, const uint8_t *text, size_t length) {
    bool told = text != NULL && *script.greeting && holds(text, length, script.greeting);
    if (!c->greeted && (told || (text == NULL && !*script.greeting))) {
        c->greeted = true;
        greeted++;
        last_greeted_at = now_ns();
    }
    if (!c->joined && c->greeted &&
        (*script.joining ? text != NULL && holds(text, length, script.joining) : true)) {
        c->joined = true;
        joined++;
        settled++;
        last_joined_at = now_ns();
    }
}

/* --- frames --------------------------------------------------------------------------------------------- */

static uint64_t digits(const uint8_t *text, int count) {
    uint64_t value = 0;
    while (count-- > 0)
        value = value * 10 + (uint64_t)(*text++ - '0');
    return value;
}

static const uint8_t *find_mark(const uint8_t *text, size_t length) {
    const size_t key = sizeof MARK_KEY - 1, whole = key + 2 + STAMP_DIGITS + 1 + NUMBER_DIGITS + 1;
    if (length < whole)
        return NULL;
    if (hint + whole > length || memcmp(text + hint, MARK_KEY, key) != 0) {
        const uint8_t *found = memmem(text, length, MARK_KEY, key);
        if (found == NULL || (size_t)(found - text) + whole > length)
            return NULL;
        hint = (size_t)(found - text);
    }
    const uint8_t *mark = text + hint + key;
    return mark + (*mark == ' ' ? 2 : 1); /* past the quote; some write a space before it */
}

static void take_event(struct client *c, const uint8_t *mark, size_t length, uint64_t now) {
    uint64_t stamp = digits(mark, STAMP_DIGITS), number = digits(mark + STAMP_DIGITS + 1, NUMBER_DIGITS);
    counters.deliveries++;
    totals.deliveries++;
    counters.bytes += length;
    histogram_add(&latencies, now > stamp ? now - stamp : 0);
    if (number <= c->last) {
        totals.duplicates++;
        return;
    }
    totals.losses += number - c->last - 1;
    c->last = number;
    uint32_t *count = &receivers[number % SLOTS];
    if (++*count == (uint32_t)joined) {
        *count = 0;
        counters.completed++;
        totals.newest = number;
        if (on_complete != NULL)
            on_complete(number);
    }
}

static void take_text(struct client *c, const uint8_t *text, size_t length, uint64_t now) {
    const uint8_t *mark = find_mark(text, length);
    if (mark != NULL)
        return take_event(c, mark, length, now);
    counters.others++;
    if (length == 1 && *text == '2') { /* Engine.IO asks whether we are there */
        totals.pings++;
        return send_frame(c, 1, "3", 1);
    }
    note_progress(c, text, length);
    go_on(c, text, length);
}

static void take_frame(struct client *c, uint8_t head, const uint8_t *payload, size_t length, uint64_t now) {
    switch (head & 0x0f) {
    case 1:
        take_text(c, payload, length, now);
        break;
    case 8:
        lost(c);
        break;
    case 9:
        totals.pings++;
        send_frame(c, 10, payload, length);
        break;
    default:
        counters.others++;
    }
}

/* Takes every whole frame; how many bytes those were. */
static size_t take_frames(struct client *c, const uint8_t *bytes, size_t length, uint64_t now) {
    size_t at = 0;
    while (c->stage == OPEN && at + 2 <= length) {
        size_t header = 2, payload = bytes[at + 1] & 0x7f;
        if (payload == 126) {
            header = 4;
            if (at + header > length)
                break;
            payload = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        } else if (payload == 127) {
            header = 10;
            if (at + header > length)
                break;
            payload = 0;
            for (int i = 2; i < 10; i++)
                payload = payload << 8 | bytes[at + i];
        }
        if (payload > length - at - header || at + header > length)
            break;
        take_frame(c, bytes[at], bytes + at + header, payload, now);
        at += header + payload;
    }
    return at;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* Past the answer to the upgrade request; 0 while it has not come whole. */
static size_t take_upgrade(struct client *c, const uint8_t *bytes, size_t length) {
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (length < 12 || memcmp(bytes + 8, " 101", 4) != 0) {
        lost(c);
        return 0;
    }
    c->stage = OPEN;
    note_progress(c, NULL, 0);
    go_on(c, (const uint8_t *)"", 0);
    return (size_t)(end - bytes) + 4;
}

static void keep(struct client *c, const uint8_t *rest, size_t length) {
    if (length > 0) {
        c->carry = realloc(c->carry, length);
        memcpy(c->carry, rest, length);
    } else if (c->carry != NULL) {
        free(c->carry);
        c->carry = NULL;
    }
    c->carried = (uint32_t)length;
}

static void read_some(struct client *c) {
    size_t have = c->carried, used = 0;
    if (have > 0)
        memcpy(buffer, c->carry, have);
    ssize_t got = recv(c->fd, buffer + have, sizeof buffer - have, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        return lost(c);
    counters.reads++;
    have += (size_t)got;
    if (c->stage == UPGRADING)
        used = take_upgrade(c, buffer, have);
    if (c->stage == OPEN)
        used += take_frames(c, buffer + used, have - used, now_ns());
    if (c->stage != CLOSED)
        keep(c, buffer + used, have - used);
}

void client_ready(struct client *c, int epoll, uint32_t events) {
    if (c->stage == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
        size_t length = strlen(script.request);
        if (send(c->fd, script.request, length, MSG_NOSIGNAL) != (ssize_t)length)
            return lost(c);
        c->stage = UPGRADING;
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &wanted);
    } else if (c->stage != CLOSED) {
        read_some(c);
    }
}
