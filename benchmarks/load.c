/*
 * The load client: holds many WebSockets in one thread (epoll) and checks every frame that arrives.
 *
 *   load PORT hq|ws|socketio SOCKETS
 *
 * SOCKETS is a file with a line per socket: token, mission, stream (0..15), newest number of that
 * stream. Commands on standard input, an answer in JSON on standard output for each:
 *
 *   report STEP   what arrived with that step's mark, and what was wrong since the start
 *   quit
 *
 * The first line out is {"ready","dead","seconds"}, when every socket is subscribed or refused.
 *
 * Of every update it checks: mission and epoch are those that the socket subscribed to; the number
 * is the last one plus 1 (else a hole); the socket's stream is among those that the update's mark
 * names (else a leak). A mark is TIME-STEP-STREAMS: 19 digits of nanoseconds on CLOCK_MONOTONIC
 * when the update was due, 3 digits, 16 bits as 4 hexadecimal digits. A latency ends before the
 * frame is read, so that this program's own checks do not shorten it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 1000, BUCKETS = 28 * 64, CONNECTING_AT_ONCE = 64, READ = 256 * 1024 };
enum state { IDLE, CONNECTING, HANDSHAKE, JOINING, READY, DEAD };
enum dialect { HQ, WS, SOCKETIO };

struct client {
    int fd;
    enum state state;
    unsigned stream;
    char *token, *mission;
    char prefix[192]; /* what each update starts with, up to its number */
    int prefix_length;
    char key[8]; /* Socket.IO: the stream's key in the map of numbers */
    int key_length;
    int64_t newest;
    unsigned char *rest; /* an unfinished frame */
    size_t rest_length, rest_room;
};

struct step {
    uint64_t count;
    int64_t first, last, longest;
    uint32_t histogram[BUCKETS];
};

static struct client *clients;
static struct step *steps;
static enum dialect dialect;
static int total, port, poll_fd, ready, dead, opening;
static uint64_t holes, leaks, strange, checked;
static size_t usual_mark; /* where the mark was last time, counted from the number */
static unsigned char buffer[2 * READ + 70000];

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Microseconds to a bucket: exact below 64, then 64 buckets for each doubling (1.6 %). */
static int bucket_of(uint64_t us) {
    if (us < 64) return (int)us;
    int power = 63 - __builtin_clzll(us);
    int index = (power - 5) * 64 + (int)((us >> (power - 6)) & 63);
    return index >= BUCKETS ? BUCKETS - 1 : index;
}

static double milliseconds_of(int index) {
    if (index < 64) return index / 1000.0;
    return (double)((64ULL + (unsigned)index % 64) << (index / 64 - 1)) / 1000.0;
}

static double percentile(const struct step *step, double share) {
    uint64_t wanted = (uint64_t)((double)step->count * share), seen = 0;
    for (int index = 0; index < BUCKETS; index++) {
        seen += step->histogram[index];
        if (seen > wanted) return milliseconds_of(index);
    }
    return (double)step->longest / 1e6;
}

static void drop(struct client *c, const char *why) {
    static int said;
    if (c->state == DEAD) return;
    if (said++ < 3) fprintf(stderr, "a socket ended: %s\n", why);
    if (c->state == READY) ready--;
    else opening--;
    dead++;
    c->state = DEAD;
    close(c->fd);
}

static void send_frame(struct client *c, int opcode, const char *data, size_t length) {
    unsigned char frame[4200] = {(unsigned char)(0x80 | opcode)};
    size_t head = 2;
    if (length > 4096) return drop(c, "a frame too long to send");
    if (length < 126) {
        frame[1] = (unsigned char)(0x80 | length);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        head = 4;
    }
    memset(frame + head, 0, 4); /* the mask */
    memcpy(frame + head + 4, data, length);
    size_t whole = head + 4 + length;
    if (write(c->fd, frame, whole) != (ssize_t)whole) drop(c, "it takes no frames");
}

static void begin(struct client *c) {
    int yes = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->state = CONNECTING;
    opening++;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        drop(c, "connecting failed");
}

static void shake_hands(struct client *c) {
    char head[6000], target[160], bearer[4400] = "";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return drop(c, strerror(error));
    if (dialect == SOCKETIO) {
        snprintf(target, sizeof target, "/socket.io/?EIO=4&transport=websocket");
    } else {
        snprintf(target, sizeof target, "/missions?missions=%s", c->mission);
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", c->token);
    }
    int length = snprintf(head, sizeof head,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                          target, port, bearer);
    if (write(c->fd, head, (size_t)length) != length) return drop(c, "it takes no request");
    c->state = HANDSHAKE;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static const unsigned char *find(const unsigned char *in, const unsigned char *end, const char *what) {
    return end > in ? memmem(in, (size_t)(end - in), what, strlen(what)) : NULL;
}

static int64_t number(const unsigned char **at, const unsigned char *end) {
    int64_t value = 0;
    while (*at < end && **at >= '0' && **at <= '9') value = value * 10 + *(*at)++ - '0';
    return value;
}

/* `subscribed`: its epoch is part of each update's prefix, its number is where counting starts. */
static void joined(struct client *c, const unsigned char *text, const unsigned char *end) {
    const unsigned char *epoch = find(text, end, "\"epoch\":\""), *newest = find(text, end, "\"seq\":");
    if (!epoch || !newest || !find(text, end, c->mission)) return drop(c, "not what was asked for");
    epoch += strlen("\"epoch\":\"");
    newest += strlen("\"seq\":");
    const unsigned char *quote = memchr(epoch, '"', (size_t)(end - epoch));
    if (!quote || quote - epoch > 64) return drop(c, "an epoch without an end");
    if (dialect == HQ && number(&newest, end) != c->newest) return drop(c, "not the newest number");
    c->prefix_length = snprintf(c->prefix, sizeof c->prefix,
                                "%s{\"type\":\"update\",\"mission\":\"%s\",\"epoch\":\"%.*s\",\"seq\":",
                                dialect == SOCKETIO ? "42[\"update\"," : "", c->mission,
                                (int)(quote - epoch), (const char *)epoch);
    c->state = READY;
    opening--;
    ready++;
}

static void received(struct client *c, const unsigned char *text, size_t length, int64_t at) {
    const unsigned char *end = text + length, *place = text + c->prefix_length, *mark;
    if (length <= (size_t)c->prefix_length || memcmp(text, c->prefix, (size_t)c->prefix_length)) {
        if (find(text, end, "\"update\"")) strange++; /* of another mission or epoch */
        return;
    }
    if (dialect == SOCKETIO) { /* the numbers of all streams that it went to */
        const unsigned char *close = memchr(place, '}', (size_t)(end - place));
        const unsigned char *own = close ? find(place, close, c->key) : NULL;
        if (!own) { leaks++; return; }
        place = own + c->key_length;
    }
    int64_t seq = number(&place, end);
    if (seq != c->newest + 1) holes++;
    c->newest = seq;
    static const char label[] = "\"mark\":\"";
    enum { LABEL = sizeof label - 1, MARK = 19 + 1 + 3 + 1 + 4 };
    mark = place + usual_mark;
    if (mark + LABEL + MARK > end || memcmp(mark, label, LABEL)) {
        mark = find(place, end, label);
        if (!mark || mark + LABEL + MARK > end) { strange++; return; }
        usual_mark = (size_t)(mark - place);
    }
    mark += LABEL;
    const unsigned char *digits = mark;
    int64_t sent = number(&digits, mark + 19);
    digits = mark + 20;
    int64_t which = number(&digits, mark + 23);
    unsigned streams = 0;
    for (int i = 24; i < 28; i++)
        streams = streams << 4 | (unsigned)(mark[i] <= '9' ? mark[i] - '0' : mark[i] - 'a' + 10);
    if (!(streams >> c->stream & 1)) leaks++;
    checked++;
    struct step *step = &steps[which];
    int64_t took = at > sent ? at - sent : 0;
    if (!step->count++) step->first = at;
    step->last = at;
    if (took > step->longest) step->longest = took;
    step->histogram[bucket_of((uint64_t)took / 1000)]++;
}

static void message(struct client *c, const unsigned char *text, size_t length, int64_t at) {
    if (c->state == READY) {
        if (dialect == SOCKETIO && length == 1 && text[0] == '2') send_frame(c, 1, "3", 1);
        else received(c, text, length, at);
    } else if (dialect == SOCKETIO && length && text[0] == '0') {
        char connect[4096];
        int size = snprintf(connect, sizeof connect, "40{\"token\":\"%s\",\"mission\":\"%s\"}",
                            c->token, c->mission);
        send_frame(c, 1, connect, (size_t)size);
    } else if (find(text, text + length, "subscribed\"")) {
        joined(c, text, text + length);
    } else if (find(text, text + length, "auth_failed")) {
        drop(c, "the token was refused");
    }
}

/* Takes whole frames from the front; returns how many bytes they had. */
static size_t take(struct client *c, unsigned char *data, size_t length, int64_t at) {
    size_t done = 0;
    if (c->state == HANDSHAKE) {
        unsigned char *end = memmem(data, length, "\r\n\r\n", 4);
        if (!end) return 0;
        if (memcmp(data, "HTTP/1.1 101", 12)) {
            fprintf(stderr, "%.*s\n", (int)(length > 300 ? 300 : length), (char *)data);
            drop(c, "the handshake was refused");
            return length;
        }
        done = (size_t)(end + 4 - data);
        c->state = JOINING;
    }
    while (length - done >= 2 && c->state != DEAD) {
        unsigned char *frame = data + done;
        size_t head = 2, size = frame[1] & 127, left = length - done;
        if (size == 126) {
            if (left < 4) break;
            size = (size_t)frame[2] << 8 | frame[3];
            head = 4;
        } else if (size == 127) {
            if (left < 10) break;
            size = 0;
            for (int i = 2; i < 10; i++) size = size << 8 | frame[i];
            head = 10;
        }
        if (left < head + size) break;
        switch (frame[0] & 15) {
        case 1: message(c, frame + head, size, at); break;
        case 9: send_frame(c, 10, (char *)frame + head, size); break;
        case 8: drop(c, size > 2 ? (frame[head + size] = 0, (char *)frame + head + 2) : "closed"); break;
        }
        done += head + size;
    }
    return done;
}

static void readable(struct client *c) {
    memcpy(buffer, c->rest, c->rest_length);
    ssize_t got = read(c->fd, buffer + c->rest_length, READ);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        return drop(c, got ? strerror(errno) : "the server hung up");
    }
    size_t length = c->rest_length + (size_t)got, done = take(c, buffer, length, now());
    size_t left = c->state == DEAD ? 0 : length - done;
    if (left > READ) return drop(c, "a frame too long to read");
    if (left > c->rest_room) c->rest = realloc(c->rest, c->rest_room = left);
    memcpy(c->rest, buffer + done, left);
    c->rest_length = left;
}

static void report(int which) {
    struct step *step = &steps[which];
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    printf("{\"count\":%lu,\"first_ns\":%ld,\"last_ns\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"max_ms\":%.3f,\"cpu_seconds\":%.3f,\"ready\":%d,\"dead\":%d,\"holes\":%lu,"
           "\"leaks\":%lu,\"strange\":%lu,\"checked\":%lu}\n",
           step->count, step->first, step->last, percentile(step, .5), percentile(step, .99),
           (double)step->longest / 1e6, cpu, ready, dead, holes, leaks, strange, checked);
}

static int load_sockets(const char *path) {
    FILE *file = fopen(path, "r");
    char token[4200], mission[80];
    if (!file) return 0;
    while (1) {
        struct client c = {.state = IDLE, .rest = malloc(1), .rest_room = 1};
        if (fscanf(file, "%4199s %79s %u %ld", token, mission, &c.stream, &c.newest) != 4) break;
        c.token = strdup(token);
        c.mission = strdup(mission);
        c.key_length = snprintf(c.key, sizeof c.key, "\"%u\":", c.stream & 15);
        clients = realloc(clients, (size_t)(total + 1) * sizeof *clients);
        clients[total++] = c;
    }
    fclose(file);
    return total;
}

int main(int count, char **words) {
    if (count != 4 || !load_sockets(words[3])) return 2;
    port = atoi(words[1]);
    dialect = words[2][0] == 'h' ? HQ : words[2][0] == 'w' ? WS : SOCKETIO;
    steps = calloc(STEPS, sizeof *steps);
    poll_fd = epoll_create1(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct epoll_event events[1024], commands = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &commands);
    int64_t started = now();
    int begun = 0, announced = 0;
    while (1) {
        while (begun < total && opening < CONNECTING_AT_ONCE) begin(&clients[begun++]);
        int many = epoll_wait(poll_fd, events, 1024, 1000);
        for (int i = 0; i < many; i++) {
            struct client *c = events[i].data.ptr;
            if (!c) {
                char line[64];
                int which;
                /* One command at a time: the next is written only after the answer to this one. */
                if (!fgets(line, sizeof line, stdin) || line[0] == 'q') return 0;
                if (sscanf(line, "report %d", &which) == 1 && which >= 0 && which < STEPS)
                    report(which);
            } else if (c->state == CONNECTING) {
                shake_hands(c);
            } else if (c->state != DEAD) {
                readable(c);
            }
        }
        if (!announced && ready + dead == total) {
            announced = 1;
            printf("{\"ready\":%d,\"dead\":%d,\"seconds\":%.3f}\n", ready, dead,
                   (double)(now() - started) / 1e9);
        }
    }
}
