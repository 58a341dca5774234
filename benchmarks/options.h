/* What the load generator is told to do. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "load --port N[,N...] [--dialect plain | --dialect chatbox --people FILE] [--connections N] [--senders N] [--groups N]\n"
    "     [--flight N | --rate N] [--poll SECONDS] [--tls FILE] [--warmup SECONDS] [--seconds SECONDS] [--pid N[,N...]]\n"
    "     [--handshakes N] [--hold]\n"
    "Connection i is in group i modulo the groups; the first so many connections send. --flight: messages that each\n"
    "sender waits for at a time. --rate: instead, messages per second of all senders together, sent when they are\n"
    "due whatever comes back. --poll: no WebSockets; each connection asks for what is new every so many seconds over\n"
    "HTTP, and senders post over HTTP; needs the chatbox dialect and a rate. --tls: over TLS, trusting the\n"
    "certificates in this file alone. --port: of several, connection i takes the one at i modulo their number. --pid: the servers, for the CPU of each. --handshakes: connections being made at a\n"
    "time. --people: lines of \"token room\", taken in turn; all in a group must be in the same room. --seconds 0\n"
    "only connects; --hold keeps the connections until stdin ends.";

#define MOST_PORTS 16
#define MOST_PIDS 128

static struct {
    bool chatbox, hold;
    unsigned ports[MOST_PORTS], port_count, connections, senders, groups, flight, handshakes;
    double rate, poll, warmup, seconds;
    int pids[MOST_PIDS];
    unsigned pid_count;
    const char *people, *trusted;
} options = {.connections = 10, .senders = 1, .groups = 1, .flight = 1, .handshakes = 64, .warmup = 1, .seconds = 3};

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static void read_ports(char *list) {
    for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
        if (options.port_count == MOST_PORTS) die("too many ports");
        options.ports[options.port_count++] = (unsigned)atoi(word);
    }
}

static void read_pids(char *list) {
    for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
        if (options.pid_count == MOST_PIDS) die("too many servers");
        options.pids[options.pid_count++] = atoi(word);
    }
}

static void read_options(int count, char **words) {
    static const struct option names[] = {
        {"port", 1, 0, 'p'}, {"dialect", 1, 0, 'd'}, {"people", 1, 0, 'P'}, {"connections", 1, 0, 'c'},
        {"senders", 1, 0, 's'}, {"groups", 1, 0, 'g'}, {"flight", 1, 0, 'f'}, {"rate", 1, 0, 'r'},
        {"poll", 1, 0, 'l'}, {"tls", 1, 0, 'T'}, {"warmup", 1, 0, 'w'}, {"seconds", 1, 0, 't'},
        {"pid", 1, 0, 'i'}, {"handshakes", 1, 0, 'h'}, {"hold", 0, 0, 'H'}, {0}};
    for (int name; (name = getopt_long(count, words, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': read_ports(optarg); break;
        case 'd': options.chatbox = !strcmp(optarg, "chatbox"); break;
        case 'P': options.people = optarg; break;
        case 'c': options.connections = (unsigned)atoi(optarg); break;
        case 's': options.senders = (unsigned)atoi(optarg); break;
        case 'g': options.groups = (unsigned)atoi(optarg); break;
        case 'f': options.flight = (unsigned)atoi(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'l': options.poll = atof(optarg); break;
        case 'T': options.trusted = optarg; break;
        case 'w': options.warmup = atof(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'i': read_pids(optarg); break;
        case 'h': options.handshakes = (unsigned)atoi(optarg); break;
        case 'H': options.hold = true; break;
        default: die("%s", usage);
        }
    }
    if (!options.port_count || !options.connections || !options.groups || !options.handshakes) die("%s", usage);
    if (options.senders > options.connections || options.senders > 65535) die("too many senders");
    if (options.chatbox && !options.people) die("the chatbox dialect needs --people");
    if (options.poll > 0 && !(options.chatbox && options.rate > 0)) die("--poll needs the chatbox dialect and a --rate");
}

#endif
