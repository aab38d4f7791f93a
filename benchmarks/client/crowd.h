/* A crowd of WebSocket clients in one thread: what its parts share. Times: nanoseconds of CLOCK_MONOTONIC. */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_KEY "\"mark\":"
#define STAMP_DIGITS 19
#define NUMBER_DIGITS 10
#define SLOTS 65536 /* events whose receivers are counted at one time, far more than are in flight */

/* --- histogram.c: latencies in buckets 1.6 % wide -------------------------------------------------- */

#define BUCKETS (64 * 64)

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total;
    uint64_t most;
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);
/* The value below which that share of all lies, from 0 to 1; the upper edge of its bucket, at most `most`. */
uint64_t histogram_quantile(const struct histogram *h, double share);

/* --- feed.c: one connection to whoever takes what is published ---------------------------------------- */

bool feed_open(const char *host, int port);
void feed_close(void);
int feed_fd(void); /* -1 while there is none */
bool feed_template(const char *hex);
/* Kinds: "stamp" and "number" are decimal digits, "u32" and "u64" the number and "f64" the epoch's seconds,
   the last three big-endian. */
bool feed_patch(size_t offset, const char *kind);
void feed_publish(uint64_t number); /* queued, with the stamp of this moment, until feed_flush */
bool feed_flush(void);
void feed_drain(void); /* reads and drops the answers */

/* --- client.c: the clients ---------------------------------------------------------------------------- */

struct client {
    int fd;
    uint8_t stage; /* enum stage */
    uint8_t said;  /* lines of the script that have been sent */
    bool greeted, joined;
    uint32_t carried; /* bytes of a frame that has not come whole */
    uint8_t *carry;
    uint64_t last; /* number of the last event, 0 before the first */
};

enum stage { CLOSED, CONNECTING, UPGRADING, OPEN };

struct line {
    char *expected; /* the start of a text after which `text` is sent; empty: right after the upgrade */
    char *text;
};

#define LINES 8

struct script {
    char host[64];
    int port;
    char *request; /* the whole HTTP upgrade request */
    char *greeting, *joining; /* a part of the text that makes it so; empty: the upgrade does */
    struct line lines[LINES];
    int length;
};

/* Counters of the window of measurement under way. */
struct counters {
    uint64_t deliveries, bytes, others, reads; /* bytes: payload of the events */
    uint64_t completed;                        /* events that every member has got */
};

/* Counters since the program began: nothing that goes wrong is forgotten between two windows. */
struct totals {
    uint64_t deliveries, pings;
    uint64_t losses, duplicates; /* numbers left out; numbers that came again or back */
    uint64_t closes;             /* connections that were closed on us, the refused ones too */
    uint64_t newest;             /* the newest event that every member has got */
};

extern struct script script;
extern struct counters counters;
extern struct totals totals;
extern struct histogram latencies;
extern struct client *clients;
extern int connections; /* how many were asked for */
extern int greeted, joined, alive, settled; /* settled: joined or failed */
extern uint64_t last_greeted_at, last_joined_at;

uint64_t now_ns(void);
bool client_start(struct client *c, int epoll, uint64_t first);
void client_ready(struct client *c, int epoll, uint32_t events);
void client_end(struct client *c);
void slots_clear(void);
/* Called with the number of each event that the last member has just got. */
extern void (*on_complete)(uint64_t number);

#endif
