/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/watch.h. The daemons are asked again and again; what is on the screen changes only if the answer reads
 * differently. Whatever ends us, the terminal is left as it was.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/text.h"
#include "ctl/units.h"
#include "ctl/watch.h"
#include "lib/clock.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MAX 120
/* Shorter than for other commands: that a daemon is stuck is what one wants to see here. */
#define WATCH_TIMEOUT_MS 2000

/* The other screen; no cursor; long lines are cut by the terminal, should it show a character wider than we think. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define CURSOR_HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

/* ---- what is shown ---- */

static char *container_text(const struct watch *w, const char *container, const struct view_options *opt)
{
	struct client_status status;
	char *text;

	client_status(w->paths, container, WATCH_TIMEOUT_MS, &status);
	if (status.problem[0])
		text = view_problem(container, status.problem, opt);
	else
		text = view_status(container, status.object, opt);
	client_status_free(&status);
	return text;
}

static char *argument_text(const struct watch *w, const char *arg, const struct view_options *opt)
{
	char container[MD_NAME_MAX];
	int r = ctl_container_resolve(w->paths, arg, container);

	return r < 0 ? view_problem(arg, ctl_container_error(r), opt) : container_text(w, container, opt);
}

/* Takes over `block`; false if there was no memory for it. */
static bool add_block(FILE *out, bool first, char *block)
{
	if (!block)
		return false;
	if (!first)
		fputc('\n', out);
	fputs(block, out);
	free(block);
	return true;
}

static bool add_named(FILE *out, const struct watch *w, const struct view_options *opt)
{
	for (unsigned i = 0; i < w->names; i++)
		if (!add_block(out, i == 0, argument_text(w, w->name[i], opt)))
			return false;
	return true;
}

static bool add_all(FILE *out, const struct watch *w, const struct view_options *opt)
{
	struct ctl_containers list;
	int r = ctl_containers_read(w->paths, &list);
	bool ok = true;

	if (r < 0)
		return add_block(out, true, view_problem(w->paths->run, strerror(-r), opt));
	if (!list.count)
		fputs("No mdmon runs, and none is needed.\n", out);
	for (size_t i = 0; ok && i < list.count; i++)
		ok = add_block(out, i == 0, container_text(w, list.name[i], opt));
	ctl_containers_free(&list);
	return ok;
}

char *watch_text(const struct watch *w, unsigned width)
{
	const struct view_options opt = { .width = width, .colour = w->colour, .live = true };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	if (!out)
		return NULL;
	ok = w->names ? add_named(out, w, &opt) : add_all(out, w, &opt);
	if (fclose(out) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static size_t length_of_lines(const char *text, unsigned lines)
{
	const char *end = text;

	while (lines-- && *end)
		end += strcspn(end, "\n") + 1;
	return (size_t)(end - text);
}

char *watch_crop(const char *text, unsigned rows)
{
	unsigned lines = count_lines(text), kept = rows ? rows - 1 : 0;
	char *cropped;

	if (lines <= rows)
		return strdup(text);
	if (asprintf(&cropped, "%.*s... %u more lines\n", (int)length_of_lines(text, kept), text, lines - kept) < 0)
		return NULL;
	return cropped;
}

/* ---- the terminal ---- */

static struct termios saved_modes;
static volatile sig_atomic_t modes_changed, screen_entered, resized, stopped;

static void leave_screen(void)
{
	if (screen_entered && write(STDOUT_FILENO, SCREEN_LEAVE, sizeof(SCREEN_LEAVE) - 1) < 0)
		screen_entered = 0; /* the terminal has gone */
	screen_entered = 0;
	if (modes_changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_modes);
	modes_changed = 0;
}

/* Keys arrive without Enter and are not echoed. In the background the keyboard is not touched. */
static void change_modes(void)
{
	struct termios modes;

	if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &saved_modes) < 0)
		return;
	modes = saved_modes;
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes_changed = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &modes);
}

static void enter_screen(void)
{
	change_modes();
	screen_entered = 1;
	fputs(SCREEN_ENTER, stdout);
	fflush(stdout);
}

/* Restores the terminal at once, even while a daemon is asked; then the signal has its usual effect. */
static void on_end(int sig)
{
	leave_screen();
	raise(sig);
}

static void on_change(int sig)
{
	if (sig == SIGTSTP)
		stopped = 1;
	else
		resized = 1;
}

/* Signals that are let in only during the wait, so that none is missed. */
static void catch_signals(sigset_t *while_waiting)
{
	static const int end[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction on_end_action = { .sa_handler = on_end, .sa_flags = (int)SA_RESETHAND };
	struct sigaction on_change_action = { .sa_handler = on_change };
	sigset_t held;

	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		sigaction(end[i], &on_end_action, NULL);
	sigaction(SIGWINCH, &on_change_action, NULL);
	sigaction(SIGTSTP, &on_change_action, NULL);
	sigemptyset(&held);
	sigaddset(&held, SIGWINCH);
	sigaddset(&held, SIGTSTP);
	sigprocmask(SIG_BLOCK, &held, while_waiting);
	sigdelset(while_waiting, SIGWINCH);
	sigdelset(while_waiting, SIGTSTP);
}

static void stop_until_continued(void)
{
	stopped = 0;
	leave_screen();
	raise(SIGSTOP);
	enter_screen();
	resized = 1;
}

static struct winsize screen_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
		return (struct winsize){ .ws_col = WIDTH_DEFAULT, .ws_row = 24 };
	return size;
}

unsigned output_width(void)
{
	unsigned width = isatty(STDOUT_FILENO) ? screen_size().ws_col : WIDTH_DEFAULT;

	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static void draw_line(const char *line, size_t len)
{
	fwrite(line, 1, len, stdout);
	fputs(CLEAR_LINE "\r\n", stdout);
}

/* Draws line over line: clearing the screen first would flicker. The last row is the status line of `watch`. */
static void draw_screen(const char *text)
{
	struct winsize size = screen_size();
	char *cropped = watch_crop(text, size.ws_row > 1 ? size.ws_row - 1 : 1);
	char now[UNITS_MAX];

	fputs(CURSOR_HOME, stdout);
	for (const char *line = cropped ? cropped : ""; *line; line += strcspn(line, "\n") + 1)
		draw_line(line, strcspn(line, "\n"));
	printf(CLEAR_LINE CLEAR_BELOW "last change %s; q ends", units_time(now, (uint64_t)time(NULL) * 1000));
	free(cropped);
}

/* True if the user wants the end. */
static bool key_ends(const struct pollfd *keyboard)
{
	char key;

	if (!keyboard->revents)
		return false;
	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}

/* Waits until it is time to ask again or something happens to the screen. True if the user wants the end. */
static bool wait_on_screen(unsigned interval_ms, const sigset_t *while_waiting)
{
	uint64_t deadline = clock_now_ns() + interval_ms * NS_PER_MS;
	struct pollfd keyboard = { .fd = modes_changed ? STDIN_FILENO : -1, .events = POLLIN };
	struct timespec left;

	do {
		keyboard.revents = 0;
		left = clock_until(deadline);
		if (ppoll(&keyboard, 1, &left, while_waiting) > 0 && key_ends(&keyboard))
			return true;
		if (stopped)
			stop_until_continued();
	} while (!resized && clock_now_ns() < deadline);
	return false;
}

static int watch_screen(const struct watch *w)
{
	char *shown = NULL, *text;
	sigset_t while_waiting;

	catch_signals(&while_waiting);
	enter_screen();
	do {
		text = watch_text(w, output_width());
		if (text && (resized || !shown || strcmp(text, shown) != 0))
			draw_screen(text);
		resized = 0;
		free(shown);
		shown = text;
	} while (text && fflush(stdout) == 0 && !wait_on_screen(w->interval_ms, &while_waiting));
	leave_screen();
	free(shown);
	return text && !ferror(stdout) ? 0 : 1;
}

/* ---- no terminal ---- */

static void print_block(const char *text)
{
	char now[UNITS_MAX];

	printf("--- %s\n%s\n", units_time(now, (uint64_t)time(NULL) * 1000), text);
}

static void wait_quietly(unsigned interval_ms)
{
	uint64_t deadline = clock_now_ns() + interval_ms * NS_PER_MS;

	while (clock_now_ns() < deadline) {
		struct timespec left = clock_until(deadline);

		ppoll(NULL, 0, &left, NULL);
	}
}

static int watch_blocks(const struct watch *w)
{
	char *printed = NULL, *text;

	while ((text = watch_text(w, WIDTH_DEFAULT))) {
		if (!printed || strcmp(text, printed) != 0)
			print_block(text);
		free(printed);
		printed = text;
		if (fflush(stdout) != 0)
			break;
		wait_quietly(w->interval_ms);
	}
	free(printed);
	return 1;
}

int watch_run(const struct watch *w)
{
	const char *term = getenv("TERM");
	bool can_move = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;

	return can_move ? watch_screen(w) : watch_blocks(w);
}
