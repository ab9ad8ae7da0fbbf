/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/command.h. One function for each subcommand, with the options it has. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/check-run.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/complain.h"
#include "ctl/events.h"
#include "ctl/examine-view.h"
#include "ctl/examine.h"
#include "ctl/metrics-run.h"
#include "ctl/text.h"
#include "ctl/view.h"
#include "ctl/watch.h"
#include "lib/version.h"
#include "msg.h"
#include "socket/client.h"

struct command;

struct request {
	const struct ctl_paths *paths;
	const struct command *command;
	bool manager;
	bool json;
	bool check;
	bool follow;
	bool prometheus;
	const char *output;
	int timeout_ms;
	unsigned interval_ms;
	char **name; /* containers as the user gave them */
	unsigned names;
};

struct command {
	const char *name;
	const char *usage;
	const char *options; /* the long ones it knows, as their short letters */
	int (*run)(const struct request *r);
	int timeout_ms; /* if none is given */
	int usage_code; /* for wrong usage */
	int failure;    /* if the output cannot be written */
};

/* ---- messages ---- */

static int usage_error(const struct request *r, const char *what)
{
	fprintf(stderr, "mdmonctl %s: %s\nTry 'mdmonctl %s --help'.\n", r->command->name, what, r->command->name);
	return r->command->usage_code;
}

static bool use_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* Output that could not be written (a full disk, say) is a failure. */
static int finish_output(int code, int failure)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	complain("standard output", strerror(errno));
	return failure;
}

/* ---- ping ---- */

static const char ping_usage[] =
	"Usage: mdmonctl ping [--manager] [--timeout SECONDS] CONTAINER\n"
	"\n"
	"Asks whether the mdmon of a container works, and waits until everything that it\n"
	"was asked for before is done.\n"
	"\n"
	"  -m, --manager          ask only the thread that serves clients, not the one that\n"
	"                         answers the kernel\n"
	"  -t, --timeout SECONDS  wait no longer than this (default: 20)\n"
	"  -h, --help             this text\n";

static int ping_container(const struct request *r, const char *container)
{
	struct client_ping ping;

	client_ping(r->paths, container, r->manager ? MSG_PING_MANAGER : MSG_PING_MONITOR, r->timeout_ms, &ping);
	if (ping.err) {
		complain(container, ping.problem);
		return CTL_NO_ANSWER;
	}
	printf("%s: answered in %.2f ms", container, (double)ping.took_us / 1000);
	if (ping.version[0])
		printf(" (%s)", ping.version);
	printf("\n");
	return CTL_OK;
}

static int run_ping(const struct request *r)
{
	char container[MD_NAME_MAX];
	int err;

	if (!r->names)
		return usage_error(r, "which container? Name one, for instance md127");
	if (r->names > 1)
		return usage_error(r, "one container only");
	err = ctl_container_resolve(r->paths, r->name[0], container);
	if (err) {
		complain(r->name[0], ctl_container_error(err));
		return CTL_NO_ANSWER;
	}
	return ping_container(r, container);
}

/* ---- status ---- */

static const char status_usage[] =
	"Usage: mdmonctl status [--json] [--timeout SECONDS] [CONTAINER]...\n"
	"\n"
	"Shows what the mdmon of each container knows about its volumes, disks and\n"
	"metadata. Without CONTAINER: all that run, and those that should but do not.\n"
	"\n"
	"  -j, --json             print an array of the objects that the daemons sent\n"
	"  -t, --timeout SECONDS  wait no longer than this for each (default: 20)\n"
	"  -h, --help             this text\n";

struct answers {
	json_t *array; /* --json: what will be printed; else NULL */
	struct view_options opt;
	unsigned blocks; /* printed */
	int code;
};

static void print_block(struct answers *rep, char *block)
{
	if (!block) {
		complain("status", strerror(ENOMEM));
		rep->code = CTL_NO_ANSWER;
		return;
	}
	if (rep->blocks++)
		putchar('\n');
	fputs(block, stdout);
	free(block);
}

static void report_failure(struct answers *rep, const char *about, const char *why)
{
	complain(about, why);
	rep->code = CTL_NO_ANSWER;
}

/* The JSON for a daemon that answers a ping but tells no status. */
static json_t *mute_object(const char *container)
{
	return json_pack("{s:i, s:s, s:n}", "schema", CLIENT_SCHEMA, "container", container, "version");
}

/* Objects of other schemas are passed on: the reader of JSON is to look at "schema". */
static void report_json(struct answers *rep, const char *container, struct client_status *status)
{
	json_t *object = status->mute ? mute_object(container) : json_incref(status->object);

	if (!object)
		report_failure(rep, container, status->problem);
	else if (json_array_append_new(rep->array, object) < 0)
		report_failure(rep, container, strerror(ENOMEM));
}

static void report_text(struct answers *rep, const char *container, const struct client_status *status)
{
	if (status->mute)
		print_block(rep, view_problem(container, status->problem, &rep->opt));
	else if (status->problem[0])
		report_failure(rep, container, status->problem);
	else
		print_block(rep, view_status(container, status->object, &rep->opt));
}

static void report_container(const struct request *r, struct answers *rep, const char *container)
{
	struct client_status status;

	client_status(r->paths, container, r->timeout_ms, &status);
	if (rep->array)
		report_json(rep, container, &status);
	else
		report_text(rep, container, &status);
	client_status_free(&status);
}

static void report_named(const struct request *r, struct answers *rep)
{
	char container[MD_NAME_MAX];

	for (unsigned i = 0; i < r->names; i++) {
		int err = ctl_container_resolve(r->paths, r->name[i], container);

		if (err)
			report_failure(rep, r->name[i], ctl_container_error(err));
		else
			report_container(r, rep, container);
	}
}

static void report_all(const struct request *r, struct answers *rep)
{
	struct ctl_containers list;
	int err = ctl_containers_read(r->paths, &list);

	if (err) {
		report_failure(rep, r->paths->run, strerror(-err));
		return;
	}
	if (!list.count && !rep->array)
		printf("No mdmon runs, and none is needed.\n");
	for (size_t i = 0; i < list.count; i++)
		report_container(r, rep, list.name[i]);
	ctl_containers_free(&list);
}

/* Only ASCII, so that nothing in it can steer a terminal. */
static void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

static int run_status(const struct request *r)
{
	struct answers rep = { .opt = { .width = output_width(), .colour = use_colour() } };

	if (r->json) {
		rep.array = json_array();
		if (!rep.array) {
			complain("status", strerror(ENOMEM));
			return CTL_NO_ANSWER;
		}
	}
	if (r->names)
		report_named(r, &rep);
	else
		report_all(r, &rep);
	if (rep.array)
		print_json(rep.array);
	json_decref(rep.array);
	return rep.code;
}

/* ---- watch ---- */

static const char watch_usage[] =
	"Usage: mdmonctl watch [--interval SECONDS] [CONTAINER]...\n"
	"\n"
	"Shows the same as 'mdmonctl status', again whenever it has changed. q or ctrl-C\n"
	"ends it. If the output is no terminal each change is printed as a new block.\n"
	"\n"
	"  -i, --interval SECONDS  how often to ask (default: 1)\n"
	"  -h, --help              this text\n";

static int run_watch(const struct request *r)
{
	const struct watch w = {
		.paths = r->paths,
		.name = r->name,
		.names = r->names,
		.interval_ms = r->interval_ms,
		.colour = use_colour(),
	};

	return watch_run(&w);
}

/* ---- examine ---- */

static const char examine_usage[] =
	"Usage: mdmonctl examine [--json] DEVICE|IMAGE...\n"
	"\n"
	"Shows the IMSM or DDF metadata on these disks, or images of disks in files: all\n"
	"copies side by side, and which one counts. Needs no daemon, and writes nothing.\n"
	"\n"
	"  -j, --json  print an object for programs\n"
	"  -h, --help  this text\n"
	"\n"
	"Exit status: 0 all of it was read, is whole and agrees, 1 not so.\n";

static int run_examine(const struct request *r)
{
	struct answers rep = { .opt = { .width = output_width(), .colour = use_colour() } };
	const json_t *device, *set, *devices;
	json_t *object;
	size_t i;

	if (!r->names)
		return usage_error(r, "which disks? Name one or more, for instance /dev/sda");
	object = examine_devices(r->paths, (const char *const *)r->name, r->names);
	if (!object) {
		complain("examine", strerror(ENOMEM));
		return CTL_NO_ANSWER;
	}
	devices = json_object_get(object, "devices");
	json_array_foreach (devices, i, device)
		if (json_is_string(json_object_get(device, "problem")))
			report_failure(&rep, r->name[i], json_string_value(json_object_get(device, "problem")));
	if (r->json)
		print_json(object);
	else
		json_array_foreach (json_object_get(object, "sets"), i, set)
			print_block(&rep, examine_view(set, devices, &rep.opt));
	if (!json_is_true(json_object_get(object, "healthy")))
		rep.code = CTL_NO_ANSWER;
	json_decref(object);
	return rep.code;
}

/* ---- check ---- */

static const char check_usage[] =
	"Usage: mdmonctl check [--json] [--timeout SECONDS] [CONTAINER]...\n"
	"\n"
	"Says what is wrong with these containers, or with all, and what to do about it: a\n"
	"summary for monitoring, then one line for each finding. Changes nothing.\n"
	"\n"
	"  -j, --json             print an object for programs\n"
	"  -t, --timeout SECONDS  wait no longer than this for each daemon, and for the\n"
	"                         disks (default: 3)\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit status: 0 nothing is wrong, 1 warning, 2 critical, 3 not all could be found\n"
	"out, or wrong usage.\n";

/* For a reader that is no person a finding is one line. */
static int run_check(const struct request *r)
{
	const struct check_request c = {
		.paths = r->paths,
		.name = r->name,
		.names = r->names,
		.timeout_ms = r->timeout_ms,
		.json = r->json,
		.view = { .width = isatty(STDOUT_FILENO) ? output_width() : 0, .colour = use_colour() },
	};

	return (int)check_run(&c);
}

/* ---- metrics ---- */

static const char metrics_usage[] =
	"Usage: mdmonctl metrics [--check] [--prometheus] [--output FILE] [--timeout SECONDS]\n"
	"                        [CONTAINER]...\n"
	"\n"
	"Tells monitoring how these containers are, or all, as OpenMetrics text.\n"
	"\n"
	"  -c, --check            what 'mdmonctl check' finds, too; this reads the disks\n"
	"  -p, --prometheus       in the older text format of Prometheus, for the textfile\n"
	"                         directory of node_exporter\n"
	"  -o, --output FILE      write to this file, whose readers see all of it or the old one\n"
	"  -t, --timeout SECONDS  wait no longer than this for each daemon, and for the\n"
	"                         disks (default: 3)\n"
	"  -h, --help             this text\n"
	"\n"
	"A daemon that does not run is told, too (mdmon_up 0), and no failure.\n";

static int run_metrics(const struct request *r)
{
	const struct metrics_request m = {
		.paths = r->paths,
		.name = r->name,
		.names = r->names,
		.timeout_ms = r->timeout_ms,
		.check = r->check,
		.format = r->prometheus ? METRICS_PROMETHEUS : METRICS_OPENMETRICS,
		.output = r->output,
	};

	if (r->output && !*r->output)
		return usage_error(r, "--output takes the name of a file");
	return metrics_run(&m) ? CTL_OK : CTL_NO_ANSWER;
}

/* ---- events ---- */

static const char events_usage[] =
	"Usage: mdmonctl events [--follow] [--interval SECONDS] [--json] [--timeout SECONDS]\n"
	"                       [CONTAINER]...\n"
	"\n"
	"Shows what the mdmon of these containers, or of all, has seen and done since it\n"
	"started: the last 256 events of each, by time.\n"
	"\n"
	"  -f, --follow            go on with those that come\n"
	"  -i, --interval SECONDS  how often to ask for them (default: 1)\n"
	"  -j, --json              print an array of objects; with --follow, one object a line\n"
	"  -t, --timeout SECONDS   wait no longer than this for each (default: 20)\n"
	"  -h, --help              this text\n";

static int run_events(const struct request *r)
{
	const struct events_request e = {
		.paths = r->paths,
		.name = r->name,
		.names = r->names,
		.timeout_ms = r->timeout_ms,
		.follow = r->follow,
		.interval_ms = r->interval_ms,
		.json = r->json,
		.colour = use_colour(),
	};

	return events_run(&e) ? CTL_OK : CTL_NO_ANSWER;
}

/* ---- the command line ---- */

static const char main_usage[] =
	"Usage: mdmonctl COMMAND [OPTION]... [CONTAINER|DISK]...\n"
	"\n"
	"Asks mdmon, the daemon that looks after an md container, how it is, or looks at\n"
	"the metadata on disks.\n"
	"\n"
	"Commands:\n"
	"  ping     does it answer?\n"
	"  status   volumes, disks, metadata, stalls\n"
	"  watch    the same, as it changes\n"
	"  check    what is wrong, and what to do about it; for monitoring, too\n"
	"  events   what it has seen and done\n"
	"  metrics  figures for monitoring systems, as OpenMetrics text\n"
	"  examine  what disks or images of disks hold; needs no daemon\n"
	"\n"
	"  -h, --help     this text; with a command, its options\n"
	"  -V, --version  version of this program\n"
	"\n"
	"CONTAINER is a name like md127, /dev/md127 or imsm0 (/dev/md/imsm0).\n"
	"\n"
	"Exit status: 0 all is told, 1 a daemon does not run or did not answer,\n"
	"or what was examined is not whole, 2 wrong usage. Of check: 0 OK, 1 warning,\n"
	"2 critical, 3 unknown or wrong usage.\n";

static const struct command commands[] = {
	{ "ping", ping_usage, "mth", run_ping, CLIENT_TIMEOUT_MS, CTL_USAGE, CTL_NO_ANSWER },
	{ "status", status_usage, "jth", run_status, CLIENT_TIMEOUT_MS, CTL_USAGE, CTL_NO_ANSWER },
	{ "watch", watch_usage, "ih", run_watch, 0, CTL_USAGE, CTL_NO_ANSWER },
	{ "check", check_usage, "jth", run_check, CHECK_TIMEOUT_MS, CHECK_UNKNOWN, CHECK_UNKNOWN },
	{ "events", events_usage, "fijth", run_events, CLIENT_TIMEOUT_MS, CTL_USAGE, CTL_NO_ANSWER },
	{ "metrics", metrics_usage, "cpoth", run_metrics, METRICS_TIMEOUT_MS, CTL_USAGE, CTL_NO_ANSWER },
	{ "examine", examine_usage, "jh", run_examine, 0, CTL_USAGE, CTL_NO_ANSWER },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct option all_options[] = {
	{ "manager", no_argument, NULL, 'm' },	     { "json", no_argument, NULL, 'j' },
	{ "timeout", required_argument, NULL, 't' }, { "interval", required_argument, NULL, 'i' },
	{ "check", no_argument, NULL, 'c' },	     { "prometheus", no_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },  { "follow", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
};
#define OPTIONS (sizeof(all_options) / sizeof(all_options[0]))

/* The options of the command, in the two forms that getopt_long takes. */
static void select_options(const struct command *c, struct option *longopts, char *shortopts)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!strchr(c->options, all_options[i].val))
			continue;
		*longopts++ = all_options[i];
		*shortopts++ = (char)all_options[i].val;
		if (all_options[i].has_arg)
			*shortopts++ = ':';
	}
	*longopts = (struct option){ 0 };
	*shortopts = '\0';
}

/* Seconds, perhaps with a fraction, from a millisecond to a day. 0 if it is something else. */
static unsigned parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isfinite(seconds) || seconds < 0.001 || seconds > 86400)
		return 0;
	return (unsigned)(seconds * 1000);
}

static int take_seconds(const struct request *r, const char *option, const char *text, unsigned *ms)
{
	char what[CLIENT_TEXT_MAX], given[64];

	*ms = parse_seconds(text);
	if (*ms)
		return CTL_OK;
	text_sanitize(given, sizeof(given), text);
	snprintf(what, sizeof(what), "%s takes seconds, from 0.001 to 86400, not '%s'", option, given);
	return usage_error(r, what);
}

/* What one option means. Returns an exit code, or -1 to go on. */
static int take_option(struct request *r, int c, const char *arg)
{
	unsigned ms = 0;
	int code = CTL_OK;

	switch (c) {
	case 'm':
		r->manager = true;
		break;
	case 'j':
		r->json = true;
		break;
	case 't':
		code = take_seconds(r, "--timeout", arg, &ms);
		r->timeout_ms = (int)ms;
		break;
	case 'i':
		code = take_seconds(r, "--interval", arg, &ms);
		r->interval_ms = ms;
		break;
	case 'c':
		r->check = true;
		break;
	case 'f':
		r->follow = true;
		break;
	case 'p':
		r->prometheus = true;
		break;
	case 'o':
		r->output = arg;
		break;
	case 'h':
		fputs(r->command->usage, stdout);
		return CTL_OK;
	default: /* getopt has said what is wrong */
		fprintf(stderr, "Try 'mdmonctl %s --help'.\n", r->command->name);
		return r->command->usage_code;
	}
	return code == CTL_OK ? -1 : code;
}

/* argv[0] is the command. */
static int run_command(const struct ctl_paths *paths, const struct command *command, int argc, char **argv)
{
	struct request r = { .paths = paths, .command = command, .timeout_ms = command->timeout_ms, .interval_ms = 1000 };
	char shortopts[2 * OPTIONS + 1], title[32];
	struct option longopts[OPTIONS + 1];
	int c, code;

	/* getopt's messages begin with argv[0]. */
	snprintf(title, sizeof(title), "mdmonctl %s", command->name);
	argv[0] = title;
	select_options(command, longopts, shortopts);
	optind = 0;
	while ((c = getopt_long(argc, argv, shortopts, longopts, NULL)) != -1) {
		code = take_option(&r, c, optarg);
		if (code >= 0)
			return code;
	}
	r.name = argv + optind;
	r.names = (unsigned)(argc - optind);
	return command->run(&r);
}

static int main_usage_error(const char *what, const char *arg)
{
	char name[64];

	text_sanitize(name, sizeof(name), arg);
	fprintf(stderr, "mdmonctl: %s%s\n", what, name);
	fputs("The commands are ping, status, watch, check, events, metrics and examine. Try 'mdmonctl --help'.\n", stderr);
	return CTL_USAGE;
}

/* Options before the command. Returns an exit code, or -1 to go on at optind. */
static int main_options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};

	optind = 0;
	switch (getopt_long(argc, argv, "+hV", longopts, NULL)) {
	case -1:
		return -1;
	case 'h':
		fputs(main_usage, stdout);
		return CTL_OK;
	case 'V':
		printf("mdmonctl %s\n", MDMON_VERSION);
		return CTL_OK;
	}
	fputs("Options of a command follow its name. Try 'mdmonctl --help'.\n", stderr);
	return CTL_USAGE;
}

int ctl_main(const struct ctl_paths *paths, int argc, char **argv)
{
	int code = main_options(argc, argv);

	if (code >= 0)
		return finish_output(code, CTL_NO_ANSWER);
	if (optind >= argc)
		return main_usage_error("no command", "");
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[optind], commands[i].name) == 0)
			return finish_output(run_command(paths, &commands[i], argc - optind, argv + optind),
					     commands[i].failure);
	return main_usage_error("there is no command ", argv[optind]);
}
