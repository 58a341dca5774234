/* The same client without WebSockets: it asks over HTTP what is new, and posts over HTTP (docs/api.md). */
#ifndef POLL_H
#define POLL_H

#include "client.h"

static uint64_t replies, errors;

static void take_texts(Client *client, const char *payload, size_t size);

/* Requests are as short as they can be: a browser adds some hundred bytes of headers to each. */
static void request(Client *client, const char *command, const char *body) {
    char head[512];
    int length = snprintf(head, sizeof head,
        "POST /api/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
        command, port_of(client), client->token, strlen(body));
    append(client, head, (size_t)length);
    append(client, body, strlen(body));
}

static void ask(Client *client) {
    char body[96];
    snprintf(body, sizeof body, "{\"room\":%s,\"after\":%llu,\"limit\":500}", client->room,
             (unsigned long long)client->position);
    client->asking = true;
    request(client, "room.changes", body);
}

/* `{"messages":[…],"to":N,"head":N,"more":false}`, or the answer to a post, which tells nothing. */
static void response_came(Client *client, const char *body, size_t size) {
    static const char begin[] = "{\"messages\":";
    if (size < sizeof begin || memcmp(body, begin, sizeof begin - 1)) return;
    const char *tail = size > 96 ? body + size - 96 : body;
    const char *to = memmem(tail, (size_t)(body + size - tail), "\"to\":", 5);
    if (!to) die("an answer tells no position: %.*s", (int)size, body);
    take_texts(client, body, size);
    client->position = strtoull(to + 5, NULL, 10);
    client->asking = false;
    if (memmem(to, (size_t)(body + size - to), "\"more\":true", 11)) ask(client);
}

static size_t take_responses(Client *client, const char *data, size_t size) {
    static const char length_name[] = "\r\nContent-Length: ";
    size_t at = 0;
    const char *end;
    while (client->state != CLOSED && (end = memmem(data + at, size - at, "\r\n\r\n", 4))) {
        size_t head = (size_t)(end - data) - at + 4;
        const char *length = memmem(data + at, head, length_name, sizeof length_name - 1);
        if (!length) die("an answer tells no length: %.*s", (int)head, data + at);
        size_t body = strtoull(length + sizeof length_name - 1, NULL, 10);
        if (size - at - head < body) break;
        replies++;
        if (!memcmp(data + at, "HTTP/1.1 200", 12)) response_came(client, data + at + head, body);
        else if (!errors++) fprintf(stderr, "load: the server refused: %.*s\n", (int)(head + body), data + at);
        at += head + body;
    }
    return at;
}

#endif
